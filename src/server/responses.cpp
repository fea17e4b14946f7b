#include "server/responses.h"

#include <memory>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/chat_choice.h"
#include "server/generation.h"
#include "server/logprobs.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/responses_request.h"
#include "server/sampling.h"
#include "server/vllm_fields.h"

namespace vecton::server::openai {

namespace {

struct ResponseWishes {
  Head head;
  bool parallel = true, logprobs = false;
  json::object echoed;  // fields of the body that the answer repeats
  parsers::ParserOptions parser;
};

// The items of an answer, as JSON, from what was said so far.
class Items {
 public:
  explicit Items(const ResponseWishes& wishes) : wishes_(wishes) {}

  std::string reasoning_id() const { return "rs_" + wishes_.head.id.substr(5); }
  std::string message_id() const { return "msg_" + wishes_.head.id.substr(5); }
  std::string call_item_id(size_t call) const { return "fc_" + call_id_of(call).substr(5); }
  std::string call_id_of(size_t call) const {
    const std::string id = call_id(wishes_.parser, wishes_.head.id, 0, call);
    return id.starts_with("call_") ? id : "call_" + id;
  }

  std::string reasoning(const std::string& text) const {
    return "{\"id\":" + json_text(reasoning_id()) +
           ",\"type\":\"reasoning\",\"summary\":[],\"content\":[" +
           (text.empty() ? "" : "{\"type\":\"reasoning_text\",\"text\":" + json_text(text) + "}") +
           "],\"status\":null}";
  }
  static std::string part(const std::string& text, const std::string& logprobs = "[]") {
    return "{\"type\":\"output_text\",\"text\":" + json_text(text) +
           ",\"annotations\":[],\"logprobs\":" + logprobs + "}";
  }
  std::string message(const std::string& text, bool done,
                      const std::string& logprobs = "[]") const {
    return "{\"id\":" + json_text(message_id()) +
           ",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"" +
           (done ? "completed" : "in_progress") + "\",\"content\":[" +
           (done ? part(text, logprobs) : "") + "]}";
  }
  std::string call(const ChatDelta::Call& call, bool done) const {
    return "{\"id\":" + json_text(call_item_id(call.index)) +
           ",\"type\":\"function_call\",\"call_id\":" + json_text(call_id_of(call.index)) +
           ",\"name\":" + json_text(call.name) + ",\"arguments\":" + json_text(call.arguments) +
           ",\"status\":\"" + (done ? "completed" : "in_progress") + "\"}";
  }

 private:
  const ResponseWishes& wishes_;
};

// [{"token",...}] of all tokens of an answer.
std::string logprobs_text(const ResponseWishes& wishes, std::span<const TokenLogprobs> tokens) {
  if (!wishes.logprobs) return "[]";
  std::string out;
  append_token_logprobs(out, tokens, false);
  return out;
}

std::string output_of(const ResponseWishes& wishes, const ChatDelta& said,
                      const std::string& logprobs) {
  const Items items(wishes);
  std::string out;
  const auto add = [&](const std::string& item) { out += (out.empty() ? "" : ",") + item; };
  if (!said.reasoning.empty()) add(items.reasoning(said.reasoning));
  if (!said.content.empty() || said.calls.empty()) add(items.message(said.content, true, logprobs));
  for (const ChatDelta::Call& call : said.calls) add(items.call(call, true));
  return out;
}

// `usage` is null while the answer is being made.
std::string response_text(const ResponseWishes& wishes, const std::string& output,
                          const char* status, const GenerationUsage* usage) {
  std::string out =
      "{\"id\":" + json_text(wishes.head.id) +
      ",\"object\":\"response\",\"created_at\":" + std::to_string(wishes.head.created) +
      ",\"status\":\"" + status + "\",\"model\":" + json_text(wishes.head.model) + ",\"output\":[" +
      output + "],\"error\":null,\"incomplete_details\":" +
      (status == std::string_view("incomplete") ? "{\"reason\":\"max_output_tokens\"}" : "null") +
      ",\"previous_response_id\":null,\"background\":false,\"usage\":";
  if (usage) {
    out += "{\"input_tokens\":" + std::to_string(usage->prompt) +
           ",\"input_tokens_details\":{\"cached_tokens\":" + std::to_string(usage->cached) +
           "},\"output_tokens\":" + std::to_string(usage->completion) +
           ",\"output_tokens_details\":{\"reasoning_tokens\":" + std::to_string(usage->reasoning) +
           "},\"total_tokens\":" + std::to_string(usage->prompt + usage->completion) + "}";
  } else {
    out += "null";
  }
  const std::string echoed = base::json_text(wishes.echoed);
  return out + "," + echoed.substr(1);
}

const char* status_of(const std::vector<Result>& results) {
  const auto reason = results.front().get<Generation>().completions.front().finish_reason;
  return reason == FinishReason::kLength ? "incomplete" : "completed";
}

class ResponseStream : public StreamWriter {
 public:
  ResponseStream(ResponseWishes wishes, const Tokenizer& tokenizer)
      : wishes_(std::move(wishes)),
        tokenizer_(tokenizer),
        items_(wishes_),
        choice_(wishes_.parser, wishes_.parallel) {}

