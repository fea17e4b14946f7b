// What a dialect is: it turns a JSON body into requests for the engine, results into an answer, and
// a failure into the status and body that its clients know. Pure functions, called on any thread;
// one file per dialect or group of its routes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json_fwd.h"
#include "server/failure.h"
#include "server/fields.h"
#include "server/http.h"
#include "server/server.h"
#include "server/stream_writer.h"
#include "vecton/tokenizer.h"
#include "vecton/vecton.h"

namespace vecton::server {

// The server as a dialect sees it; lives as long as the server.
struct Context {
  const ServerOptions& options;
  const std::vector<std::string>& names;  // what `model` may say, at least one
  const ModelInfo& info;
  const Tokenizer& tokenizer;
  const ChatTemplates& templates;            // of the checkpoint
  std::string public_name{};                 // of the model: never a path
  GenerationDefaults generation_defaults{};  // of a model that generates
};

// What answers call the model where the client does not name it; never a path. Clients may name it.
std::string shown_name(const Context& context);
// The same of a model served by `names`, the first of which may be `model`, a path.
std::string shown_name(const std::vector<std::string>& names, const std::string& model,
                       const std::string& public_name);

struct Call {
  const Context& context;
  const HttpRequest& http;
  const json::object& body;
  const std::string& id;  // of this request, for the answer
};

// What is to be done for one call.
struct CallPlan {
  std::vector<Request> requests;  // for the engine; none = `render` answers at once
  bool single = false;            // one input, not a list
  std::vector<bool> cut;  // of each request: cut already by what the body asks; empty = none
  std::function<HttpResponse(std::vector<Result>)>
      render;                              // results in the order of requests, none with an error
  std::shared_ptr<StreamWriter> stream{};  // instead of `render`: the answer is sent as it grows
  std::vector<std::string> ignored;        // fields of the body that mean nothing
  std::vector<std::string> warnings;  // what the client should know: the answer's Warning header
  // For errors: where the body has the texts, and the second texts of pairs; empty = there too.
  std::string field = "input", second_field{};
  // Which of those that stand in a field request i has; unset = "field[i]".
  std::function<std::string(const std::string& field, size_t i)> name_of{};
  // Other fields that the engine knows by another name than the body: ours, the body's.
  std::vector<std::pair<std::string, std::string>> names{};
};

// What the engine says of "input[3]", "max_tokens" or "structured_outputs", in the words of the
// body.
Error in_words_of(const CallPlan& plan, const Error& error);

using Planner = CallPlan (*)(const Call&);  // throws Failure

// The status and body for a failure. `max_model_len`: of the loaded model, 0 while there is none.
using Refusal = HttpResponse (*)(const Failure&, int64_t max_model_len);

// Throws Failure when a request has more inputs than the server takes.
void check_batch_size(const Context& context, size_t count, const std::string& field = "input");

// A request like `like` for each of `inputs`. Throws Failure when there are too many, or token ids
// where they are refused.
std::vector<Request> make_requests(const Context& context, Inputs inputs, const Request& like,
                                   const std::string& field = "input");

// A request like `like`, whose task is Score, for each document. `queries` holds one text, or one
// per document.
std::vector<Request> make_pairs(const std::vector<std::string>& queries,
                                const std::vector<std::string>& documents, const Request& like);

// Where the body has the texts of pairs, for errors. `one`: the first is the same for all.
void name_pairs(const std::string& first, const std::string& second, bool one, CallPlan& plan);

// Whether vectors have length 1, and labels and scores are probabilities; tasks without either stay
// as they are.
void set_activation(std::optional<bool> activation, TaskParameters& task);

// "embed, token_embed": what the loaded model does.
std::string task_names(const ModelInfo& info);

// Whether the model does `task`; many that were not made for it can score.
bool does(const ModelInfo& info, Task task);
// Whether the model reads a query and a document together or token by token: made for ranking.
bool is_reranker(const ModelInfo& info);
// The name of label `id`, empty when the checkpoint gives none.
std::string label_of(const ModelInfo& info, int64_t id);

// What the model does with one text when nobody says: an answer of one forward pass.
Task default_task(const ModelInfo& info);

// Throws Failure (kTask) unless the loaded model does `task`, or one that is asked for by its name.
void require_task(const ModelInfo& info, Task task);
[[noreturn]] void refuse_task(const ModelInfo& info, const std::string& task);
// The same for a route of vLLM that does nothing else (kRoute).
void require_route(const ModelInfo& info, Task task);

// Gives `prompt` the checkpoint's prompt that `name` names, or that is for queries or documents.
// Throws Failure where there is none.
void set_prompt(const ModelInfo& info, const std::string& name, Prompt& prompt);
// As set_prompt, for a `field` that says what the texts are in the words of Cohere, Jina or Voyage:
// one that the model has no prompt for may change nothing, which `warnings` says then.
void set_task_prompt(const ModelInfo& info, const std::string& word, const std::string& field,
                     Prompt& prompt, std::vector<std::string>& warnings);

// Cuts `text` to its first `most` tokens; 0 = as long as it is. Whether something was cut.
bool cut_text(const Tokenizer& tokenizer, std::string& text, int64_t most);

// Indices of scores, best first: by logit, because probabilities of good documents are all 1;
// equals keep their order.
std::vector<size_t> best_first(const std::vector<Result>& scores);

int64_t total_tokens(const std::vector<Result>& results);

}  // namespace vecton::server
