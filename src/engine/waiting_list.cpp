#include "engine/waiting_list.h"

namespace vecton::engine {

void WaitingList::insert(const Key& key, Sequence sequence) {
  tokens_ += sequence.tokens();
  places_[key.second] = &came_;
  came_.emplace(key, std::move(sequence));
}

WaitingList::List& WaitingList::first_list() {
  if (unparked_.empty()) return came_;
  const auto& [key, list] = *unparked_.begin();
  return came_.empty() || key < came_.begin()->first ? *list : came_;
}

Sequence* WaitingList::first() { return has_ready() ? &first_list().begin()->second : nullptr; }

// The key of an unparked list is that of its first sequence; one without any is gone.
WaitingList::List::node_type WaitingList::extract(List& list, const Key& key) {
  List::node_type sequence = list.extract(key);
  const auto at = unparked_.find(key);
  if (at == unparked_.end()) return sequence;
  auto node = unparked_.extract(at);
  if (list.empty()) return sequence;
  node.key() = list.begin()->first;
  unparked_.insert(std::move(node));
  return sequence;
}

Sequence WaitingList::take_first() { return std::move(*remove(first_list().begin()->first)); }

void WaitingList::park_first(int32_t block) {
  List& from = first_list();
  List::node_type sequence = extract(from, from.begin()->first);
  std::unique_ptr<List>& list = parked_[block];
  if (!list) list = std::make_unique<List>();
  places_[sequence.key().second] = list.get();
  list->insert(std::move(sequence));
}

void WaitingList::unpark(int32_t block) {
  auto node = parked_.extract(block);
  if (node.empty() || node.mapped()->empty()) return;
  const Key first = node.mapped()->begin()->first;
  unparked_.emplace(first, std::move(node.mapped()));
}

std::optional<Sequence> WaitingList::remove(const Key& key) {
  const auto place = places_.find(key.second);
  if (place == places_.end()) return std::nullopt;
  List::node_type node = extract(*place->second, key);
  if (node.empty()) return std::nullopt;
  places_.erase(place);
  tokens_ -= node.mapped().tokens();
  return std::move(node.mapped());
}

std::vector<Sequence> WaitingList::clear() {
  std::vector<Sequence> all;
  const auto drain = [&](List& list) {
    for (auto& [key, sequence] : list) all.push_back(std::move(sequence));
  };
  drain(came_);
  for (auto& [key, list] : unparked_) drain(*list);
  for (auto& [block, list] : parked_) drain(*list);
  *this = {};
  return all;
}

}  // namespace vecton::engine
