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

// An item of an answer.
struct OutputItem {
  enum class Kind { kReasoning, kMessage, kCall };
  Kind kind = Kind::kMessage;
  size_t number = 0;  // of its kind, from 0
  std::string text;   // of what is no call
  ChatDelta::Call call;
};

// Items as JSON.
class ItemText {
 public:
  explicit ItemText(const ResponseWishes& wishes) : wishes_(wishes) {}

  std::string id(const OutputItem& item) const {
    if (item.kind == OutputItem::Kind::kCall) return "fc_" + call_id_of(item).substr(5);
    const std::string number = item.number ? "_" + std::to_string(item.number) : "";
    return (item.kind == OutputItem::Kind::kReasoning ? "rs_" : "msg_") +
           wishes_.head.id.substr(5) + number;
  }

  static std::string part(const std::string& text, const std::string& logprobs = "[]") {
    return "{\"type\":\"output_text\",\"text\":" + json_text(text) +
           ",\"annotations\":[],\"logprobs\":" + logprobs + "}";
  }

  // `status`: "in_progress", "completed", or "incomplete" where the answer was cut within it.
  std::string text(const OutputItem& item, const std::string& status,
                   const std::string& logprobs = "[]") const {
    const std::string begin = "{\"id\":" + json_text(id(item)) + ",\"type\":\"",
                      end = ",\"status\":\"" + status + "\"}";
    switch (item.kind) {
      case OutputItem::Kind::kReasoning:
        return begin + "reasoning\",\"summary\":[],\"content\":[" +
               (item.text.empty()
                    ? ""
                    : "{\"type\":\"reasoning_text\",\"text\":" + json_text(item.text) + "}") +
               "],\"status\":null}";
      case OutputItem::Kind::kMessage:
        return begin + "message\",\"role\":\"assistant\",\"content\":[" +
               (status == "in_progress" ? "" : part(item.text, logprobs)) + "]" + end;
      case OutputItem::Kind::kCall:
        break;
    }
    return begin + "function_call\",\"call_id\":" + json_text(call_id_of(item)) +
           ",\"name\":" + json_text(item.call.name) +
           ",\"arguments\":" + json_text(item.call.arguments) + end;
  }

 private:
  std::string call_id_of(const OutputItem& item) const {
    const std::string id = call_id(wishes_.parser, wishes_.head.id, 0, item.call.index);
    return id.starts_with("call_") ? id : "call_" + id;
  }

  const ResponseWishes& wishes_;
};

