#include "server/anthropic.h"

#include <memory>
#include <utility>

#include "base/json.h"
#include "server/anthropic_request.h"
#include "server/chat_choice.h"
#include "server/generation.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/sampling.h"
#include "server/vllm_fields.h"

namespace vecton::server::anthropic {

namespace {

struct Wishes {
  std::string id, model;
  bool parallel = true;
  parsers::ParserOptions parser;
};

// "stop_reason":...,"stop_sequence":...
std::string stop_members(const ChatChoice& choice, FinishReason reason, const StopReason& stop) {
  const auto* text = std::get_if<std::string>(&stop);
  const char* word = "end_turn";
  if (reason == FinishReason::kLength) {
    word = "max_tokens";
  } else if (choice.called()) {
    word = "tool_use";
  } else if (text) {
    word = "stop_sequence";
  }
  const bool sequence = word == std::string_view("stop_sequence");
  return std::string("\"stop_reason\":\"") + word +
         "\",\"stop_sequence\":" + (sequence ? json_text(*text) : "null");
}

// Tokens of the prompt that the cache had are counted apart.
std::string usage_members(const GenerationUsage& usage) {
  return "{\"input_tokens\":" + std::to_string(usage.prompt - usage.cached) +
         ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":" +
         std::to_string(usage.cached) + ",\"output_tokens\":" + std::to_string(usage.completion) +
         "}";
}

std::string message_head(const Wishes& wishes) {
  return "{\"id\":" + json_text(wishes.id) +
         ",\"type\":\"message\",\"role\":\"assistant\",\"model\":" + json_text(wishes.model) +
         ",\"content\":[";
}

// A toolu_ id.
std::string use_id(const Wishes& wishes, size_t call) {
  const std::string id = call_id(wishes.parser, wishes.id, 0, call);
  return id.starts_with("call_") ? "toolu_" + id.substr(5) : id;
}

class MessageStream : public StreamWriter {
 public:
  explicit MessageStream(Wishes wishes)
      : wishes_(std::move(wishes)), choice_(wishes_.parser, wishes_.parallel) {}

  std::string_view keep_alive() const override {
    return "event: ping\ndata: {\"type\":\"ping\"}\n\n";
  }