  std::string add(const GenerationDelta& delta) override {
    std::string out;
    if (number_ == 0) {
      const std::string response =
          "\"response\":" + response_text(wishes_, "", "in_progress", nullptr);
      out = event("response.created", response);
      out += event("response.in_progress", response);
    }
    ChatDelta said = choice_.add(delta.text);
    if (delta.finish_reason) merge(said, choice_.finish());
    logprobs_.insert(logprobs_.end(), delta.logprobs.begin(), delta.logprobs.end());
    held_logprobs_.insert(held_logprobs_.end(), delta.logprobs.begin(), delta.logprobs.end());
    if (!said.reasoning.empty()) {
      open(out, Item::kReasoning, items_.reasoning(""));
      out += event("response.reasoning_text.delta",
                   place(items_.reasoning_id()) + ",\"delta\":" + json_text(said.reasoning));
      all_.reasoning += said.reasoning;
      text_ += said.reasoning;
    }
    // The last tokens may have no text: a piece without any has their logprobs.
    const bool rest = wishes_.logprobs && delta.finish_reason && item_ == Item::kMessage &&
                      said.calls.empty() && !held_logprobs_.empty();
    if (!said.content.empty() || rest) {
      open(out, Item::kMessage, items_.message("", false));
      out +=
          event("response.output_text.delta",
                place(items_.message_id()) + ",\"delta\":" + json_text(said.content) +
                    ",\"logprobs\":" + logprobs_text(wishes_, std::exchange(held_logprobs_, {})));
      all_.content += said.content;
      text_ += said.content;
    }
    for (const ChatDelta::Call& call : said.calls) add_call(out, call);
    if (delta.finish_reason) {
      if (item_ == Item::kNone && all_.calls.empty() && all_.content.empty())
        open(out, Item::kMessage, items_.message("", false));
      close(out);
    }
    return out;
  }

  std::string end(const std::vector<Result>& results) override {
    GenerationUsage usage = usage_of(results);
    usage.reasoning = count_tokens(tokenizer_, all_.reasoning);
    const char* const status = status_of(results);
    const std::string output = output_of(wishes_, all_, logprobs_text(wishes_, logprobs_));
    return event(std::string("response.") + status,
                 "\"response\":" + response_text(wishes_, output, status, &usage));
  }

  std::string fail(const Failure& failure) override {
    return event("error", "\"code\":\"server_error\",\"message\":" + json_text(failure.message) +
                              ",\"param\":null");
  }

 private:
  enum class Item { kNone, kReasoning, kMessage, kCall };

  std::string event(const std::string& type, const std::string& members) {
    return server_sent_event("{\"type\":\"" + type + "\",\"sequence_number\":" +
                                 std::to_string(number_++) + "," + members + "}",
                             type);
  }
  std::string output_index() const { return "\"output_index\":" + std::to_string(index_); }
  std::string place(const std::string& id) const {
    return "\"item_id\":" + json_text(id) + "," + output_index() + ",\"content_index\":0";
  }

  void open(std::string& out, Item item, const std::string& text) {
    if (item_ == item && item != Item::kCall) return;
    close(out);
    item_ = item;
    text_.clear();
    out += event("response.output_item.added", output_index() + ",\"item\":" + text);
    if (item == Item::kMessage) {
      out += event("response.content_part.added",
                   place(items_.message_id()) + ",\"part\":" + Items::part(""));
    }
  }

  void add_call(std::string& out, const ChatDelta::Call& call) {
    if (call.begins) {
      ChatDelta::Call begun{.index = call.index, .begins = true, .name = call.name};
      open(out, Item::kCall, items_.call(begun, false));
      all_.calls.push_back(std::move(begun));
    }
    if (call.arguments.empty()) return;
    all_.calls.back().arguments += call.arguments;
    out += event("response.function_call_arguments.delta",
                 "\"item_id\":" + json_text(items_.call_item_id(call.index)) + "," +
                     output_index() + ",\"delta\":" + json_text(call.arguments));
  }

  void close(std::string& out) {
    std::string item;
    if (item_ == Item::kNone) return;
    if (item_ == Item::kReasoning) {
      out += event("response.reasoning_text.done",
                   place(items_.reasoning_id()) + ",\"text\":" + json_text(text_));
      item = items_.reasoning(text_);
    } else if (item_ == Item::kMessage) {
      out += event("response.output_text.done",
                   place(items_.message_id()) + ",\"text\":" + json_text(text_) +
                       ",\"logprobs\":" + logprobs_text(wishes_, logprobs_));
      out += event("response.content_part.done",
                   place(items_.message_id()) +
                       ",\"part\":" + Items::part(text_, logprobs_text(wishes_, logprobs_)));
      item = items_.message(text_, true, logprobs_text(wishes_, logprobs_));
    } else {
      const ChatDelta::Call& call = all_.calls.back();
      out += event("response.function_call_arguments.done",
                   "\"item_id\":" + json_text(items_.call_item_id(call.index)) + "," +
                       output_index() + ",\"name\":" + json_text(call.name) +
                       ",\"arguments\":" + json_text(call.arguments));
      item = items_.call(call, true);
    }
    out += event("response.output_item.done", output_index() + ",\"item\":" + item);
    ++index_;
    item_ = Item::kNone;
  }