// [{"token",...}] of all tokens of an answer.
std::string logprobs_text(const ResponseWishes& wishes, std::span<const TokenLogprobs> tokens) {
  if (!wishes.logprobs) return "[]";
  std::string out;
  append_token_logprobs(out, tokens, false);
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
        item_text_(wishes_),
        choice_(wishes_.parser, wishes_.parallel) {}

  std::string add(const GenerationDelta& delta) override {
    std::string out;
    if (number_ == 0) {
      const std::string response =
          "\"response\":" + response_text(wishes_, "", "in_progress", nullptr);
      out = event("response.created", response);
      out += event("response.in_progress", response);
    }
    std::vector<ChatDelta> pieces = choice_.add_in_order(delta.text);
    if (delta.finish_reason) {
      for (ChatDelta& last : choice_.finish_in_order()) pieces.push_back(std::move(last));
    }
    logprobs_.insert(logprobs_.end(), delta.logprobs.begin(), delta.logprobs.end());
    held_logprobs_.insert(held_logprobs_.end(), delta.logprobs.begin(), delta.logprobs.end());
    for (const ChatDelta& said : pieces) add_piece(out, said);
    if (delta.finish_reason) {
      // The last tokens may have no text: a piece without any has their logprobs.
      if (wishes_.logprobs && is_open(OutputItem::Kind::kMessage) && !held_logprobs_.empty())
        add_content(out, "");
      if (items_.empty()) open(out, {.kind = OutputItem::Kind::kMessage});
      close(out, *delta.finish_reason == FinishReason::kLength ? "incomplete" : "completed");
    }
    return out;
  }

  std::string end(const std::vector<Result>& results) override {
    return event(std::string("response.") + status_of(results), "\"response\":" + whole(results));
  }

  std::string fail(const Failure& failure) override {
    return event("error", "\"code\":\"server_error\",\"message\":" + json_text(failure.message) +
                              ",\"param\":null");
  }

  // The response when all is said.
  std::string whole(const std::vector<Result>& results) const {
    const char* const status = status_of(results);
    GenerationUsage usage = usage_of(results);
    std::string output, reasoning;
    std::string logprobs = logprobs_text(wishes_, logprobs_);  // stand in the first message
    for (const OutputItem& item : items_) {
      if (item.kind == OutputItem::Kind::kReasoning) reasoning += item.text;
      const bool last = &item == &items_.back();
      output += (output.empty() ? "" : ",") +
                item_text_.text(
                    item, last ? status : "completed",
                    item.kind == OutputItem::Kind::kMessage ? std::exchange(logprobs, "[]") : "[]");
    }
    usage.reasoning = count_tokens(tokenizer_, reasoning);
    return response_text(wishes_, output, status, &usage);
  }

 private:
  std::string event(const std::string& type, const std::string& members) {
    return server_sent_event("{\"type\":\"" + type + "\",\"sequence_number\":" +
                                 std::to_string(number_++) + "," + members + "}",
                             type);
  }
  // Of the item that is open, the last.
  std::string output_index() const {
    return "\"output_index\":" + std::to_string(items_.size() - 1);
  }
  std::string item_place() const {
    return "\"item_id\":" + json_text(item_text_.id(items_.back())) + "," + output_index();
  }
  std::string place() const { return item_place() + ",\"content_index\":0"; }
  bool is_open(OutputItem::Kind kind) const { return open_ && items_.back().kind == kind; }

  void add_piece(std::string& out, const ChatDelta& said) {
    if (!said.reasoning.empty()) {
      if (!is_open(OutputItem::Kind::kReasoning)) open(out, {.kind = OutputItem::Kind::kReasoning});
      out += event("response.reasoning_text.delta",
                   place() + ",\"delta\":" + json_text(said.reasoning));
      items_.back().text += said.reasoning;
    }
    if (!said.content.empty()) {
      if (!is_open(OutputItem::Kind::kMessage)) open(out, {.kind = OutputItem::Kind::kMessage});
      add_content(out, said.content);
    }
    for (const ChatDelta::Call& call : said.calls) add_call(out, call);
  }

  void add_content(std::string& out, const std::string& text) {
    out += event("response.output_text.delta",
                 place() + ",\"delta\":" + json_text(text) +
                     ",\"logprobs\":" + logprobs_text(wishes_, std::exchange(held_logprobs_, {})));
    items_.back().text += text;
  }

  void add_call(std::string& out, const ChatDelta::Call& call) {
    if (call.begins) {
      open(out, {.kind = OutputItem::Kind::kCall,
                 .call = {.index = call.index, .begins = true, .name = call.name}});
    }
    if (call.arguments.empty()) return;
    items_.back().call.arguments += call.arguments;
    out += event("response.function_call_arguments.delta",
                 item_place() + ",\"delta\":" + json_text(call.arguments));
  }

  void open(std::string& out, OutputItem item) {
    close(out, "completed");
    for (const OutputItem& other : items_) item.number += other.kind == item.kind;
    items_.push_back(std::move(item));
    open_ = true;
    out += event("response.output_item.added",
                 output_index() + ",\"item\":" + item_text_.text(items_.back(), "in_progress"));
    if (is_open(OutputItem::Kind::kMessage)) {
      out += event("response.content_part.added", place() + ",\"part\":" + ItemText::part(""));
    }
  }

  void close(std::string& out, const std::string& status) {
    if (!open_) return;
    const OutputItem& item = items_.back();
    std::string logprobs = "[]";
    if (item.kind == OutputItem::Kind::kReasoning) {
      out += event("response.reasoning_text.done", place() + ",\"text\":" + json_text(item.text));
    } else if (item.kind == OutputItem::Kind::kMessage) {
      if (item.number == 0) logprobs = logprobs_text(wishes_, logprobs_);
      out += event("response.output_text.done",
                   place() + ",\"text\":" + json_text(item.text) + ",\"logprobs\":" + logprobs);
      out += event("response.content_part.done",
                   place() + ",\"part\":" + ItemText::part(item.text, logprobs));
    } else {
      out += event("response.function_call_arguments.done",
                   item_place() + ",\"name\":" + json_text(item.call.name) +
                       ",\"arguments\":" + json_text(item.call.arguments));
    }
    out += event("response.output_item.done",
                 output_index() + ",\"item\":" + item_text_.text(item, status, logprobs));
    open_ = false;
  }

  const ResponseWishes wishes_;
  const Tokenizer& tokenizer_;
  const ItemText item_text_;
  ChatChoice choice_;
  int64_t number_ = 0;
  std::vector<OutputItem> items_;
  bool open_ = false;                                    // whether the last is
  std::vector<TokenLogprobs> logprobs_, held_logprobs_;  // of all tokens; of those without a delta
};

// What a stream would have said at its end.
HttpResponse answer(const ResponseWishes& wishes, const Tokenizer& tokenizer,
                    const std::vector<Result>& results) {
  const Completion& completion = results.front().get<Generation>().completions.front();
  ResponseStream stream(wishes, tokenizer);
  GenerationDelta all{.text = completion.text};
  all.logprobs = completion.logprobs;
  all.finish_reason = completion.finish_reason;
  stream.add(all);
  return {.content_type = std::string(kJsonType), .body = stream.whole(results)};
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
