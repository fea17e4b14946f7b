#include "server/ollama.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <utility>

#include "base/json.h"
#include "server/chat_choice.h"
#include "server/chat_prompt.h"
#include "server/generation.h"
#include "server/images.h"
#include "server/logprobs.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/sampling.h"
#include "server/vllm_fields.h"

namespace vecton::server::ollama {

namespace {

constexpr double kAny = 1e9;

struct Wishes {
  std::string id, model;
  bool chat = false, stream = true, logprobs = false;
  parsers::ParserOptions parser;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::string head(const Wishes& wishes) {
  return "{\"model\":" + json_text(wishes.model) + ",\"created_at\":\"" + now_text() + "\"";
}

// Its arguments are an object; what was cut off is none.
std::string call_text(const Wishes& wishes, const ChatDelta::Call& call) {
  boost::system::error_code error;
  const json::value parsed = json::parse(call.arguments, error);
  const bool object = !error && parsed.is_object();
  return "{\"id\":" + json_text(call_id(wishes.parser, wishes.id, 0, call.index)) +
         ",\"function\":{\"index\":" + std::to_string(call.index) +
         ",\"name\":" + json_text(call.name) +
         ",\"arguments\":" + (object ? call.arguments : "{}") + "}}";
}

// The members that carry text: "message" or "response".
std::string text_members(const Wishes& wishes, const ChatDelta& said) {
  const std::string thinking =
      said.reasoning.empty() ? "" : ",\"thinking\":" + json_text(said.reasoning);
  if (!wishes.chat) return ",\"response\":" + json_text(said.content) + thinking;
  std::string out =
      ",\"message\":{\"role\":\"assistant\",\"content\":" + json_text(said.content) + thinking;
  if (!said.calls.empty()) {
    out += ",\"tool_calls\":[";
    for (size_t i = 0; i < said.calls.size(); ++i)
      out += (i ? "," : "") + call_text(wishes, said.calls[i]);
    out += ']';
  }
  return out + "}";
}

std::string logprob_members(const Wishes& wishes, const std::vector<TokenLogprobs>& logprobs) {
  if (!wishes.logprobs || logprobs.empty()) return "";
  std::string out = ",\"logprobs\":";
  append_token_logprobs(out, logprobs, false);
  return out;
}

std::string nanoseconds(double seconds) {
  return std::to_string(static_cast<int64_t>(seconds * 1e9));
}

std::string done_members(const Wishes& wishes, const std::vector<Result>& results) {
  const auto& generation = results.front().get<Generation>();
  const GenerationUsage usage = usage_of(results);
  const bool length = generation.completions.front().finish_reason == FinishReason::kLength;
  const std::chrono::duration<double> total = std::chrono::steady_clock::now() - wishes.start;
  std::string out =
      std::string(",\"done\":true,\"done_reason\":\"") + (length ? "length" : "stop") + "\"";
  if (!wishes.chat) {  // what a next request may give as `context`
    std::vector<int32_t> context = generation.prompt_token_ids;
    const auto& ids = generation.completions.front().token_ids;
    context.insert(context.end(), ids.begin(), ids.end());
    out += ",\"context\":";
    append_ids(out, context);
  }
  return out + ",\"total_duration\":" + nanoseconds(total.count()) +
         ",\"load_duration\":0,\"prompt_eval_count\":" + std::to_string(usage.prompt) +
         ",\"prompt_eval_duration\":" + nanoseconds(generation.time_to_first_token) +
         ",\"eval_count\":" + std::to_string(usage.completion) +
         ",\"eval_duration\":" + nanoseconds(generation.generation_time) + "}";
}

class LineStream : public StreamWriter {
 public:
  explicit LineStream(Wishes wishes) : wishes_(std::move(wishes)), choice_(wishes_.parser) {}

  std::string_view content_type() const override { return "application/x-ndjson"; }
  std::string_view keep_alive() const override { return ""; }  // lines have no comments

  std::string add(const GenerationDelta& delta) override {
    ChatDelta said = choice_.add(delta.text);
    if (delta.finish_reason) merge(said, choice_.finish());
    // A call is given when it is whole.
    ChatDelta calls;
    calls.calls = std::exchange(said.calls, {});
    merge(held_, std::move(calls));
    if (!held_.calls.empty() && (held_.calls.size() > 1 || delta.finish_reason)) {
      said.calls = std::exchange(held_.calls, {});
      if (!delta.finish_reason) {
        held_.calls.push_back(std::move(said.calls.back()));
        said.calls.pop_back();
      }
    }
    held_logprobs_.insert(held_logprobs_.end(), delta.logprobs.begin(), delta.logprobs.end());
    if (said.empty()) return "";
    return head(wishes_) + text_members(wishes_, said) + take_logprobs() + ",\"done\":false}\n";
  }

