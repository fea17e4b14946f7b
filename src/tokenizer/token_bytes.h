// The bytes that tokens are in the middle of a text. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "vecton/tokenizer.h"

namespace vecton::tokenizer {

struct TokenBytes {
  std::string bytes;     // empty: no token has the id, or it adds nothing to a text
  bool special = false;  // a control token: `bytes` is its name
};

// By id. Byte-level vocabularies, SentencePiece with its byte tokens, WordPiece.
std::vector<TokenBytes> token_bytes(const Tokenizer& tokenizer);

}  // namespace vecton::tokenizer
