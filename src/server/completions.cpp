// POST /v1/completions, as OpenAI and vLLM have it.
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "server/generation.h"
#include "server/logprobs.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/sampling.h"
#include "server/vllm_fields.h"

namespace vecton::server::openai {

namespace {

struct CompletionWishes {
  Head head;
  StreamOptions stream;
  bool logprobs = false, as_ids = false, token_ids = false, echo = false, prompt_logprobs = false;
  bool no_tokens = false;  // the prompt alone is wanted: the one token that was made is thrown away
  int64_t n = 1;
  std::optional<int64_t> best;       // so many of the completions are the answer; none = all
  std::vector<std::string> prompts;  // as the tokenizer writes them, for echo
};

constexpr const char* kObject = "text_completion";

// The tokens of an echoed prompt: the first one, which has no probability, has no rank either.
std::vector<TokenLogprobs> echoed(const Context& context, const std::vector<int32_t>& ids,
                                  const std::vector<TokenLogprobs>& logprobs) {
  std::vector<TokenLogprobs> all;
  if (ids.empty()) return all;
  all.push_back({.token = {.id = ids.front(), .text = context.tokenizer.decode({ids.data(), 1})}});
  all.insert(all.end(), logprobs.begin(), logprobs.end());
  return all;
}

// The tokens that an answer has: what only scores the prompt has none.
GenerationUsage counted(const CompletionWishes& wishes, GenerationUsage usage) {
  if (wishes.no_tokens) usage.completion = 0;
  return usage;
}

// The members of a choice behind its text.
void append_choice_end(std::string& out, const CompletionWishes& wishes,
                       const std::vector<TokenLogprobs>& logprobs, TextOffset& offset,
                       const char* finish, const StopReason& stop) {
  out += ",\"logprobs\":";
  if (wishes.logprobs) {
    append_text_logprobs(out, logprobs, offset, wishes.as_ids);
  } else {
    out += "null";
  }
  out += ",\"finish_reason\":";
  if (finish) {
    base::append_json_string(out, finish);
  } else {
    out += "null";
  }
  out += ",\"stop_reason\":";
  append_stop_reason(out, stop);
}

class TextStream : public StreamWriter {
 public:
  TextStream(CompletionWishes wishes, const Context& context)
      : wishes_(std::move(wishes)), context_(context) {}

  // The first choice alone has the log-probabilities of a prompt: the others wait for them.
  std::string add(const GenerationDelta& delta) override {
    if (!wishes_.echo || !wishes_.logprobs) return event(delta);
    Prompt& prompt = prompts_[delta.request];
    if (delta.index == 0 && delta.prompt_token_ids && delta.prompt_logprobs) {
      prompt.ids = *delta.prompt_token_ids;
      prompt.logprobs = *delta.prompt_logprobs;
    }
    if (prompt.ids.empty()) {
      prompt.waiting.push_back(delta);
      return "";
    }
    std::string out = event(delta);
    for (GenerationDelta& other : prompt.waiting) {
      if (other.prompt_token_ids) other.prompt_token_ids = &prompt.ids;
      out += event(other);
    }
    prompt.waiting.clear();
    return out;
  }

  std::string end(const std::vector<Result>& results) override {
    std::string out;
    if (wishes_.stream.include_usage) {
      std::string data;
      append_head(data, wishes_.head, kObject);
      data += ",\"choices\":[],\"usage\":";
      append_usage(data, counted(wishes_, usage_of(results)));
      out = server_sent_event(data + "}");
    }
    return out + server_sent_event("[DONE]");
  }

  std::string fail(const Failure& failure) override {
    return server_sent_event(refuse(failure, 0).body) + server_sent_event("[DONE]");
  }

 private:
  struct Prompt {
    std::vector<int32_t> ids;
    std::vector<TokenLogprobs> logprobs;
    std::vector<GenerationDelta> waiting;
  };

  std::string event(const GenerationDelta& delta) {
    const int64_t index = static_cast<int64_t>(delta.request) * wishes_.n + delta.index;
    const bool first = !offsets_.contains(index);
    TextOffset& offset = offsets_[index];
    std::string text = wishes_.no_tokens ? "" : delta.text;
    std::vector<TokenLogprobs> logprobs =
        wishes_.no_tokens ? std::vector<TokenLogprobs>() : delta.logprobs;
    if (first && wishes_.echo) {
      text.insert(0, wishes_.prompts.at(delta.request));
      if (wishes_.logprobs) {
        const Prompt& prompt = prompts_[delta.request];
        std::vector<TokenLogprobs> all = echoed(context_, prompt.ids, prompt.logprobs);
        all.insert(all.end(), logprobs.begin(), logprobs.end());
        logprobs = std::move(all);
      }
    }
    const bool ids = wishes_.token_ids && (!delta.token_ids.empty() || first);
    if (text.empty() && !delta.finish_reason && !ids && !(wishes_.logprobs && !logprobs.empty()))
      return "";
    std::string out;
    append_head(out, wishes_.head, kObject);
    out += ",\"choices\":[{\"index\":" + std::to_string(index) + ",\"text\":";
    base::append_json_string(out, text);
    append_choice_end(out, wishes_, logprobs, offset,
                      delta.finish_reason ? to_string(*delta.finish_reason) : nullptr,
                      delta.stop_reason);
    if (ids) {
      out += ",\"token_ids\":";
      append_ids(out, wishes_.no_tokens ? std::vector<int32_t>() : delta.token_ids);
      if (first && delta.prompt_token_ids) {
        out += ",\"prompt_token_ids\":";
        append_ids(out, *delta.prompt_token_ids);
      }
    }
    out += "}]";
    if (wishes_.stream.continuous_usage) {
      out += ",\"usage\":";
      append_usage(out, counted(wishes_, {.prompt = delta.prompt_tokens,
                                          .completion = delta.completion_tokens,
                                          .cached = delta.cached_tokens}));
    }
    return server_sent_event(out + "}");
  }

