#include "tokenizer/added_tokens.h"

#include <algorithm>

namespace vecton::tokenizer {

void AddedTokens::build(std::span<const AddedToken> tokens, const Vocabulary& vocabulary,
                        const Normalizer* normalizer, bool splits_special) {
  splits_special_ = splits_special;
  int32_t highest = -1;
  const int32_t words = static_cast<int32_t>(vocabulary.size());
  for (const AddedToken& item : tokens) {
    if (item.content.empty()) continue;
    Token token{item, item.content, 0};
    if (token.normalized && normalizer) {
      Text text;
      text.assign(token.content, 0, false);
      normalizer->apply(text);
      token.spelled = text.bytes();
    }
    if (const Token* known = find(token.content)) {
      token.id = known->id;
    } else if (const int32_t id = vocabulary.find(token.content); id != Vocabulary::kNone) {
      token.id = id;
    } else {
      token.id = std::max(highest + 1, words);
    }
    highest = std::max(highest, token.id);
    id_limit_ = highest + 1;
    if (token.special) special_.add(token.content, 0);
    if (const int32_t index = by_content_.find(token.content); index != Vocabulary::kNone) {
      tokens_[index] = std::move(token);
    } else {
      by_content_.add(token.content, static_cast<int32_t>(tokens_.size()));
      tokens_.push_back(std::move(token));
    }
  }
  for (size_t i = 0; i < tokens_.size(); ++i)
    by_id_.emplace_back(tokens_[i].id, static_cast<uint32_t>(i));
  std::stable_sort(by_id_.begin(), by_id_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  plain_starts_ = build_trie(plain_, false);
  normalized_starts_ = build_trie(normalized_, true);
}

std::vector<uint8_t> AddedTokens::build_trie(Trie& trie, bool normalized) const {
  std::vector<std::pair<std::string_view, int32_t>> keys;
  std::vector<uint8_t> starts(256, 0);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& text = tokens_[i].spelled;
    if (tokens_[i].normalized != normalized || text.empty()) continue;
    keys.emplace_back(text, static_cast<int32_t>(i));
    starts[static_cast<unsigned char>(text[0])] = 1;
  }
  // Of equal contents the first token is found: the trie keeps the last.
  std::reverse(keys.begin(), keys.end());
  trie.build(std::move(keys));
  return starts;
}

void AddedTokens::cut(std::string_view text, bool normalized, std::vector<Piece>& pieces) const {
  const Trie& trie = normalized ? normalized_ : plain_;
  const std::vector<uint8_t>& starts = normalized ? normalized_starts_ : plain_starts_;
  size_t done = 0;    // up to here everything is in a piece
  size_t spaces = 0;  // up to here the last run of spaces went
  const auto add_text = [&](size_t end) {
    if (done < end)
      pieces.push_back(
          {{static_cast<uint32_t>(done), static_cast<uint32_t>(end)}, Vocabulary::kNone});
  };
  for (size_t at = 0; at < text.size() && !trie.empty();) {
    if (!starts[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    size_t begin = at, end = at;
    int32_t index = -1;
    trie.walk(text, at, [&](size_t stop, int32_t value) {
      end = stop;
      index = value;
    });
    if (index < 0) {
      ++at;
      continue;
    }
    at = end;
    const Token& token = tokens_[index];
    if (splits_special_ && is_special(token.content)) continue;
    if (token.single_word && touches_word(text, begin, end)) continue;
    if (token.lstrip) begin = spaces_before(text, begin, done);
    // Tokens may be spaces themselves: a run is walked once.
    if (token.rstrip) end = spaces = end < spaces ? spaces : spaces_after(text, end);
    if (begin >= end) continue;  // the spaces of the token before are all of it
    add_text(begin);
    pieces.push_back({{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)}, token.id});
    done = end;
  }
  add_text(text.size());
}

bool AddedTokens::touches_word(std::string_view text, size_t begin, size_t end) {
  if (begin > 0) {
    size_t at = unicode::previous(text, begin);
    if (unicode::is_word(unicode::next(text, at))) return true;
  }
  return end < text.size() && unicode::is_word(unicode::next(text, end));
}

size_t AddedTokens::spaces_before(std::string_view text, size_t begin, size_t least) {
  while (begin > least) {
    const size_t start = unicode::previous(text, begin);
    size_t at = start;
    if (!unicode::is_white_space(unicode::next(text, at))) break;
    begin = start;
  }
  return std::max(begin, least);
}

size_t AddedTokens::spaces_after(std::string_view text, size_t end) {
  for (size_t at = end; at < text.size() && unicode::is_white_space(unicode::next(text, at));)
    end = at;
  return end;
}

const AddedTokens::Token* AddedTokens::find(int32_t id) const {
  // Of several tokens with one id the last one read counts.
  const auto after =
      std::upper_bound(by_id_.begin(), by_id_.end(), id,
                       [](int32_t value, const auto& entry) { return value < entry.first; });
  if (after == by_id_.begin() || std::prev(after)->first != id) return nullptr;
  return &tokens_[std::prev(after)->second];
}

const AddedTokens::Token* AddedTokens::find(std::string_view content) const {
  const int32_t index = by_content_.find(content);
  return index == Vocabulary::kNone ? nullptr : &tokens_[index];
}

bool AddedTokens::is_special(std::string_view content) const {
  return special_.find(content) != Vocabulary::kNone;
}

}  // namespace vecton::tokenizer
