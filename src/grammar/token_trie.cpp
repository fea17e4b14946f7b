#include "grammar/token_trie.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "grammar/characters.h"

namespace vecton::grammar {

namespace {

// Each holds the ones before it.
std::array<CharacterSet, TokenTrie::kGroups> group_characters() {
  const CharacterSet word{{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}};
  CharacterSet words = word;
  words.add(' ', ' ');
  // What may stand unescaped in a JSON string; the first of these without what marks of tools and
  // thinking begin with.
  const CharacterSet unsafe{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  const CharacterSet text = CharacterSet::any().minus(unsafe);
  return {word, words, text.minus({{'<', '<'}, {'[', '['}, {'{', '{'}, {'`', '`'}}), text};
}

size_t group_of(const std::string& token,
                const std::array<CharacterSet, TokenTrie::kGroups>& sets) {
  if (token.size() > TokenTrie::kGroupBytes) return TokenTrie::kGroups;
  size_t group = 0;
  for (size_t at = 0; at < token.size();) {
    const utf8::Character c = utf8::decode(token, at);
    if (!c.valid) return TokenTrie::kGroups;
    while (group < TokenTrie::kGroups && !sets[group].has(c.code)) ++group;
    at += c.bytes;
  }
  return group;
}

void build(const std::vector<std::string>& tokens, TokenTrie::Group& group) {
  std::sort(group.ids.begin(), group.ids.end(),
            [&](int32_t x, int32_t y) { return std::tie(tokens[x], x) < std::tie(tokens[y], y); });
  group.all.assign((tokens.size() + 63) / 64, 0);
  std::vector<int32_t> open;  // nodes on the way to the last token
  std::string_view last;
  for (size_t i = 0; i < group.ids.size(); ++i) {
    const int32_t id = group.ids[i];
    group.all[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
    const std::string_view token = tokens[id];
    size_t same = 0;
    while (same < last.size() && same < token.size() && last[same] == token[same]) ++same;
    while (open.size() > same) {
      group.nodes[static_cast<size_t>(open.back())].end = static_cast<int32_t>(group.nodes.size());
      open.pop_back();
    }
    for (size_t at = same; at < token.size(); ++at) {
      open.push_back(static_cast<int32_t>(group.nodes.size()));
      group.nodes.push_back({static_cast<uint16_t>(at + 1), static_cast<uint8_t>(token[at]), 0,
                             static_cast<int32_t>(i)});
    }
    last = token;
  }
  for (const int32_t node : open)
    group.nodes[static_cast<size_t>(node)].end = static_cast<int32_t>(group.nodes.size());
  group.nodes.push_back({0, 0, 0, static_cast<int32_t>(group.ids.size())});
}

}  // namespace

std::string special_token_bytes(std::string_view name) {
  return "\xFF" + std::string(name) + "\xFF";
}

TokenTrie::TokenTrie(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
  const auto sets = group_characters();
  for (size_t id = 0; id < tokens_.size(); ++id) {
    std::string& token = tokens_[id];
    // No text of a grammar is in one such token.
    if (token.size() > 4096) token.clear();
    if (token.empty()) continue;
    longest_ = std::max(longest_, token.size());
    groups_[group_of(token, sets)].ids.push_back(static_cast<int32_t>(id));
  }
  for (Group& group : groups_) build(tokens_, group);
}

std::vector<Expr> TokenTrie::group_expressions(ExpressionPool& pool) {
  std::vector<Expr> out;
  for (const CharacterSet& set : group_characters())
    out.push_back(pool.repeat(characters(pool, set, Spelling::kUtf8), 0));
  return out;
}

}  // namespace vecton::grammar
