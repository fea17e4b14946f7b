// StateSlots: the slots of a cache in which recurrent layers keep their states. One that generates
// has a slot of its own. A state can't be cut back to fewer tokens, so that copies are kept of
// those at the ends of some blocks (snapshots): a sequence that begins with the tokens of such a
// block goes on from there. Snapshots have the slots that no sequence needs; the one that was used
// least recently goes first. Bookkeeping only: no tensors, no threads, no clock.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace vecton::engine {

class StateSlots {
 public:
  // Slots 1 to `slots`; slot 0 is the state before any token.
  explicit StateSlots(int64_t slots);

  // A slot that is free, or that of a snapshot that nobody reads, which is lost.
  std::optional<int32_t> take();
  void give_back(int32_t slot) { free_.push_back(slot); }

  // What the slot holds is the state after `block` from now on. Where that is known the slot is
  // free.
  void keep(int32_t block, int32_t slot);
  bool has(int32_t block) const { return snapshots_.contains(block); }
  // How many of the leading blocks a sequence can go on from.
  int64_t usable(std::span<const int32_t> blocks) const;
  // The slot of a block's snapshot, which stays as it is until release().
  int32_t refer(int32_t block);
  void release(int32_t block);
  // The block holds something else, or its state is of no more use.
  void forget(int32_t block);

 private:
  struct Snapshot {
    int32_t slot = 0;
    int readers = 0;
    bool forgotten = false;                // goes with its last reader
    std::list<int32_t>::iterator place{};  // in unread_, where nobody reads it
  };
  using Place = std::unordered_map<int32_t, Snapshot>::iterator;
  void drop(Place place);

  std::vector<int32_t> free_;
  std::unordered_map<int32_t, Snapshot> snapshots_;  // by block
  std::list<int32_t> unread_;                        // blocks; who was used least recently is first
};

}  // namespace vecton::engine
