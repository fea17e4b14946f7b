#include "tokenizer/merge_rules.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/vocabulary.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

// A cut of a token into two others.
struct Way {
  size_t left_size;
  int32_t left, right;
};

// Tokens that are the beginnings of others, for each the nearest: its place, or -1. Of equal tokens
// the last one counts, and the others have none.
class Beginnings {
 public:
  Beginnings(std::span<const std::string> tokens, const Vocabulary& ranks)
      : tokens_(tokens), nearest_(tokens.size(), -1) {
    std::vector<int32_t> order;
    order.reserve(tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (!tokens[i].empty() && ranks.find(tokens[i]) == static_cast<int32_t>(i))
        order.push_back(static_cast<int32_t>(i));
    }
    std::ranges::sort(order, {}, [&](int32_t i) { return std::string_view(token(i)); });
    std::vector<int32_t> open;  // each begins the next, and the last the token that comes
    for (const int32_t i : order) {
      while (!open.empty() && !token(i).starts_with(token(open.back()))) open.pop_back();
      if (!open.empty()) nearest_[static_cast<size_t>(i)] = open.back();
      open.push_back(i);
    }
  }

  // Of token `i`, the shortest first.
  void of(size_t i, std::vector<int32_t>& list) const {
    list.clear();
    for (int32_t at = nearest_[i]; at >= 0; at = nearest_[static_cast<size_t>(at)])
      list.push_back(at);
    std::ranges::reverse(list);
  }

 private:
  const std::string& token(int32_t i) const { return tokens_[static_cast<size_t>(i)]; }

  std::span<const std::string> tokens_;
  std::vector<int32_t> nearest_;
};

}  // namespace

MergeRules merge_rules(std::span<const std::string> tokens, MergeUnit unit, MergeOrder order,
                       const std::string& file) {
  Vocabulary ranks;
  ranks.reserve(tokens.size(), tokens.size() * 8);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].size() > kLongestMergedToken) {
      throw Error(ErrorCode::kCorrupt, file + " has a token of " +
                                           std::to_string(tokens[i].size()) + " bytes; at most " +
                                           std::to_string(kLongestMergedToken) + " are taken");
    }
    ranks.add(tokens[i], static_cast<int32_t>(i));
  }
  const Beginnings beginnings(tokens, ranks);

  MergeRules rules;
  std::vector<int32_t> lefts, found;
  std::vector<std::string_view> rights;
  std::vector<Way> ways;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens[i];
    beginnings.of(i, lefts);
    ways.clear();
    rights.clear();
    for (const int32_t left : lefts) {
      const size_t end = tokens[static_cast<size_t>(left)].size();
      if (unit == MergeUnit::kCharacters && !utf8::begins_character(token[end])) continue;
      ways.push_back({end, left, 0});
      rights.push_back(token.substr(end));
    }
    found.resize(rights.size());
    ranks.find_many(rights, found);
    for (size_t j = 0; j < ways.size(); ++j) ways[j].right = found[j];
    std::erase_if(ways, [](const Way& way) { return way.right == Vocabulary::kNone; });
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
