#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parsers/answer_parser.h"

namespace vecton::parsers {

// An id for a call of an answer: of choice `choice` of what `answer` names; Mistral's templates
// want theirs of 9 letters and digits.
std::string call_id(const ParserOptions& parser, std::string_view answer, int64_t choice,
                    size_t call);

}  // namespace vecton::parsers
