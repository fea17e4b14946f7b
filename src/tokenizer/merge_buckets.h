// MergeBuckets: places of a long word where a merge is possible, by the rank of the merge.
//
// Where a word repeats itself many places share a rank: they are kept together, so that putting one
// in and taking all out cost little. One word at a time; memory is kept for the next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace vecton::tokenizer {

class MergeBuckets {
 public:
  // Ranks are below `ranks`. What an earlier word left is forgotten.
  void reset(size_t ranks) {
    for (const uint32_t rank : waiting_) heads_[rank] = kNone;
    if (heads_.size() < ranks) heads_.resize(ranks, kNone);
    waiting_.clear();
    nodes_.clear();
    free_ = kNone;
  }

  void add(uint32_t rank, uint32_t position) {
    if (heads_[rank] == kNone) {
      waiting_.push_back(rank);
      std::push_heap(waiting_.begin(), waiting_.end(), std::greater<>());
    }
    uint32_t node = free_;
    if (node == kNone) {
      node = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
    } else {
      free_ = nodes_[node].next;
    }
    nodes_[node] = {position, heads_[rank]};
    heads_[rank] = node;
  }

  // Takes out the places of the lowest rank, from left to right; false when there are none.
  bool take(uint32_t& rank, std::vector<uint32_t>& positions) {
    if (waiting_.empty()) return false;
    std::pop_heap(waiting_.begin(), waiting_.end(), std::greater<>());
    rank = waiting_.back();
    waiting_.pop_back();
    positions.clear();
    for (uint32_t node = heads_[rank]; node != kNone;) {
      positions.push_back(nodes_[node].position);
      const uint32_t next = nodes_[node].next;
      nodes_[node].next = free_;
      free_ = node;
      node = next;
    }
    heads_[rank] = kNone;
    std::reverse(positions.begin(), positions.end());
    if (!std::is_sorted(positions.begin(), positions.end()))
      std::sort(positions.begin(), positions.end());
    return true;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Node {
    uint32_t position, next;
  };
  std::vector<uint32_t> heads_;    // by rank: its first node
  std::vector<uint32_t> waiting_;  // ranks that have nodes, a heap
  std::vector<Node> nodes_;
  uint32_t free_ = kNone;
};

}  // namespace vecton::tokenizer
