// Any bytes as the body of any route's request, to models of every kind: refused with a status and
// a body, or answered; both are valid JSON where they say so. The first line is the path.
//
//   fuzz_server -max_len=4096 -dict=fuzz/server/dictionary fuzz/server/corpus
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/json.h"
#include "server/api_keys.h"
#include "server/routes.h"

namespace {

using namespace vecton;
using namespace vecton::server;

// Kinds of models: what each is for comes first.
struct Kind {
  std::vector<Task> tasks;
  const char* scorer;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {{Task::kEmbed, Task::kTokenEmbed, Task::kSparseEmbed, Task::kScore}, "bi-encoder"},
      {{Task::kScore, Task::kClassify}, "cross-encoder"},
      {{Task::kTokenEmbed, Task::kScore}, "late-interaction"},
      {{Task::kFillMask, Task::kTokenClassify}, ""},
      {{Task::kTokenClassify}, ""},
      {{Task::kGenerate, Task::kEmbed}, "bi-encoder"},
  };
  return all;
}

struct Fixture {
  explicit Fixture(const Kind& kind) {
    options.engine.model = "tiny";
    options.max_client_batch_size = 100;
    options.chat_template =
        "{% for m in messages %}{{ m.content }}{% endfor %}<tool_call><think></think>";
    info.tasks = kind.tasks;
    info.scorer = kind.scorer;
    info.labels = {"O", "B-PER"};
    info.max_model_len = 48;
    info.vocab_size = 100;
    info.hidden_size = info.embedding_size = 8;
    info.prompts = {{"query", "find: "}};
  }

  server::ServerOptions options;
  const std::vector<std::string> names = {"tiny"};
  ModelInfo info;
  std::shared_ptr<const Tokenizer> tokenizer = Tokenizer::open(VECTON_FUZZ_MODEL);
  const ChatTemplates templates = ChatTemplates::open(VECTON_FUZZ_MODEL);
  const Context context{options, names, info, *tokenizer, templates};
};

const ApiKeys& keys() {
  static const ApiKeys all([] {
    server::ServerOptions options;
    options.api_keys = {"key"};
    return options;
  }());
  return all;
}

void check(const HttpResponse& response) {
  if (response.status < 200 || response.status > 599) std::abort();
  if (response.content_type == kJsonType)
    json::parse(response.body);  // its exception ends the fuzzer
}

std::vector<int32_t> ids_of(const Fixture& fixture, const Prompt& prompt) {
  const auto* text = std::get_if<std::string>(&prompt.input);
  return text ? fixture.tokenizer->encode(*text, {.add_special_tokens = true}).ids
              : std::get<std::vector<int32_t>>(prompt.input);
}

constexpr const char* kSaid =
    "<think>a</think>b<tool_call>{\"name\":\"f\",\"arguments\":{\"x\":1}}</tool_call>";

TokenLogprobs token(bool likeliest) {
  TokenLogprobs one{.token = {.id = 5, .logprob = -0.5F, .rank = 1, .text = "a", .bytes = "a"}};
  if (likeliest) one.top.push_back(one.token);
  return one;
}

// One completion, however many were asked for: that many of them would say the same.
Answer generation_for(const Generate& generate) {
  Completion completion{.text = kSaid, .token_ids = {5}};
  if (generate.logprobs) completion.logprobs.push_back(token(*generate.logprobs != 0));
  Generation generation{.completions = {completion}, .prompt_token_ids = {5, 6}};
  if (generate.prompt_logprobs) generation.prompt_logprobs.push_back(token(true));
  return generation;
}

// What is sent of an answer that is streamed in two pieces.
void stream(const CallPlan& plan, const std::vector<Result>& results) {
  const std::string_view said = kSaid;
  for (size_t i = 0; i < plan.requests.size(); ++i) {
    const auto& generation = results[i].get<Generation>();
    GenerationDelta delta{.request = i, .text = std::string(said.substr(0, 20)), .token_ids = {5}};
    delta.logprobs = generation.completions.front().logprobs;
    delta.prompt_token_ids = &generation.prompt_token_ids;
    delta.prompt_logprobs = &generation.prompt_logprobs;
    plan.stream->add(delta);
    plan.stream->add(
        {.request = i, .text = std::string(said.substr(20)), .finish_reason = FinishReason::kStop});
  }
  plan.stream->end(results);
  plan.stream->fail(Failure(Cause::kInternal, "broken"));
}