  const ResponseWishes wishes_;
  const Tokenizer& tokenizer_;
  const Items items_;
  ChatChoice choice_;
  int64_t number_ = 0, index_ = 0;
  Item item_ = Item::kNone;
  std::string text_;  // of the open item
  ChatDelta all_;
  std::vector<TokenLogprobs> logprobs_, held_logprobs_;  // of all tokens; of those without a delta
};

HttpResponse answer(const ResponseWishes& wishes, const Tokenizer& tokenizer,
                    const std::vector<Result>& results) {
  ChatChoice choice(wishes.parser, wishes.parallel);
  const Completion& completion = results.front().get<Generation>().completions.front();
  const ChatDelta said = choice.whole(completion.text);
  GenerationUsage usage = usage_of(results);
  usage.reasoning = count_tokens(tokenizer, said.reasoning);
  const std::string output = output_of(wishes, said, logprobs_text(wishes, completion.logprobs));
  return {.content_type = std::string(kJsonType),
          .body = response_text(wishes, output, status_of(results), &usage)};
}

// `include` may ask for log-probabilities; what else it names there is nothing of here.
void read_logprobs(Fields& fields, Generate& generate, ResponseWishes& wishes) {
  const auto top = fields.integer("top_logprobs", 0);
  if (fields.any("include")) {
    for (const std::string& what : fields.texts("include"))
      wishes.logprobs = wishes.logprobs || what == "message.output_text.logprobs";
  }
  wishes.logprobs = wishes.logprobs || top.value_or(0) > 0;
  if (wishes.logprobs) generate.logprobs = top.value_or(0);
}

// What the answer repeats of the body, with what holds where it says nothing.
json::object echoed(const json::object& body, const GenerationDefaults& defaults) {
  json::object out;
  const auto add = [&](const char* key, json::value otherwise) {
    const json::value* given = body.if_contains(key);
    out[key] = given && !given->is_null() ? *given : std::move(otherwise);
  };
  add("instructions", nullptr);
  add("max_output_tokens", nullptr);
  add("metadata", json::object());
  add("parallel_tool_calls", true);
  add("reasoning", nullptr);
  add("temperature", defaults.temperature);
  add("text", json::object{{"format", json::object{{"type", "text"}}}});
  add("tool_choice", "auto");
  add("tools", json::array());
  add("top_p", defaults.top_p);
  add("truncation", "disabled");
  return out;
}

}  // namespace

CallPlan responses(const Call& call) {
  require_generation(call);
  CallPlan plan;
  plan.single = true;
  Fields fields(call.body);
  ResponseWishes wishes;
  wishes.head = read_head(call, fields, "resp_");
  Generate generate;
  generate.temperature = fields.number("temperature", 0, 2);
  generate.top_p = above_zero(fields, "top_p", 1);
  generate.max_tokens = fields.integer("max_output_tokens", 1);
  const bool stream = fields.boolean("stream").value_or(false);
  read_logprobs(fields, generate, wishes);
  for (const auto& [field, message] :
       {std::pair{"previous_response_id", "answers are not stored: send the whole input"},
        {"conversation", "answers are not stored: send the whole input"},
        {"prompt", "is not served: send input"}}) {
    if (fields.any(field)) fields.wrong(field, "extra_forbidden", message);
  }
  if (fields.boolean("background").value_or(false))
    fields.wrong("background", "extra_forbidden", "is not served: leave it out");
  const Conversation conversation = read_response_input(fields, generate);
  wishes.parallel = conversation.parallel_calls;
  plan.names = {{"max_tokens", "max_output_tokens"},
                {"logprobs", "top_logprobs"},
                {"structured_outputs", structure_field(conversation, "text.format")}};
  const auto truncation = fields.choice("truncation", {"auto", "disabled"});
  fields.ignore({"store", "metadata", "user", "service_tier", "safety_identifier",
                 "prompt_cache_key", "prompt_cache_retention", "max_tool_calls", "stream_options"});
  plan.ignored = finish_generation(fields);
  wishes.echoed = echoed(call.body, call.context.generation_defaults);
  ChatPrompt prompt = make_chat_prompt(call.context, conversation, std::move(generate));
  if (truncation == "auto") prompt.request.prompt.truncation = {.to = -1};
  wishes.parser = std::move(prompt.parser);
  plan.requests.push_back(std::move(prompt.request));
  if (stream) {
    plan.stream = std::make_shared<ResponseStream>(std::move(wishes), call.context.tokenizer);
  } else {
    plan.render = [wishes = std::move(wishes),
                   &tokenizer = call.context.tokenizer](const std::vector<Result>& results) {
      return answer(wishes, tokenizer, results);
    };
  }
  return plan;
}

}  // namespace vecton::server::openai
