// A tool_choice that leaves the model nothing but calls: they are a structure of its answer, as the
// model itself writes calls where their arguments are JSON, else a JSON list of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "parsers/answer_parser.h"
#include "vecton/request.h"

namespace vecton::parsers {

// The id of a token of the vocabulary, if it is one.
using TokenId = std::function<std::optional<int32_t>(std::string_view)>;

// `tools`: [{"type":"function","function":{"name","parameters"}}]. `parallel`: there may be several
// calls. Of `parser`: the formats and what is called, which is kRequired or kNamed; its own_format
// is set.
StructuredOutput forced_calls(const json::array& tools, bool parallel,
                              std::string_view chat_template, const TokenId& token_id,
                              ParserOptions& parser);

}  // namespace vecton::parsers