  std::string add(const GenerationDelta& delta) override {
    std::string out;
    if (!begun_) {
      begun_ = true;
      out = event(
          "message_start",
          "\"message\":" + message_head(wishes_) +
              "],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":" +
              usage_members({.prompt = delta.prompt_tokens, .cached = delta.cached_tokens}) + "}");
    }
    ChatDelta said = choice_.add(delta.text);
    if (delta.finish_reason) merge(said, choice_.finish());
    if (!said.reasoning.empty()) {
      open(out, Block::kThinking, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
      add_to_block(out, "thinking_delta\",\"thinking\":" + json_text(said.reasoning));
    }
    if (!said.content.empty()) {
      open(out, Block::kText, "{\"type\":\"text\",\"text\":\"\"}");
      add_to_block(out, "text_delta\",\"text\":" + json_text(said.content));
    }
    for (const ChatDelta::Call& call : said.calls) {
      if (call.begins) {
        close(out);
        open(out, Block::kTool,
             "{\"type\":\"tool_use\",\"id\":" + json_text(use_id(wishes_, call.index)) +
                 ",\"name\":" + json_text(call.name) + ",\"input\":{}}");
      }
      if (call.begins || !call.arguments.empty())
        add_to_block(out, "input_json_delta\",\"partial_json\":" + json_text(call.arguments));
    }
    if (delta.finish_reason) {
      close(out);
      stop_ = stop_members(choice_, *delta.finish_reason, delta.stop_reason);
    }
    return out;
  }

  std::string end(const std::vector<Result>& results) override {
    const std::string usage = usage_members(usage_of(results));
    return event("message_delta", "\"delta\":{" + stop_ + "},\"usage\":" + usage) +
           event("message_stop", "");
  }

  std::string fail(const Failure& failure) override {
    return server_sent_event(refuse(failure, 0).body, "error");
  }

 private:
  enum class Block { kNone, kText, kThinking, kTool };

  static std::string event(const std::string& type, const std::string& members) {
    return server_sent_event(
        "{\"type\":\"" + type + "\"" + (members.empty() ? "" : "," + members) + "}", type);
  }

  void open(std::string& out, Block block, const std::string& start) {
    if (block_ == block) return;
    close(out);
    block_ = block;
    out += event("content_block_start",
                 "\"index\":" + std::to_string(index_) + ",\"content_block\":" + start);
  }
  void add_to_block(std::string& out, const std::string& delta) {
    out += event("content_block_delta",
                 "\"index\":" + std::to_string(index_) + ",\"delta\":{\"type\":\"" + delta + "}");
  }
  void close(std::string& out) {
    if (block_ == Block::kNone) return;
    if (block_ == Block::kThinking) add_to_block(out, "signature_delta\",\"signature\":\"\"");
    out += event("content_block_stop", "\"index\":" + std::to_string(index_++));
    block_ = Block::kNone;
  }

  const Wishes wishes_;
  ChatChoice choice_;
  bool begun_ = false;
  Block block_ = Block::kNone;
  int64_t index_ = 0;
  std::string stop_ = "\"stop_reason\":\"end_turn\",\"stop_sequence\":null";
};

HttpResponse answer(const Wishes& wishes, const std::vector<Result>& results) {
  HttpResponse response{.content_type = std::string(kJsonType)};
  const Completion& completion = results.front().get<Generation>().completions.front();
  ChatChoice choice(wishes.parser, wishes.parallel);
  const ChatDelta said = choice.whole(completion.text);
  std::string& out = response.body;
  out = message_head(wishes);
  auto block = [&, first = true](const std::string& text) mutable {
    out += (first ? "" : ",") + text;
    first = false;
  };
  if (!said.reasoning.empty()) {
    block("{\"type\":\"thinking\",\"thinking\":" + json_text(said.reasoning) +
          ",\"signature\":\"\"}");
  }
  if (!said.content.empty()) block("{\"type\":\"text\",\"text\":" + json_text(said.content) + "}");
  for (const ChatDelta::Call& call : said.calls) {
    boost::system::error_code error;
    const json::value input = json::parse(call.arguments, error);
    // What was cut off is no object: its text is all there is to give.
    const std::string object = !error && input.is_object()
                                   ? call.arguments
                                   : "{\"arguments\":" + json_text(call.arguments) + "}";
    block("{\"type\":\"tool_use\",\"id\":" + json_text(use_id(wishes, call.index)) +
          ",\"name\":" + json_text(call.name) + ",\"input\":" + object + "}");
  }
  out += "]," + stop_members(choice, completion.finish_reason, completion.stop_reason) +
         ",\"usage\":" + usage_members(usage_of(results)) + "}";
  return response;
}

}  // namespace

CallPlan messages(const Call& call) {
  require_generation(call);
  CallPlan plan;
  plan.single = true;
  Fields fields(call.body);
  Wishes wishes{.id = "msg_" + call.id, .model = openai::model_of(call.context, fields)};
  Generate generate;
  fields.require("max_tokens");
  generate.max_tokens = fields.integer("max_tokens", 1);
  generate.temperature = fields.number("temperature", 0, 1);
  generate.top_p = above_zero(fields, "top_p", 1);
  generate.top_k = fields.integer("top_k", -1);
  if (fields.any("stop_sequences")) generate.stop = fields.texts("stop_sequences");
  const bool stream = fields.boolean("stream").value_or(false);
  const Conversation conversation = read_conversation(fields, generate);
  wishes.parallel = conversation.parallel_calls;
  plan.names = {
      {"stop", "stop_sequences"},
      {"structured_outputs",
       structure_field(conversation,
                       fields.any("output_format") ? "output_format" : "output_config.format")}};
  fields.ignore({"metadata", "service_tier", "container", "cache_control"});
  plan.ignored = finish_generation(fields);
  ChatPrompt prompt = make_chat_prompt(call.context, conversation, std::move(generate));
  wishes.parser = std::move(prompt.parser);
  plan.requests.push_back(std::move(prompt.request));
  if (stream) {
    plan.stream = std::make_shared<MessageStream>(std::move(wishes));
  } else {
    plan.render = [wishes = std::move(wishes)](const std::vector<Result>& results) {
      return answer(wishes, results);
    };
  }
  return plan;
}

CallPlan count_tokens(const Call& call) {
  require_generation(call);
  CallPlan plan;
  Fields fields(call.body);
  openai::model_of(call.context, fields);
  Generate generate;
  const Conversation conversation = read_conversation(fields, generate);
  fields.ignore({"cache_control"});
  plan.ignored = fields.finish();
  ChatPrompt prompt = make_chat_prompt(call.context, conversation, {.max_tokens = 1});
  const auto count = [](size_t tokens) {
    return HttpResponse{.content_type = std::string(kJsonType),
                        .body = "{\"input_tokens\":" + std::to_string(tokens) + "}"};
  };
  if (!prompt.request.prompt.images.empty()) {  // the model itself knows how many tokens they are
    plan.single = true;
    plan.requests.push_back(std::move(prompt.request));
    plan.render = [count](const std::vector<Result>& results) {
      return count(results.front().get<Generation>().prompt_token_ids.size());
    };
    return plan;
  }
  const auto tokens =
      call.context.tokenizer.encode(prompt.parser.prompt, {.add_special_tokens = false}).ids.size();
  plan.render = [count, tokens](const std::vector<Result>&) { return count(tokens); };
  return plan;
}

HttpResponse refuse(const Failure& failure, int64_t max_model_len) {
  HttpResponse response = openai::refuse(failure, max_model_len);
  const char* type = "api_error";
  switch (response.status) {
    case 400:
    case 422:
      type = "invalid_request_error";
      break;
    case 401:
      type = "authentication_error";
      break;
    case 403:
      type = "permission_error";
      break;
    case 404:
    case 405:
      type = "not_found_error";
      break;
    case 413:
      type = "request_too_large";
      break;
    case 429:
      type = "rate_limit_error";
      break;
    case 503:
      type = "overloaded_error";
      break;
    default:
      break;
  }
  response.body = std::string("{\"type\":\"error\",\"error\":{\"type\":\"") + type +
                  "\",\"message\":" + json_text(failure.message) + "}}";
  return response;
}

}  // namespace vecton::server::anthropic
