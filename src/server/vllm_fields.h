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

// Whether a message of `messages` holds something other than text.
bool has_media(const json::value& messages);

// Images and prompt embeddings are no input of the loaded model: a Failure.
void refuse_other_inputs(const Context& context, Fields& fields);
// Prompt embeddings alone: `text` is the field to send.
void refuse_embeds(Fields& fields, const std::string& text);

// add_special_tokens.
void read_special_tokens(Fields& fields, Request& request);

// A Failure where it is not 0 and the server does not heed it.
int64_t read_priority(const Context& context, Fields& fields);

// truncate_prompt_tokens, truncation_side, cache_salt and priority.
void read_prompt_rules(const Context& context, Fields& fields, Request& request);

// A request for `task` with the fields that all have: truncation, activation, cache, priority.
Request read_request(const Context& context, Fields& fields, TaskParameters task);
// Those of embedding requests: prompt, role, dimensions, special tokens.
void read_embedding(const Context& context, Fields& fields, Request& request, CallPlan& plan);
// The inputs under `input`, or the chats of `messages` or `input`.
Inputs read_inputs(const Call& call, Fields& fields);
// Ends the reading of `fields`; `plan` gets a request like `like` per input.
void set_requests(const Call& call, Fields& fields, Inputs inputs, const Request& like,
                  CallPlan& plan);

// {"id":...,"object":...,"created":...,"model":...
void append_head(std::string& out, const Head& head, const char* object);
// The same of a list, with ,"data":[ and its end with the usage.
void append_head(std::string& out, const Head& head);
void append_tail(std::string& out, int64_t tokens);

}  // namespace vecton::server::openai