  std::string end(const std::vector<Result>& results) override {
    return head(wishes_) + text_members(wishes_, {}) + take_logprobs() +
           done_members(wishes_, results) + "\n";
  }

  std::string fail(const Failure& failure) override {
    return "{\"error\":" + json_text(failure.message) + "}\n";
  }

 private:
  std::string take_logprobs() {
    return logprob_members(wishes_, std::exchange(held_logprobs_, {}));
  }

  const Wishes wishes_;
  ChatChoice choice_;
  ChatDelta held_;                            // the call that is being written
  std::vector<TokenLogprobs> held_logprobs_;  // of tokens whose text is not sent yet
};

HttpResponse answer(const Wishes& wishes, const std::vector<Result>& results) {
  const Completion& completion = results.front().get<Generation>().completions.front();
  ChatChoice choice(wishes.parser);
  return {.content_type = std::string(kJsonType),
          .body = head(wishes) + text_members(wishes, choice.whole(completion.text)) +
                  logprob_members(wishes, completion.logprobs) + done_members(wishes, results)};
}

// The options that a model's owner or a request may set.
void read_options(Fields& fields, Generate& generate) {
  const json::object* given = fields.object("options");
  if (!given) return;
  Fields options(*given, "body.options");
  generate.temperature = options.number("temperature", 0, 2);
  generate.top_k = options.integer("top_k", -1);
  generate.top_p = above_zero(options, "top_p", 1);
  generate.min_p = options.number("min_p", 0, 1);
  generate.repetition_penalty = above_zero(options, "repeat_penalty");
  generate.presence_penalty = options.number("presence_penalty", -2, 2);
  generate.frequency_penalty = options.number("frequency_penalty", -2, 2);
  // How far penalties look back: all of the text, or at nothing of it.
  if (options.integer("repeat_last_n", -1) == 0) {
    generate.repetition_penalty = 1;
    generate.presence_penalty = generate.frequency_penalty = 0;
  }
  if (const auto seed = options.integer("seed"); seed && *seed != -1)
    generate.seed = static_cast<uint64_t>(*seed);
  if (const auto most = options.integer("num_predict", -2); most && *most > 0)
    generate.max_tokens = *most;
  if (options.any("stop")) generate.stop = options.texts("stop");
  if (const auto typical = options.number("typical_p", 0, 1); typical && *typical != 1)
    options.wrong("typical_p", "extra_forbidden", "is not served: send top_p or min_p");
  if (options.integer("mirostat", 0).value_or(0) != 0)
    options.wrong("mirostat", "extra_forbidden", "is not served: send top_p or min_p");
  if (const auto tail = options.number("tfs_z", 0, kAny); tail && *tail != 1)
    options.wrong("tfs_z", "extra_forbidden", "is not served: send top_p or min_p");
  // Of how a model is loaded.
  options.ignore({"num_ctx", "num_keep", "num_batch", "num_thread", "num_gpu", "main_gpu",
                  "use_mmap", "use_mlock", "numa", "low_vram", "f16_kv", "vocab_only",
                  "mirostat_tau", "mirostat_eta", "penalize_newline"});
  options.finish_within(fields);
}

// The engine's fields as this body has them.
std::vector<std::pair<std::string, std::string>> names_of_fields() {
  std::vector<std::pair<std::string, std::string>> names{
      {"max_tokens", "options.num_predict"},
      {"repetition_penalty", "options.repeat_penalty"},
      {"logprobs", "top_logprobs"},
      {"structured_outputs", "format"}};
  for (const char* same :
       {"temperature", "top_k", "top_p", "min_p", "presence_penalty", "frequency_penalty", "stop"})
    names.emplace_back(same, std::string("options.") + same);
  return names;
}

void read_think(Fields& fields, Conversation& conversation) {
  const json::value* think = fields.any("think");
  if (!think) return;
  if (think->is_bool()) {
    conversation.thinking = think->get_bool();
  } else {
    conversation.effort = fields.choice("think", {"low", "medium", "high", "max"});
  }
}

void read_format(Fields& fields, Generate& generate) {
  const json::value* format = fields.any("format");
  if (!format || *format == json::value("")) return;
  if (*format == json::value("json")) {
    generate.structured_output = StructuredOutput{.kind = JsonObject{}};
  } else if (format->is_object()) {
    generate.structured_output =
        StructuredOutput{.kind = JsonSchema{.schema = json::serialize(*format)}};
  } else {
    fields.wrong("format", "literal_error", "expected \"json\" or a JSON schema");
  }
}

// What both routes read; the prompt is another matter.
Wishes read(const Call& call, Fields& fields, Generate& generate, Conversation& conversation) {
  Wishes wishes{.id = call.id, .model = openai::model_of(call.context, fields)};
  wishes.stream = fields.boolean("stream").value_or(true);
  read_options(fields, generate);
  read_think(fields, conversation);
  read_format(fields, generate);
  wishes.logprobs = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0);
  if (wishes.logprobs) {
    generate.logprobs = top.value_or(0);
  } else if (top.value_or(0) > 0) {
    fields.wrong("top_logprobs", "value_error", "is of `logprobs`, which has to be true");
  }
  fields.ignore({"keep_alive", "truncate", "shift"});
  return wishes;
}

// The images of a message or a prompt, base64 without more, and its text: one content. They come
// first, as Ollama has it.
json::value content_of(const json::value* images, const json::value* text,
                       const std::string& where) {
  if (!images || images->is_null()) return text ? *text : json::value("");
  const json::array* list = images->if_array();
  const bool texts = list && std::ranges::all_of(
                                 *list, [](const json::value& image) { return image.is_string(); });
  if (!texts)
    throw Failure(Cause::kInvalid, where + ": expected a list of images in base64", where);
  if (list->empty()) return text ? *text : json::value("");
  json::array parts;
  for (const json::value& image : *list)
    parts.push_back(json::object{{"type", "image"}, {"image", image}});
  const bool words = text && text->is_string() && !text->get_string().empty();
  if (words) parts.push_back(json::object{{"type", "text"}, {"text", *text}});
  return parts;
}

// Those of a prompt that no chat template is put around.
std::vector<Image> images_of(const json::array& parts, const Call& call) {
  std::vector<Image> images;
  for (const json::value& part : parts) {
    if (!is_image(part.get_object())) continue;
    require_images(call.context, "images");
    images.push_back(image_of_part("images", part.get_object()));
  }
  return images;
}

void set_answer(CallPlan& plan, Wishes wishes) {
  plan.single = true;
  if (wishes.stream) {
    plan.stream = std::make_shared<LineStream>(std::move(wishes));
  } else {
    plan.render = [wishes = std::move(wishes)](const std::vector<Result>& results) {
      return answer(wishes, results);
    };
  }
}

// An empty prompt loads the model, which is there already.
void answer_load(CallPlan& plan, const Wishes& wishes, bool unload) {
  const std::string body = head(wishes) + text_members(wishes, {}) +
                           ",\"done\":true,\"done_reason\":\"" + (unload ? "unload" : "load") +
                           "\"}";
  plan.single = true;
  plan.render = [body](const std::vector<Result>&) {
    return HttpResponse{.content_type = std::string(kJsonType), .body = body};
  };
}

// Whether it is to be out of memory at once: 0, or as a duration ("0", "0s").
bool unloads(const json::object& body) {
  const json::value* keep = body.if_contains("keep_alive");
  if (!keep) return false;
  if (keep->is_number()) return keep->to_number<double>() == 0;
  if (!keep->is_string()) return false;
  const std::string_view text = keep->get_string();
  return text.starts_with('0') && text.find_first_of("123456789") == std::string_view::npos;
}

// Whether the member is a text with something in it.
bool says(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() && !value->get_string().empty();
}

// Gives ids to calls and their results whose client has none, for templates that ask for them. A
// result belongs to the first call without one, of the function that it names where it does.
class CallIds {
 public:
  void add(json::object& message) {
    if (json::value* calls = message.if_contains("tool_calls"); calls && calls->is_array()) {
      open_.clear();
      for (json::value& call : calls->get_array()) {
        if (json::object* object = call.if_object()) open(*object);
      }
    }
    const json::value* role = message.if_contains("role");
    if (role && *role == json::value("tool") && !says(message, "tool_call_id")) close(message);
  }

