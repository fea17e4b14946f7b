// Tokens of a text of which only some can be used: a long one is not read whole.
#pragma once

#include <cstdint>
#include <string_view>

#include "tokenizer/pipeline.h"

namespace vecton::tokenizer {

// Appends the tokens of `text`; spans are of it. Where it has more than `most` (0 = any number),
// those of its beginning may be all (with `left`: of its end), more than `most` of them; true then.
//
// What is given is what the whole text would give: the part is cut between words, and the tokens
// next to the cut are dropped, which alone could be others. A text without spaces is cut between
// characters; there a tokenizer that looks further than 64 tokens ahead may give others.
bool encode_text(const Pipeline& pipeline, std::string_view text, int64_t most, bool left,
                 Tokens& out);

}  // namespace vecton::tokenizer
