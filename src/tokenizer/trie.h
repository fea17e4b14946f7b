// Trie: all tokens that start at a place of a text, in one walk.
//
// Built once while a tokenizer is loaded, then immutable and used from any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace vecton::tokenizer {

class Trie {
 public:
  // Keys and their values; of equal keys the last one counts. Empty keys are left out.
  void build(std::vector<std::pair<std::string_view, int32_t>> keys);

  bool empty() const { return nodes_.size() <= 1; }
  // Calls visit(end, value) for every key that starts at `text[at]`, the shortest first; `end` is
  // behind it.
  template <typename Visit>
  void walk(std::string_view text, size_t at, Visit&& visit) const {
    if (nodes_.empty() || at >= text.size()) return;
    uint32_t node = first_[static_cast<unsigned char>(text[at])];
    while (node != 0) {
      ++at;
      const Node& here = nodes_[node];
      if (here.value >= 0) visit(at, here.value);
      if (at >= text.size()) return;
      node = child(here, static_cast<uint8_t>(text[at]));
    }
  }

 private:
  struct Node {
    uint32_t children = 0;  // the first of them
    int32_t value = -1;
    uint16_t count = 0;
    uint8_t label = 0;  // the byte that leads here
  };

  uint32_t child(const Node& node, uint8_t label) const {
    uint32_t low = node.children, high = low + node.count;
    while (high - low > 8) {
      const uint32_t middle = (low + high) / 2;
      if (nodes_[middle].label <= label) {
        low = middle;
      } else {
        high = middle;
      }
    }
    for (; low < high; ++low) {
      if (nodes_[low].label == label) return low;
    }
    return 0;
  }

  std::vector<Node>
      nodes_;  // breadth first, the children of a node side by side in the order of their labels
  uint32_t first_[256] = {};
};

}  // namespace vecton::tokenizer
