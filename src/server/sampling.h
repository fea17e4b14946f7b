// The fields by which vLLM's and OpenAI's bodies say how to generate.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/dialect.h"
#include "server/fields.h"

namespace vecton::server {

// All but max_tokens, logprobs and the form of the answer. Throws Failure for a field that is not
// served, with what is instead.
Generate read_sampling(const Context& context, Fields& fields);

// As Fields::finish(), which refuses as well what some API says how to generate by.
[[nodiscard]] std::vector<std::string> finish_generation(Fields& fields);

// A list of token ids; none where it is not there.
std::vector<int32_t> token_ids(Fields& fields, std::string_view key);
// A number above 0.
std::optional<double> above_zero(Fields& fields, std::string_view key,
                                 double most = std::numeric_limits<double>::infinity());

// best_of, after logprobs: where it is more than n, so many are generated from here on, and what is
// given is how many of them are the answer (keep_best()).
std::optional<int64_t> read_best_of(const Context& context, Fields& fields, Generate& generate);

// response_format and structured_outputs.
std::optional<StructuredOutput> read_structured_output(Fields& fields);
// Which of them has the structure, for errors.
const char* structure_field(Fields& fields);
// {"type": "json_schema", ...}; nothing for text. `fields`: the reader that it was found by, which
// is told of members that no type has; `field`: its name in the body.
std::optional<StructuredOutput> structured_by_format(Fields& fields, const json::object& format,
                                                     const std::string& field);

// How an answer is sent.
struct StreamOptions {
  bool stream = false, include_usage = false, continuous_usage = false;
};
StreamOptions read_stream(const Context& context, Fields& fields);

}  // namespace vecton::server
