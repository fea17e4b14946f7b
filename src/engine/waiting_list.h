// WaitingList: sequences that wait for their turn, by priority and then as they came. One whose
// beginning another batch computes is parked under that block until it is there. Nobody looks
// through it, however many wait.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/sequence.h"

namespace vecton::engine {

class WaitingList {
 public:
  using Key = std::pair<int64_t, uint64_t>;  // priority, and a number that no other has

  void insert(const Key& key, Sequence sequence);
  // The first that is not parked; null = there is none. Stays where it is until it is taken, parked
  // or removed.
  Sequence* first();
  Sequence take_first();
  void park_first(int32_t block);
  void unpark(int32_t block);
  // Nothing where it does not wait.
  std::optional<Sequence> remove(const Key& key);
  std::vector<Sequence> clear();

  int64_t size() const { return static_cast<int64_t>(places_.size()); }
  int64_t tokens() const { return tokens_; }
  bool has_ready() const { return !came_.empty() || !unparked_.empty(); }

 private:
  using List = std::map<Key, Sequence>;
  List& first_list();
  List::node_type extract(List& list, const Key& key);

  List came_;
  // A list moves from the parked ones to these as it is.
  std::map<Key, std::unique_ptr<List>> unparked_;              // by their first sequence
  std::unordered_map<int32_t, std::unique_ptr<List>> parked_;  // by block
  std::unordered_map<uint64_t, List*> places_;                 // by number
  int64_t tokens_ = 0;
};

}  // namespace vecton::engine
