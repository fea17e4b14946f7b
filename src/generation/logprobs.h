// How likely tokens are: logits to TokenLogprobs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "vecton/request.h"
#include "vecton/tokenizer.h"

namespace vecton::generation {

// What a token stands for; of ids without a token nothing.
std::string token_bytes(const Tokenizer& tokenizer, int32_t id);

// Of the token `id`, and of the `top` likeliest; -1 = all.
TokenLogprobs logprobs_of(std::span<const float> logits, int32_t id, int64_t top,
                          const Tokenizer& tokenizer);

}  // namespace vecton::generation
