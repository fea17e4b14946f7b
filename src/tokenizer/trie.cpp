#include "tokenizer/trie.h"

#include <algorithm>

namespace vecton::tokenizer {

void Trie::build(std::vector<std::pair<std::string_view, int32_t>> keys) {
  std::stable_sort(keys.begin(), keys.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  // Each node stands for a range of the sorted keys that share their first `depth` bytes.
  struct Range {
    uint32_t begin, end, depth;
  };
  std::vector<Range> ranges{{0, static_cast<uint32_t>(keys.size()), 0}};
  nodes_.assign(1, {});
  for (size_t i = 0; i < ranges.size(); ++i) {
    auto [begin, end, depth] = ranges[i];
    for (; begin < end && keys[begin].first.size() == depth; ++begin) {
      if (depth > 0) nodes_[i].value = keys[begin].second;
    }
    nodes_[i].children = static_cast<uint32_t>(nodes_.size());
    while (begin < end) {
      const char label = keys[begin].first[depth];
      uint32_t stop = begin;
      while (stop < end && keys[stop].first[depth] == label) ++stop;
      if (depth == 0)
        first_[static_cast<unsigned char>(label)] = static_cast<uint32_t>(nodes_.size());
      Node node;
      node.label = static_cast<uint8_t>(label);
      nodes_.push_back(node);
      ++nodes_[i].count;
      ranges.push_back({begin, stop, depth + 1});
      begin = stop;
    }
  }
}

}  // namespace vecton::tokenizer
