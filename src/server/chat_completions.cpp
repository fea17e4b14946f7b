// POST /v1/chat/completions, as OpenAI and vLLM have it.
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/chat_choice.h"
#include "server/chat_prompt.h"
#include "server/conversation_fields.h"
#include "server/generation.h"
#include "server/logprobs.h"
#include "server/messages.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/sampling.h"
#include "server/vllm_fields.h"

namespace vecton::server::openai {

namespace {

// What the body asks of the answer's form.
struct ChatWishes {
  Head head;
  StreamOptions stream;
  bool logprobs = false, as_ids = false, token_ids = false, prompt_text = false;
  bool reasoning = true, parallel = true;
  std::optional<int64_t> best;  // so many of the completions are the answer; none = all
  std::string echo;             // put before each choice's content
  parsers::ParserOptions parser;
};

void read_logprobs(Fields& fields, Generate& generate, ChatWishes& wishes) {
  wishes.logprobs = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", -1);
  if (top && *top != 0 && !wishes.logprobs) {
    throw Failure(Cause::kInvalid, "when using `top_logprobs`, `logprobs` must be set to true.",
                  "top_logprobs");
  }
  if (wishes.logprobs) generate.logprobs = top.value_or(0);
  wishes.as_ids = fields.boolean("return_tokens_as_token_ids").value_or(false);
}

const char* finish_of(const ChatChoice& choice, FinishReason reason) {
  const bool calls = choice.called() && !choice.called_by_name();
  return reason == FinishReason::kStop && calls ? "tool_calls" : to_string(reason);
}

// "reasoning":...,"reasoning_content":... : vLLM's name and DeepSeek's.
void append_reasoning(std::string& out, const std::string& text) {
  for (const char* name : {"reasoning", "reasoning_content"}) {
    out += std::string(",\"") + name + "\":";
    base::append_json_string(out, text);
  }
}

class ChatStream : public StreamWriter {
 public:
  ChatStream(ChatWishes wishes, const Tokenizer& tokenizer)
      : wishes_(std::move(wishes)), tokenizer_(tokenizer) {}

  std::string add(const GenerationDelta& delta) override;
  std::string end(const std::vector<Result>& results) override;
  std::string fail(const Failure& failure) override {
    return server_sent_event(refuse(failure, 0).body) + server_sent_event("[DONE]");
  }

 private:
  std::string chunk(const std::string& choice, const GenerationDelta* delta) const;
  std::string first(const GenerationDelta& delta) const;
  void append_calls(std::string& out, int64_t choice, const ChatDelta& said) const;

  struct Choice {
    std::unique_ptr<ChatChoice> parser;
    std::string reasoning;
    int64_t reasoning_tokens = 0;  // so far; the end counts them in its text
  };

