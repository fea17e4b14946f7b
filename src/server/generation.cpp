#include "server/generation.h"

#include "base/json_text.h"
#include "engine/best_of.h"
#include "server/render.h"

namespace vecton::server {

void require_generation(const Call& call) {
  if (does(call.context.info, Task::kGenerate)) return;
  const bool chat = call.http.path != "/v1/completions";
  throw Failure(Cause::kRoute,
                std::string("The model does not support the ") +
                    (chat ? "Chat Completions" : "Completions") +
                    " API. The loaded model supports: " + task_names(call.context.info));
}

void give_seed(CallPlan& plan, std::optional<uint64_t> seed) {
  if (!seed) return;
  for (Request& request : plan.requests) {
    auto* generate = std::get_if<Generate>(&request.task);
    if (generate && !generate->seed) generate->seed = seed;
  }
}

GenerationUsage usage_of(const std::vector<Result>& results) {
  GenerationUsage usage;
  for (const Result& result : results) {
    const auto& generation = result.get<Generation>();
    usage.prompt += result.usage.prompt_tokens;
    usage.cached += generation.cached_tokens;
    for (const Completion& completion : generation.completions)
      usage.completion += static_cast<int64_t>(completion.token_ids.size());
  }
  return usage;
}

const Generation& answered(const Result& result, std::optional<int64_t> best,
                           std::optional<Generation>& kept) {
  const auto& all = result.get<Generation>();
  if (!best) return all;
  engine::keep_best(kept.emplace(all), *best);
  return *kept;
}

int64_t count_tokens(const Tokenizer& tokenizer, const std::string& text) {
  if (text.empty()) return 0;
  return static_cast<int64_t>(tokenizer.encode(text, {.add_special_tokens = false}).ids.size());
}

void append_usage(std::string& out, const GenerationUsage& usage) {
  const auto add = [&](const char* name, int64_t value) {
    out += name;
    append_number(out, value);
  };
  add("{\"prompt_tokens\":", usage.prompt);
  add(",\"completion_tokens\":", usage.completion);
  add(",\"total_tokens\":", usage.prompt + usage.completion);
  add(",\"prompt_tokens_details\":{\"cached_tokens\":", usage.cached);
  add("},\"completion_tokens_details\":{\"reasoning_tokens\":", usage.reasoning);
  out += "}}";
}

void append_stop_reason(std::string& out, const StopReason& reason) {
  if (const auto* id = std::get_if<int32_t>(&reason)) {
    append_number(out, static_cast<int64_t>(*id));
  } else if (const auto* text = std::get_if<std::string>(&reason)) {
    base::append_json_string(out, *text);
  } else {
    out += "null";
  }
}

}  // namespace vecton::server
