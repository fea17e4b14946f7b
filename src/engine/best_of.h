// The best of several completions, as OpenAI's completions have them with best_of: a Generate of so
// many (`n`) that asks for `logprobs`, of which 0 is enough, and of these the likeliest per token.
#pragma once

#include <cstdint>

#include "vecton/request.h"

namespace vecton::engine {

// Leaves the `n` completions of the greatest log-probability per token, to the model itself; the
// best comes first, of equal ones the one that was written first. Their indices are 0, 1, ...
void keep_best(Generation& generation, int64_t n);

}  // namespace vecton::engine
