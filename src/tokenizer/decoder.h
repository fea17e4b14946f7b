// Decoders: the steps of tokenizer.json that turn tokens back into text.
//
// Made once when a tokenizer is loaded, then immutable and used from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/json_fields.h"

namespace vecton {

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Rewrites the tokens; joined, they are the text.
  virtual void apply(std::vector<std::string>& tokens) const = 0;
};

// A null field gives nullptr: tokens are joined with spaces. An unknown type is refused by name
// (kUnsupported).
std::unique_ptr<const Decoder> make_decoder(const Field& field);

// Takes the spaces away that tokens leave before punctuation and inside English contractions.
std::string clean_up_spaces(std::string_view text, bool wordpiece);

}  // namespace vecton
