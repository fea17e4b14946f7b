// What a dialect is: it turns a JSON body into requests for the engine, results into an answer, and
// a failure into the status and body that its clients know. Pure functions, called on any thread;
// one file per dialect.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/failure.h"
#include "server/fields.h"
#include "server/http.h"
#include "vecton/server.h"
#include "vecton/vecton.h"

namespace vecton::server {

// The server as a dialect sees it; lives as long as the server.
struct Context {
  const ServerOptions& options;
  const std::vector<std::string>& names;  // what `model` may say, at least one
  const ModelInfo& info;
  const Tokenizer& tokenizer;
};

struct Call {
  const Context& context;
  const HttpRequest& http;
  const json::object& body;
  const std::string& id;  // of this request, for the answer
};

// What is to be done for one call.
struct Plan {
  std::vector<Request> requests;  // for the engine; none = `render` answers at once
  bool single = false;            // one input, not a list
  std::function<HttpResponse(std::vector<Result>)>
      render;                        // results in the order of requests, none with an error
  std::vector<std::string> ignored;  // fields of the body that mean nothing
};

using Planner = Plan (*)(const Call&);  // throws Failure

// The status and body for a failure. `max_model_len`: of the loaded model, 0 while there is none.
using Refusal = HttpResponse (*)(const Failure&, int64_t max_model_len);

// A request like `like` for each of `inputs`. Throws Failure when there are too many, or token ids
// where they are refused.
std::vector<Request> make_requests(const Context& context, Inputs inputs, const Request& like);

// "embed, token_embed": what the loaded model does.
std::string task_names(const ModelInfo& info);

int64_t total_tokens(const std::vector<Result>& results);

}  // namespace vecton::server
