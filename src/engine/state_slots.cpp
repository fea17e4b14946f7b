#include "engine/state_slots.h"

namespace vecton::engine {

StateSlots::StateSlots(int64_t slots) {
  for (int64_t slot = slots; slot > 0; --slot) free_.push_back(static_cast<int32_t>(slot));
}

// Nobody reads it.
void StateSlots::drop(Place place) {
  unread_.erase(place->second.place);
  free_.push_back(place->second.slot);
  snapshots_.erase(place);
}

std::optional<int32_t> StateSlots::take() {
  if (free_.empty() && !unread_.empty()) drop(snapshots_.find(unread_.front()));
  if (free_.empty()) return std::nullopt;
  const int32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void StateSlots::keep(int32_t block, int32_t slot) {
  const auto [place, added] = snapshots_.try_emplace(block, Snapshot{.slot = slot});
  if (!added) return give_back(slot);
  place->second.place = unread_.insert(unread_.end(), block);
}

int64_t StateSlots::usable(std::span<const int32_t> blocks) const {
  size_t count = blocks.size();
  while (count > 0 && !has(blocks[count - 1])) --count;
  return static_cast<int64_t>(count);
}

int32_t StateSlots::refer(int32_t block) {
  Snapshot& snapshot = snapshots_.at(block);
  if (snapshot.readers++ == 0) unread_.erase(snapshot.place);
  return snapshot.slot;
}

void StateSlots::release(int32_t block) {
  const Place place = snapshots_.find(block);
  Snapshot& snapshot = place->second;
  if (--snapshot.readers > 0) return;
  snapshot.place = unread_.insert(unread_.end(), block);
  if (snapshot.forgotten) drop(place);
}

void StateSlots::forget(int32_t block) {
  const Place place = snapshots_.find(block);
  if (place == snapshots_.end()) return;
  if (place->second.readers > 0) {
    place->second.forgotten = true;
  } else {
    drop(place);
  }
}

}  // namespace vecton::engine
