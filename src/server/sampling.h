// The fields by which vLLM's and OpenAI's bodies say how to generate.
#pragma once

#include <optional>

#include "server/dialect.h"
#include "server/fields.h"

namespace vecton::server {

// All but max_tokens, logprobs and the form of the answer. Throws Failure for a field that is not
// served, with what is instead.
Generate read_sampling(const Context& context, Fields& fields);

// best_of, after logprobs: where it is more than n, so many are generated from here on, and what is
// given is how many of them are the answer (keep_best()).
std::optional<int64_t> read_best_of(Fields& fields, Generate& generate);

// response_format and structured_outputs.
std::optional<StructuredOutput> read_structured_output(Fields& fields);
// {"type": "json_schema", ...}; nothing for text. `field`: its name in the body.
std::optional<StructuredOutput> structured_by_format(const json::object& format,
                                                     const std::string& field);

// How an answer is sent.
struct StreamOptions {
  bool stream = false, include_usage = false, continuous_usage = false;
};
StreamOptions read_stream(Fields& fields);

}  // namespace vecton::server
