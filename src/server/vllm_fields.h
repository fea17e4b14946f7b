// What the bodies and answers of vLLM's and OpenAI's routes have in common.
#pragma once

#include <cstdint>
#include <string>

#include "server/dialect.h"
#include "server/fields.h"
#include "vecton/vecton.h"

namespace vecton::server::openai {

// The beginning of an answer.
struct Head {
  std::string id, model;
  int64_t created = 0;
};

// Reads `model` and `request_id`; `prefix` as in "embd-".
Head read_head(const Call& call, Fields& fields, const char* prefix);

// The name that `model` says, which must be served.
std::string model_of(const Context& context, Fields& fields);

// Images and prompt embeddings are no input of the loaded model: a Failure.
void refuse_other_inputs(const Context& context, Fields& fields);

// add_special_tokens. A chat template writes them itself, and the whole prompt.
void read_special_tokens(Fields& fields, Request& request);

// Requests are answered in the order they come: a priority other than 0 is a Failure.
void refuse_priority(Fields& fields);

// The fields of every pooling request: truncation, activation, cache, priority.
Request read_request(Fields& fields);
// Those of embedding requests: prompt, role, dimensions, special tokens.
void read_embedding(const Context& context, Fields& fields, Request& request, Plan& plan);
// The inputs under `input`, or the one text that the chat template makes of `messages`.
Inputs read_inputs(const Call& call, Fields& fields);
// Ends the reading of `fields`; `plan` gets a request like `like` per input.
void set_requests(const Call& call, Fields& fields, Inputs inputs, const Request& like, Plan& plan);

// {"id":...,"object":"list","created":...,"model":...,"data":[ and its end with the usage.
void append_head(std::string& out, const Head& head);
void append_tail(std::string& out, int64_t tokens);

}  // namespace vecton::server::openai
