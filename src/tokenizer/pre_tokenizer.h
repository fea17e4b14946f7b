// Pre-tokenizers: the steps of tokenizer.json that cut normalized text into words, and sometimes
// rewrite them.
//
// Made once when a tokenizer is loaded, then immutable and used from any thread; each call works on
// its own Words.
#pragma once

#include <memory>

#include "tokenizer/json_fields.h"
#include "tokenizer/words.h"

namespace vecton::tokenizer {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(Words& words) const = 0;
};

// A null field gives nullptr: the text is one word. With `bytes_stay` a final ByteLevel step leaves
// the bytes as they are, for a model that reads bytes; ends_in_byte_level() says whether the last
// step is one.
std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const Field& field, bool bytes_stay = false);
bool ends_in_byte_level(const Field& field);
// Two of its steps: rewriting_pre_tokenizers.cpp.
std::unique_ptr<const PreTokenizer> make_byte_level(const Field& field, bool bytes_stay);
std::unique_ptr<const PreTokenizer> make_metaspace(const Field& field);
// Whether a step asks where in the input a word starts, in a way that needs tracked texts.
bool asks_for_origins(const Field& field, bool normalized);

}  // namespace vecton::tokenizer
