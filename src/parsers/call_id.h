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

// The id of a call of the conversation, whoever made it, as the template takes it: Mistral's raise
// an error where it is none of theirs.
std::string call_id_in_prompt(const Choice& formats, std::string_view id);

}  // namespace vecton::parsers
