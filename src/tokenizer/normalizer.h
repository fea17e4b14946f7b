// Normalizers: the steps of tokenizer.json that rewrite text before it is split.
//
// Made once when a tokenizer is loaded, then immutable and used from any thread.
#pragma once

#include <memory>

#include "tokenizer/json_fields.h"
#include "tokenizer/text.h"

namespace vecton::tokenizer {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(Text& text) const = 0;
};

// A null field gives nullptr: the text stays as it is. An unknown type is refused by name
// (kUnsupported).
std::unique_ptr<const Normalizer> make_normalizer(const Field& field);

// Steps that other stages take too.
class Pattern;
void lowercase(Text& text);
void replace_all(Text& text, const Pattern& pattern, std::string_view content);
void prepend(Text& text, std::string_view content);

// The parts that live in files of their own.
std::unique_ptr<const Normalizer> make_bert_normalizer(const Field& field);
std::unique_ptr<const Normalizer> make_precompiled_normalizer(const Field& field);

}  // namespace vecton::tokenizer