 private:
  struct Call {
    json::value id, name;
  };

  void open(json::object& call) {
    const std::string id = "call_" + std::to_string(++count_);
    if (!says(call, "id")) call["id"] = id;
    const json::value* function = call.if_contains("function");
    const bool named = function && function->is_object() && says(function->get_object(), "name");
    open_.push_back({call.at("id"), named ? function->at("name") : json::value()});
  }

  void close(json::object& message) {
    const auto answers = [&](const Call& call) {
      return !says(message, "name") || call.name == message.at("name");
    };
    auto call = std::ranges::find_if(open_, answers);
    if (call == open_.end()) call = open_.begin();
    if (call == open_.end()) return;
    message["tool_call_id"] = call->id;
    open_.erase(call);
  }

  std::vector<Call> open_;  // without a result so far
  size_t count_ = 0;
};

}  // namespace

CallPlan chat(const Call& call) {
  require_generation(call);
  CallPlan plan;
  Fields fields(call.body);
  Generate generate;
  Conversation conversation;
  Wishes wishes = read(call, fields, generate, conversation);
  plan.names = names_of_fields();
  wishes.chat = true;
  const json::value* messages = fields.any("messages");
  const json::value* tools = fields.any("tools");
  if (messages && !messages->is_array()) fields.wrong("messages", "list_type", "expected a list");
  if (tools && !tools->is_array()) fields.wrong("tools", "list_type", "expected a list");
  plan.ignored = finish_generation(fields);
  if (tools) set_tools(tools->get_array(), nullptr, conversation);
  if (!messages || messages->get_array().empty()) {
    answer_load(plan, wishes, unloads(call.body));
    return plan;
  }
  CallIds ids;
  for (const json::value& value : messages->get_array()) {
    json::value message = value;
    if (json::object* object = message.if_object()) {
      const json::object& given = value.get_object();  // new keys move the values of `object`
      if (const json::value* thinking = given.if_contains("thinking"))
        object->insert_or_assign("reasoning", *thinking);
      if (const json::value* name = given.if_contains("tool_name"))
        object->insert_or_assign("name", *name);
      if (given.contains("images")) {
        object->insert_or_assign("content", content_of(given.if_contains("images"),
                                                       given.if_contains("content"), "messages"));
        object->erase("images");
      }
      ids.add(*object);
    }
    conversation.messages.push_back(std::move(message));
  }
  ChatPrompt prompt = make_chat_prompt(call.context, conversation, std::move(generate));
  wishes.parser = std::move(prompt.parser);
  plan.requests.push_back(std::move(prompt.request));
  set_answer(plan, std::move(wishes));
  return plan;
}

CallPlan generate(const Call& call) {
  require_generation(call);
  CallPlan plan;
  Fields fields(call.body);
  Generate generate;
  Conversation conversation;
  Wishes wishes = read(call, fields, generate, conversation);
  plan.names = names_of_fields();
  const json::value text(fields.text("prompt").value_or(""));
  const json::value content = content_of(fields.any("images"), &text, "images");
  const auto system = fields.text("system");
  const bool raw = fields.boolean("raw").value_or(false);
  if (!fields.text("suffix").value_or("").empty())
    fields.wrong("suffix", "extra_forbidden", "is not served");
  if (!fields.text("template").value_or("").empty())
    fields.wrong("template", "extra_forbidden", "is not served: send raw and the whole prompt");
  std::vector<int32_t> ids = token_ids(fields, "context");
  plan.ignored = finish_generation(fields);
  if (content == json::value("")) {
    answer_load(plan, wishes, unloads(call.body));
    return plan;
  }
  const bool templated =
      !raw && !(call.context.templates.empty() && call.context.options.chat_template.empty());
  Request request{.task = generate};
  request.prompt.input = std::string(text.get_string());
  if (const json::array* parts = content.if_array())
    request.prompt.images = images_of(*parts, call);
  request.prompt.prompt_text = "";
  if (templated) {
    if (system && !system->empty())
      conversation.messages.push_back(json::object{{"role", "system"}, {"content", *system}});
    conversation.messages.push_back(json::object{{"role", "user"}, {"content", content}});
    ChatPrompt prompt = make_chat_prompt(call.context, conversation, std::move(generate));
    wishes.parser = std::move(prompt.parser);
    request = std::move(prompt.request);
  }
  if (!ids.empty()) {  // the conversation so far, as an earlier answer gave it
    const auto more = call.context.tokenizer.encode(std::get<std::string>(request.prompt.input),
                                                    {.add_special_tokens = false});
    ids.insert(ids.end(), more.ids.begin(), more.ids.end());
    request.prompt.input = std::move(ids);
  }
  plan.requests.push_back(std::move(request));
  set_answer(plan, std::move(wishes));
  return plan;
}

HttpResponse refuse(const Failure& failure, int64_t max_model_len) {
  HttpResponse response = openai::refuse(failure, max_model_len);
  response.body = "{\"error\":" + json_text(failure.message) + "}";
  return response;
}

}  // namespace vecton::server::ollama
