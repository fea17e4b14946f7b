// Cutting sequences to a length, and filling rows up to one, as a fast tokenizer's call does.
#pragma once

#include <cstdint>
#include <optional>

#include "tokenizer/model.h"
#include "vecton/tokenizer.h"

namespace vecton::tokenizer {

constexpr int64_t kLongestRow = 1 << 26;  // tokens of a padded row

// Cuts so that both sequences and `added` special tokens fit into `most`; returns how many tokens
// went. `second` may be nullptr; `first_longer`: whether the first is the longer one, which decides
// who gets the odd token of two halves; by default what the tokens say. Where the sequence that may
// be cut is too short for it, an error (kInvalidArgument).
int64_t truncate(Tokens& first, Tokens* second, EncodeOptions::Truncation strategy, int64_t most,
                 int64_t added, bool left, std::optional<bool> first_longer = {});

// `multiple` 0 = no rounding.
int64_t round_up(int64_t size, int64_t multiple);

void pad(Encoding& row, int64_t size, int32_t pad_id, bool left);

}  // namespace vecton::tokenizer
