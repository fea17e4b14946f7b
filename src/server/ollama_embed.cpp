// Vectors as Ollama's clients ask for them: /api/embed, and its older form /api/embeddings.
#include <chrono>
#include <utility>

#include "base/json.h"
#include "server/fields.h"
#include "server/ollama.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/vllm_fields.h"

namespace vecton::server::ollama {

namespace {

// What both forms have beside their texts.
std::string read(const Call& call, Fields& fields, Request& like) {
  std::string model = openai::model_of(call.context, fields);
  // A text that is too long is cut unless the body says otherwise.
  if (fields.boolean("truncate").value_or(true)) like.prompt.truncation.to = -1;
  fields.ignore({"keep_alive", "options"});
  return model;
}

}  // namespace

CallPlan embed(const Call& call) {
  require_route(call.context.info, Task::kEmbed);
  const auto start = std::chrono::steady_clock::now();
  CallPlan plan;
  Fields fields(call.body);
  Request like;
  std::string model = read(call, fields, like);
  Inputs inputs = fields.inputs("input", false, false);
  like.task = Embed{.dimensions = fields.integer("dimensions", 1), .normalize = true};
  plan.ignored = fields.finish();
  plan.single = inputs.single;
  plan.requests = make_requests(call.context, std::move(inputs), like);
  plan.render = [model = std::move(model), start](std::vector<Result> results) {
    std::string out = "{\"model\":" + json_text(model) + ",\"embeddings\":[";
    for (size_t i = 0; i < results.size(); ++i) {
      if (i) out += ',';
      append_floats(out, results[i].get<Vectors>().values);
    }
    const auto took = std::chrono::steady_clock::now() - start;
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
    out += "],\"total_duration\":" + std::to_string(nanoseconds) +
           ",\"load_duration\":0,\"prompt_eval_count\":" + std::to_string(total_tokens(results)) +
           "}";
    return HttpResponse{.content_type = std::string(kJsonType), .body = std::move(out)};
  };
  return plan;
}

CallPlan embeddings(const Call& call) {
  require_route(call.context.info, Task::kEmbed);
  CallPlan plan;
  Fields fields(call.body);
  Request like{.task = Embed{}};
  read(call, fields, like);
  fields.require("prompt");
  like.prompt.input = fields.text("prompt").value_or("");
  plan.ignored = fields.finish();
  plan.single = true;
  plan.requests.push_back(std::move(like));
  plan.render = [](std::vector<Result> results) {
    std::string out = "{\"embedding\":";
    append_floats(out, results.front().get<Vectors>().values);
    return HttpResponse{.content_type = std::string(kJsonType), .body = out + "}"};
  };
  return plan;
}

}  // namespace vecton::server::ollama