  const CompletionWishes wishes_;
  const Context& context_;
  std::map<int64_t, TextOffset> offsets_;  // in the text that each choice has
  std::map<size_t, Prompt> prompts_;       // that are echoed with log-probabilities
};

HttpResponse completion_answer(const CompletionWishes& wishes, const Context& context,
                               const std::vector<Result>& results) {
  HttpResponse response{.content_type = std::string(kJsonType)};
  std::string& out = response.body;
  append_head(out, wishes.head, kObject);
  out += ",\"choices\":[";
  for (size_t i = 0; i < results.size(); ++i) {
    std::optional<Generation> kept;
    const Generation& generation = answered(results[i], wishes.best, kept);
    for (const Completion& completion : generation.completions) {
      const int64_t index = static_cast<int64_t>(i) * wishes.n + completion.index;
      if (index > 0) out += ',';
      out += "{\"index\":" + std::to_string(index) + ",\"text\":";
      std::string text = wishes.no_tokens ? "" : completion.text;
      if (wishes.echo) text.insert(0, wishes.prompts.at(i));
      base::append_json_string(out, text);
      std::vector<TokenLogprobs> logprobs;
      if (wishes.echo && wishes.logprobs)
        logprobs = echoed(context, generation.prompt_token_ids, generation.prompt_logprobs);
      if (!wishes.no_tokens)
        logprobs.insert(logprobs.end(), completion.logprobs.begin(), completion.logprobs.end());
      TextOffset offset;
      append_choice_end(out, wishes, logprobs, offset, to_string(completion.finish_reason),
                        completion.stop_reason);
      out += ",\"token_ids\":";
      if (wishes.token_ids) {
        append_ids(out, wishes.no_tokens ? std::vector<int32_t>() : completion.token_ids);
      } else {
        out += "null";
      }
      out += ",\"prompt_logprobs\":";
      if (wishes.prompt_logprobs) {
        append_prompt_logprobs(out, generation.prompt_logprobs);
      } else {
        out += "null";
      }
      out += ",\"prompt_token_ids\":";
      if (wishes.token_ids) {
        append_ids(out, generation.prompt_token_ids);
      } else {
        out += "null";
      }
      out += '}';
    }
  }
  out += "],\"service_tier\":null,\"system_fingerprint\":null,\"usage\":";
  append_usage(out, counted(wishes, usage_of(results)));
  out += ",\"kv_transfer_params\":null}";
  return response;
}

}  // namespace

CallPlan completions(const Call& call) {
  const Context& context = call.context;
  require_generation(call);
  CallPlan plan;
  Fields fields(call.body);
  CompletionWishes wishes;
  wishes.head = read_head(call, fields, "cmpl-");
  wishes.stream = read_stream(context, fields);
  Inputs inputs = fields.inputs("prompt", false);
  if (inputs.items.empty() && fields.good())
    fields.wrong("prompt", "too_short", "must not be empty");
  Generate generate = read_sampling(context, fields);
  wishes.n = generate.n;
  wishes.echo = fields.boolean("echo").value_or(false);
  generate.max_tokens = fields.integer("max_tokens", 0).value_or(16);
  wishes.no_tokens = generate.max_tokens == 0;
  if (wishes.no_tokens && !wishes.echo)
    fields.wrong("max_tokens", "greater_than_equal", "expected at least 1, or 0 with echo");
  if (wishes.no_tokens) generate.max_tokens = 1;
  generate.logprobs = fields.integer("logprobs", 0);
  wishes.logprobs = generate.logprobs.has_value();
  wishes.best = read_best_of(context, fields, generate);
  wishes.as_ids = fields.boolean("return_tokens_as_token_ids").value_or(false);
  wishes.token_ids = fields.boolean("return_token_ids").value_or(false);
  wishes.prompt_logprobs = generate.prompt_logprobs.has_value();
  if (wishes.prompt_logprobs && wishes.stream.stream) {
    throw Failure(Cause::kInvalid, "`prompt_logprobs` are not available when `stream=True`.",
                  "prompt_logprobs");
  }
  if (wishes.echo && wishes.logprobs && !generate.prompt_logprobs)
    generate.prompt_logprobs = generate.logprobs;
  generate.structured_output = read_structured_output(fields);
  plan.names = {{"structured_outputs", structure_field(fields)}};
  Request like;
  like.prompt.add_special_tokens = fields.boolean("add_special_tokens");
  like.prompt.prompt_text = "";
  read_prompt_rules(context, fields, like);
  plan.ignored = finish_generation(fields);

  like.task = std::move(generate);
  plan.single = inputs.single;
  if (wishes.echo) {
    for (const Input& input : inputs.items) {
      const auto* text = std::get_if<std::string>(&input);
      wishes.prompts.push_back(
          text ? *text : context.tokenizer.decode(std::get<std::vector<int32_t>>(input)));
    }
  }
  plan.field = "prompt";
  plan.requests = make_requests(context, std::move(inputs), like, plan.field);
  if (wishes.stream.stream) {
    plan.stream = std::make_shared<TextStream>(std::move(wishes), context);
  } else {
    plan.render = [wishes = std::move(wishes), &context](const std::vector<Result>& results) {
      return completion_answer(wishes, context, results);
    };
  }
  return plan;
}

}  // namespace vecton::server::openai