  const ChatWishes wishes_;
  const Tokenizer& tokenizer_;
  std::map<int64_t, Choice> choices_;
};

constexpr const char* kChunk = "chat.completion.chunk";

std::string ChatStream::chunk(const std::string& choice, const GenerationDelta* delta) const {
  std::string out;
  append_head(out, wishes_.head, kChunk);
  out += ",\"choices\":[" + choice + "]";
  if (delta && wishes_.stream.continuous_usage) {
    out += ",\"usage\":";
    append_usage(out, {.prompt = delta->prompt_tokens,
                       .completion = delta->completion_tokens,
                       .cached = delta->cached_tokens,
                       .reasoning = choices_.at(delta->index).reasoning_tokens});
  }
  if (delta && delta->prompt_token_ids && wishes_.token_ids) {
    out += ",\"prompt_token_ids\":";
    append_ids(out, *delta->prompt_token_ids);
  }
  return server_sent_event(out + "}");
}

std::string begin_choice(int64_t index) {
  return "{\"index\":" + std::to_string(index) + ",\"delta\":{";
}

std::string ChatStream::first(const GenerationDelta& delta) const {
  constexpr const char* kEnd = "},\"logprobs\":null,\"finish_reason\":null}";
  const std::string begin = begin_choice(delta.index);
  std::string out = chunk(begin + "\"role\":\"assistant\",\"content\":\"\"" + kEnd, &delta);
  if (wishes_.echo.empty()) return out;
  std::string echo = begin + "\"content\":";
  base::append_json_string(echo, wishes_.echo);
  return out + chunk(echo + kEnd, nullptr);
}

void ChatStream::append_calls(std::string& out, int64_t choice, const ChatDelta& said) const {
  out += ",\"tool_calls\":[";
  for (size_t i = 0; i < said.calls.size(); ++i) {
    const ChatDelta::Call& call = said.calls[i];
    out += (i ? ",{\"index\":" : "{\"index\":") + std::to_string(call.index);
    if (call.begins) {
      out += ",\"id\":";
      base::append_json_string(out, call_id(wishes_.parser, wishes_.head.id, choice, call.index));
      out += ",\"type\":\"function\"";
    }
    out += ",\"function\":{";
    if (call.begins) {
      out += "\"name\":";
      base::append_json_string(out, call.name);
      out += ',';
    }
    out += "\"arguments\":";
    base::append_json_string(out, call.arguments);
    out += "}}";
  }
  out += ']';
}

std::string ChatStream::add(const GenerationDelta& delta) {
  std::string out;
  Choice& known = choices_[delta.index];
  if (!known.parser) {
    known.parser = std::make_unique<ChatChoice>(wishes_.parser, wishes_.parallel);
    out = first(delta);
  }
  ChatChoice& parser = *known.parser;
  ChatDelta said = parser.add(delta.text);
  if (delta.finish_reason) merge(said, parser.finish());
  known.reasoning += said.reasoning;
  if (!said.reasoning.empty())
    known.reasoning_tokens += static_cast<int64_t>(delta.token_ids.size());
  if (!wishes_.reasoning) said.reasoning.clear();
  const bool logprobs = wishes_.logprobs && !delta.logprobs.empty();
  const bool ids = wishes_.token_ids && !delta.token_ids.empty();
  if (said.empty() && !delta.finish_reason && !logprobs && !ids) return out;
  std::string members;
  if (!said.reasoning.empty()) append_reasoning(members, said.reasoning);
  if (!said.content.empty()) {
    members += ",\"content\":";
    base::append_json_string(members, said.content);
  }
  if (!said.calls.empty()) append_calls(members, delta.index, said);
  std::string choice =
      begin_choice(delta.index) + (members.empty() ? "" : members.substr(1)) + "},\"logprobs\":";
  if (logprobs) {
    append_chat_logprobs(choice, delta.logprobs, wishes_.as_ids);
  } else {
    choice += "null";
  }
  choice += ",\"finish_reason\":";
  if (delta.finish_reason) {
    base::append_json_string(choice, finish_of(parser, *delta.finish_reason));
    choice += ",\"stop_reason\":";
    append_stop_reason(choice, delta.stop_reason);
  } else {
    choice += "null";
  }
  if (ids) {
    choice += ",\"token_ids\":";
    append_ids(choice, delta.token_ids);
  }
  return out + chunk(choice + "}", &delta);
}

std::string ChatStream::end(const std::vector<Result>& results) {
  std::string out;
  if (wishes_.stream.include_usage) {
    std::string data;
    append_head(data, wishes_.head, kChunk);
    data += ",\"choices\":[],\"usage\":";
    GenerationUsage usage = usage_of(results);
    for (const auto& [index, choice] : choices_)
      usage.reasoning += count_tokens(tokenizer_, choice.reasoning);
    append_usage(data, usage);
    out = server_sent_event(data + "}");
  }
  return out + server_sent_event("[DONE]");
}

void append_message(std::string& out, const ChatWishes& wishes, int64_t index,
                    const ChatDelta& said, const ChatChoice& choice) {
  out += "{\"role\":\"assistant\",\"content\":";
  const std::string content = wishes.echo + said.content;
  if (content.empty() && choice.called() && !choice.called_by_name()) {
    out += "null";
  } else {
    base::append_json_string(out, content);
  }
  if (wishes.reasoning && !said.reasoning.empty()) append_reasoning(out, said.reasoning);
  out += ",\"refusal\":null,\"annotations\":null,\"audio\":null,\"function_call\":null";
  if (!said.calls.empty()) {
    out += ",\"tool_calls\":[";
    for (size_t i = 0; i < said.calls.size(); ++i) {
      out += i ? ",{\"id\":" : "{\"id\":";
      base::append_json_string(out,
                               call_id(wishes.parser, wishes.head.id, index, said.calls[i].index));
      out += ",\"type\":\"function\",\"function\":{\"name\":";
      base::append_json_string(out, said.calls[i].name);
      out += ",\"arguments\":";
      base::append_json_string(out, said.calls[i].arguments);
      out += "}}";
    }
    out += ']';
  }
  out += '}';
}

HttpResponse chat_answer(const ChatWishes& wishes, const Context& context,
                         const std::vector<Result>& results) {
  HttpResponse response{.content_type = std::string(kJsonType)};
  std::string& out = response.body;
  std::optional<Generation> kept;
  const Generation& generation = answered(results.front(), wishes.best, kept);
  GenerationUsage usage = usage_of(results);
  append_head(out, wishes.head, "chat.completion");
  out += ",\"choices\":[";
  for (const Completion& completion : generation.completions) {
    ChatChoice choice(wishes.parser, wishes.parallel);
    const ChatDelta said = choice.whole(completion.text);
    usage.reasoning += count_tokens(context.tokenizer, said.reasoning);
    if (completion.index > 0) out += ',';
    out += "{\"index\":" + std::to_string(completion.index) + ",\"message\":";
    append_message(out, wishes, completion.index, said, choice);
    out += ",\"logprobs\":";
    if (wishes.logprobs) {
      append_chat_logprobs(out, completion.logprobs, wishes.as_ids);
    } else {
      out += "null";
    }
    out += ",\"finish_reason\":";
    base::append_json_string(out, finish_of(choice, completion.finish_reason));
    out += ",\"stop_reason\":";
    append_stop_reason(out, completion.stop_reason);
    out += ",\"token_ids\":";
    if (wishes.token_ids) {
      append_ids(out, completion.token_ids);
    } else {
      out += "null";
    }
    out += '}';
  }
  out += "],\"service_tier\":null,\"system_fingerprint\":null,\"usage\":";
  append_usage(out, usage);
  out += ",\"prompt_logprobs\":";
  if (generation.prompt_logprobs.empty()) {
    out += "null";
  } else {
    append_prompt_logprobs(out, generation.prompt_logprobs);
  }
  out += ",\"prompt_token_ids\":";
  if (wishes.token_ids) {
    append_ids(out, generation.prompt_token_ids);
  } else {
    out += "null";
  }
  if (wishes.prompt_text) {
    out += ",\"prompt_text\":";
    base::append_json_string(out, wishes.parser.prompt);
  }
  out += ",\"kv_transfer_params\":null}";
  return response;
}

// The text of the last message, where it is the assistant's: what it says, or its parts.
std::string last_text(const json::array& messages) {
  const json::object* last = messages.empty() ? nullptr : messages.back().if_object();
  const json::value* role = last ? last->if_contains("role") : nullptr;
  if (!role || *role != json::value("assistant")) return "";
  std::vector<Image> images;  // have no text
  const json::array normalised = normalised_messages({messages.back()}, true, &images);
  const json::value& content = normalised.front().at("content");
  if (content.is_string()) return std::string(content.get_string());
  std::string text;
  for (const json::value& part : content.get_array()) {
    if (const json::value* piece = part.get_object().if_contains("text"))
      text += (text.empty() ? "" : "\n") + std::string(piece->get_string());
  }
  return text;
}

}  // namespace

CallPlan chat_completions(const Call& call) {
  require_generation(call);
  CallPlan plan;
  plan.single = true;
  Fields fields(call.body);
  ChatWishes wishes;
  wishes.head = read_head(call, fields, "chatcmpl-");
  wishes.stream = read_stream(call.context, fields);
  Conversation conversation;
  read_conversation(fields, conversation);
  Generate generate = read_sampling(call.context, fields);
  generate.max_tokens = fields.integer("max_completion_tokens", 1);
  const auto max_tokens = fields.integer("max_tokens", 1);
  if (!generate.max_tokens) generate.max_tokens = max_tokens;
  read_logprobs(fields, generate, wishes);
  wishes.best = read_best_of(call.context, fields, generate);
  if (generate.prompt_logprobs && wishes.stream.stream) {
    throw Failure(Cause::kInvalid, "`prompt_logprobs` are not available when `stream=True`.",
                  "prompt_logprobs");
  }
  wishes.token_ids = fields.boolean("return_token_ids").value_or(false);
  wishes.prompt_text = fields.boolean("return_prompt_text").value_or(false);
  wishes.reasoning = fields.boolean("include_reasoning").value_or(true);
  wishes.parallel = conversation.parallel_calls;
  if (fields.boolean("echo").value_or(false)) wishes.echo = last_text(conversation.messages);
  generate.structured_output = read_structured_output(fields);
  plan.field = "messages";
  plan.names = {{"structured_outputs", structure_field(conversation, structure_field(fields))},
                {"logprobs", "top_logprobs"}};
  if (fields.any("max_completion_tokens"))
    plan.names.emplace_back("max_tokens", "max_completion_tokens");
  const bool special = fields.boolean("add_special_tokens").value_or(false);
  Request like;
  read_prompt_rules(call.context, fields, like);
  plan.ignored = finish_generation(fields);

  ChatPrompt prompt = make_chat_prompt(call.context, conversation, std::move(generate));
  wishes.parser = prompt.parser;
  prompt.request.prompt.add_special_tokens = special;
  prompt.request.prompt.truncation = like.prompt.truncation;
  prompt.request.cache_salt = like.cache_salt;
  prompt.request.priority = like.priority;
  plan.requests.push_back(std::move(prompt.request));
  if (wishes.stream.stream) {
    plan.stream = std::make_shared<ChatStream>(std::move(wishes), call.context.tokenizer);
  } else {
    plan.render = [wishes = std::move(wishes),
                   &context = call.context](const std::vector<Result>& results) {
      return chat_answer(wishes, context, results);
    };
  }
  return plan;
}

}  // namespace vecton::server::openai
