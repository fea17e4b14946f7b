// Fillings: what a masked language model puts in place of its mask tokens, as transformers' fill
// mask pipeline gives it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vecton/export.h"
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

// `result` of a kFillMask `request`: a list per mask token, likeliest first.
VECTON_API std::vector<std::vector<Filling>> find_fillings(const Result& result,
                                                           const Request& request,
                                                           const Tokenizer& tokenizer);

}  // namespace vecton
