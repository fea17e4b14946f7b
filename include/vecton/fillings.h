// Fillings: what a masked language model puts in place of its mask tokens, as transformers' fill
// mask pipeline gives it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vecton/export.h"
#include "vecton/tokenizer.h"
#include "vecton/vecton.h"

namespace vecton {

struct Filling {
  int32_t token = 0;
  std::string text{};  // of the token
  float score = 0;     // its probability
  // The whole text with the token in place; with special tokens where the text has several masks,
  // so that the others can be seen.
  std::string sequence{};
};

// What a target is taken for: a token of the vocabulary, or the first token of an ordinary text.
struct MaskTarget {
  std::string text;
  std::optional<int32_t> token;  // nothing: the text has no tokens, and is left out
  bool exact = true;             // the text is that token

  // "" where it is exact, else what to tell whoever asked.
  VECTON_API std::string note(const Tokenizer& tokenizer) const;
};
VECTON_API std::vector<MaskTarget> find_targets(std::span<const std::string> texts,
                                                const Tokenizer& tokenizer);

// `result` of a FillMask of `prompt`, a text or token ids: a list per mask token, likeliest first.
VECTON_API std::vector<std::vector<Filling>> find_fillings(const Result& result,
                                                           const Prompt& prompt,
                                                           const Tokenizer& tokenizer);

}  // namespace vecton