// What an engine could answer to one task.
Answer answer_for(const Fixture& fixture, const Prompt& prompt, const TaskParameters& task) {
  constexpr float kValue = -1e-20f;
  switch (task_of(task)) {
    case Task::kEmbed:
    case Task::kTokenEmbed: {
      const auto* embed = std::get_if<Embed>(&task);
      const size_t rows = std::max<size_t>(1, embed ? embed->late_chunks.size() : 0);
      return Vectors{.rows = static_cast<int64_t>(rows),
                     .columns = 8,
                     .values = std::vector<float>(8 * rows, kValue)};
    }
    case Task::kSparseEmbed:
      return SparseVector{.ids = {5}, .values = {kValue}};
    case Task::kClassify:
      return Labels{.rows = 1, .columns = 8, .values = std::vector<float>(8, kValue)};
    case Task::kTokenClassify:
      return Labels{.rows = 1,
                    .columns = 2,
                    .values = {kValue, kValue},
                    .tokens = {{.id = 1, .begin = 0, .end = 0}}};
    case Task::kScore:
      return Relevance{.score = kValue, .logit = 0.5f};
    case Task::kGenerate:
      return generation_for(std::get<Generate>(task));
    case Task::kFillMask:
      break;
  }
  const auto mask = fixture.tokenizer->special_token_id("mask_token").value_or(-1);
  std::vector<int32_t> ids = ids_of(fixture, prompt);
  const auto rows = std::ranges::count(ids, mask);
  return Fillings{.rows = rows,
                  .columns = 8,
                  .ids = std::vector<int32_t>(static_cast<size_t>(8 * rows), 5),
                  .values = std::vector<float>(static_cast<size_t>(8 * rows), kValue),
                  .prompt_token_ids = std::move(ids)};
}

Result result_for(const Fixture& fixture, const Request& request) {
  Result result{.answer = answer_for(fixture, request.prompt, request.task)};
  for (const TaskParameters& task : request.also)
    result.also.push_back(answer_for(fixture, request.prompt, task));
  return result;
}

std::vector<Result> results_for(const Fixture& fixture, const CallPlan& plan) {
  std::vector<Result> results;
  for (const Request& request : plan.requests) results.push_back(result_for(fixture, request));
  return results;
}

void ask(const Fixture& fixture, const Route& route, const HttpRequest& http,
         const json::object& body) {
  for (const Planner planner : {route.openai, route.tei}) {
    if (!planner) continue;
    const Refusal refuse =
        planner == route.tei || route.refuse ? route.refusal() : Route{.openai = planner}.refusal();
    try {
      const CallPlan plan = planner({fixture.context, http, body, "id"});
      const std::vector<Result> results = results_for(fixture, plan);
      plan.stream ? stream(plan, results) : check(plan.render(results));
    } catch (const Failure& failure) {
      check(refuse(failure, 48));
    } catch (const Error& error) {
      check(refuse(Failure(error), 48));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::unique_ptr<Fixture>> fixtures = [] {
    std::vector<std::unique_ptr<Fixture>> all;
    for (const Kind& kind : kinds()) all.push_back(std::make_unique<Fixture>(kind));
    return all;
  }();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), input.size());
  HttpRequest http{.method = "POST", .path = std::string(input.substr(0, line))};
  keys().find(input);
  const Route* route = find_route(http.method, http.path);
  if (!route || !route->works()) return 0;
  json::value body;
  try {
    body = base::parse_json(input.substr(std::min(line + 1, input.size())), "request body");
  } catch (const Error&) {
    return 0;
  }
  if (!body.is_object()) return 0;
  for (const auto& fixture : fixtures) ask(*fixture, *route, http, body.get_object());
  return 0;
}
