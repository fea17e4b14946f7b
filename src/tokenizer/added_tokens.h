// AddedTokens: tokens that are found in the text before anything else is done to it.
//
// Built once while a tokenizer is loaded, then immutable and used from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/added_token.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/trie.h"
#include "tokenizer/vocabulary.h"

namespace vecton::tokenizer {

class AddedTokens {
 public:
  struct Token : AddedToken {
    std::string spelled;  // the content, normalized where the token is: what decoding gives
    int32_t id = 0;
  };
  // A stretch of text: an added token, or text in between (id kNone).
  struct Piece {
    Span span;
    int32_t id = Vocabulary::kNone;
  };

  // Tokens that are in the vocabulary have its ids, the others follow it. Of equal contents the
  // last one counts. With `splits_special` special tokens are not looked for in texts.
  void build(std::span<const AddedToken> tokens, const Vocabulary& vocabulary,
             const Normalizer* normalizer, bool splits_special = false);

  bool empty() const { return tokens_.empty(); }
  bool has_normalized() const { return !normalized_.empty(); }
  // Cuts `text` at the tokens that are matched before normalization, or after it. An empty text
  // gives no piece.
  void cut(std::string_view text, bool normalized, std::vector<Piece>& pieces) const;

  // The token of an id, or nullptr.
  const Token* find(int32_t id) const;
  const Token* find(std::string_view content) const;
  bool is_special(std::string_view content) const;
  int32_t id_limit() const { return id_limit_; }

 private:
  // Fills a trie with the tokens that are matched before or after normalization; says which bytes
  // start one.
  std::vector<uint8_t> build_trie(Trie& trie, bool normalized) const;
  static bool touches_word(std::string_view text, size_t begin, size_t end);
  static size_t spaces_before(std::string_view text, size_t begin, size_t least);
  static size_t spaces_after(std::string_view text, size_t end);

  std::vector<Token> tokens_;
  Trie plain_, normalized_;
  std::vector<uint8_t> plain_starts_,
      normalized_starts_;                            // by byte: whether a token starts with it
  std::vector<std::pair<int32_t, uint32_t>> by_id_;  // sorted
  Vocabulary special_;
  Vocabulary by_content_;  // to indices of tokens_
  int32_t id_limit_ = 0;
  bool splits_special_ = false;
};

}  // namespace vecton::tokenizer
