#include "tokenizer/merge_rules.h"

#include <algorithm>

#include "base/utf8.h"
#include "tokenizer/trie.h"
#include "tokenizer/vocabulary.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

MergeRules merge_rules(std::span<const std::string> tokens, MergeUnit unit, MergeOrder order,
                       const std::string& file) {
  Vocabulary ranks;
  ranks.reserve(tokens.size(), tokens.size() * 8);
  std::vector<std::pair<std::string_view, int32_t>> keys;
  keys.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].size() > kLongestMergedToken) {
      throw Error(ErrorCode::kCorrupt, file + " has a token of " +
                                           std::to_string(tokens[i].size()) + " bytes; at most " +
                                           std::to_string(kLongestMergedToken) + " are taken");
    }
    ranks.add(tokens[i], static_cast<int32_t>(i));
    keys.emplace_back(tokens[i], static_cast<int32_t>(i));
  }
  Trie trie;
  trie.build(std::move(keys));

  struct Way {
    size_t left_size;
    int32_t left, right;
  };
  MergeRules rules;
  std::vector<Way> ways;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens[i];
    if (ranks.find(token) != static_cast<int32_t>(i)) continue;
    ways.clear();
    trie.walk(token, 0, [&](size_t end, int32_t left) {
      const bool boundary =
          unit == MergeUnit::kBytes || utf8::begins_character(token[end % token.size()]);
      if (end == token.size() || !boundary) return;
      const int32_t right = ranks.find(token.substr(end));
      if (right != Vocabulary::kNone) ways.push_back({end, left, right});
    });
    if (order == MergeOrder::kByRank) {
      std::ranges::sort(ways, [](const Way& a, const Way& b) {
        return a.left != b.left ? a.left < b.left : a.right < b.right;
      });
    }
    for (const Way& way : ways)
      rules.emplace_back(token.substr(0, way.left_size), token.substr(way.left_size));
  }
  return rules;
}

}  // namespace vecton::tokenizer
