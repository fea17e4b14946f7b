#include "server/vllm_fields.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/chat.h"
#include "server/images.h"
#include "server/public_name.h"
#include "server/render.h"
#include "server/scoring.h"
#include "server/unix_time.h"

namespace vecton::server::openai {

namespace {

// Jina's inputs: {"text": string} or {"image": string}, or {"content": [parts]} as elsewhere.
bool is_item(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object || object->contains("role")) return false;
  const json::value* content = object->if_contains("content");
  return !content || !content->is_string();
}

// infinity's texts that say where pictures are.
Inputs read_pictures(const Call& call, Fields& fields) {
  require_images(call.context, "modality");
  const json::value* input = fields.any("input");
  if (fields.any("messages"))
    fields.wrong("messages", "extra_forbidden",
                 "`modality` says where the pictures of `input` are");
  check_chat_fields(fields);
  Inputs inputs{.items = {}, .single = input && input->is_string()};
  std::vector<std::string> sources;
  if (inputs.single) {
    sources = {std::string(input->get_string())};
  } else {
    sources = fields.texts("input");
  }
  if (sources.empty() && fields.good()) fields.wrong("input", "too_short", "must not be empty");
  check_batch_size(call.context, sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    inputs.items.emplace_back(std::string());
    inputs.images.push_back({image_of("input." + std::to_string(i), sources[i])});
  }
  return inputs;
}

// A list in which some are such objects.
std::optional<Inputs> read_items(const Call& call, Fields& fields) {
  const json::value* input = fields.any("input");
  if (!input) return {};
  const bool single = is_item(*input);
  if (!single && (!input->is_array() || std::ranges::none_of(input->get_array(), is_item)))
    return {};
  Inputs inputs{.items = {}, .single = single};
  const auto add = [&](const std::string& where, const json::value& value) {
    Item item = openai::read_item(call.context, fields, where, value);
    inputs.items.emplace_back(std::move(item.text));
    inputs.images.push_back(std::move(item.images));
  };
  if (single) {
    add("input", *input);
    return inputs;
  }
  const json::array& items = input->get_array();
  check_batch_size(call.context, items.size());
  for (size_t i = 0; i < items.size() && fields.good(); ++i)
    add("input." + std::to_string(i), items[i]);
  return inputs;
}

}  // namespace

std::string model_of(const Context& context, Fields& fields) {
  const std::optional<std::string> name = fields.text("model");
  const std::string shown = shown_name(context);
  if (!name || !fields.good()) return shown;
  const auto is = [&](std::string_view given) {
    return given == shown || std::ranges::find(context.names, given) != context.names.end();
  };
  if (!is(*name) && !is(without_tag(*name))) {
    throw Failure(Cause::kModelName, "The model `" + *name + "` does not exist.", "model");
  }
  return *name;
}

Head read_head(const Call& call, Fields& fields, const char* prefix) {
  Head head;
  head.model = model_of(call.context, fields);
  head.created = unix_time();
  const auto id = fields.text("request_id");
  head.id = prefix + (id && call.http.request_id.empty() ? *id : call.id);
  return head;
}

bool has_media(const json::value& messages) {
  if (!messages.is_array()) return false;
  for (const json::value& message : messages.get_array()) {
    if (message.is_array() && has_media(message)) return true;
    const json::object* object = message.if_object();
    const json::value* content = object ? object->if_contains("content") : nullptr;
    if (!content || !content->is_array()) continue;
    for (const json::value& part : content->get_array()) {
      const json::object* fields = part.if_object();
      const json::value* type = fields ? fields->if_contains("type") : nullptr;
      if (type && *type != json::value("text")) return true;
    }
  }
  return false;
}

void refuse_other_inputs(const Context& context, Fields& fields) {
  for (const char* field : {"messages", "input"}) {
    const json::value* messages = fields.any(field);
    if (messages && has_media(*messages)) require_images(context, field);
  }
  refuse_embeds(fields, "input");
}

void refuse_embeds(Fields& fields, const std::string& text) {
  if (!fields.any("prompt_embeds")) return;
  throw Failure(Cause::kInvalid,
                "prompt_embeds: prompt embeddings are not supported: send `" + text + "`",
                "prompt_embeds");
}

void read_special_tokens(Fields& fields, Request& request) {
  request.prompt.add_special_tokens = fields.boolean("add_special_tokens");
}

int64_t read_priority(const Context& context, Fields& fields) {
  const int64_t priority = fields.integer("priority").value_or(0);
  if (priority != 0 && !context.options.priority_scheduling) {
    throw Failure(Cause::kInvalid,
                  "Got priority " + std::to_string(priority) +
                      " but priority scheduling is not enabled: --scheduling-policy priority",
                  "priority");
  }
  return priority;
}

void read_prompt_rules(const Context& context, Fields& fields, Request& request) {
  request.prompt.truncation.to = fields.integer("truncate_prompt_tokens", -1);
  if (const auto side = fields.choice("truncation_side", {"left", "right"})) {
    request.prompt.truncation.side =
        side == "left" ? EncodeOptions::Side::kLeft : EncodeOptions::Side::kRight;
  }
  constexpr size_t kMaxSalt = 1024;  // bytes
  if (const auto salt = fields.text("cache_salt")) {
    if (salt->empty() || salt->size() > kMaxSalt)
      fields.wrong("cache_salt", "string_length",
                   "expected 1 to " + std::to_string(kMaxSalt) + " bytes");
    request.cache_salt = *salt;
  }
  request.priority = read_priority(context, fields);
}

Request read_request(const Context& context, Fields& fields, TaskParameters task) {
  Request like{.task = std::move(task)};
  read_prompt_rules(context, fields, like);
  Truncation& truncation = like.prompt.truncation;
  // Jina's word and Voyage's for cutting; false is what is done anyway.
  for (const char* field : {"truncate", "truncation"}) {
    if (fields.boolean(field).value_or(false) && !truncation.to) truncation.to = -1;
  }
  std::optional<bool> activation = fields.boolean("use_activation");
  // TEI's and Jina's words for the same.
  const auto raw = fields.boolean("raw_scores");
  const auto normalized = fields.boolean("normalized");
  if (!activation && raw) activation = !*raw;
  if (!activation) activation = normalized;
  set_activation(activation, like.task);
  if (fields.choice("padding", {"max_length", "do_not_pad"}) == "max_length") {
    fields.wrong("padding", "literal_error",
                 "'max_length' would have the model read padding: texts are read as they are, "
                 "which is 'do_not_pad'");
  }
  if (fields.any("normalize")) {
    fields.wrong("normalize", "extra_forbidden", "`normalize` was removed: use `use_activation`");
  }
  fields.ignore({"user"});
  return like;
}

void read_embedding(const Context& context, Fields& fields, Request& request, CallPlan& plan) {
  read_special_tokens(fields, request);
  std::optional<int64_t> dimensions = fields.integer("dimensions");
  if (const auto size = fields.integer("output_dimension")) {  // Voyage's and Cohere's word
    if (dimensions) {
      fields.wrong("output_dimension", "extra_forbidden",
                   "is another word for `dimensions`: send one of them");
    }
    dimensions = size;
    plan.names.emplace_back("dimensions", "output_dimension");
  }
  if (dimensions == context.info.embedding_size && !context.info.matryoshka)
    dimensions.reset();  // the whole vector is what every model gives
  if (auto* embed = std::get_if<Embed>(&request.task)) {
    embed->dimensions = dimensions;
  } else if (dimensions) {
    throw Failure(Cause::kInvalid, "dimensions are for the task embed only", "dimensions");
  }
  if (const auto name = fields.text("prompt_name")) set_prompt(context.info, *name, request.prompt);
  if (const auto word = fields.text("input_type"))
    set_task_prompt(context.info, *word, "input_type", request.prompt, plan.warnings);
}

Inputs read_inputs(const Call& call, Fields& fields) {
  refuse_other_inputs(call.context, fields);
  const json::value* input = fields.any("input");
  if (input && fields.any("messages"))
    fields.wrong("input", "extra_forbidden", "expected `input` or `messages`, not both");
  if (fields.choice("modality", {"text", "image"}) == "image") return read_pictures(call, fields);
  // vLLM's clients send chats under either name.
  const bool under_input = input && (is_chat(*input) || is_chats(*input));
  if (const json::value* messages = fields.any("messages"); messages || under_input) {
    const char* field = messages ? "messages" : "input";
    std::vector<Chat> chats = read_chats(call.context, fields, field);
    const bool needed = !call.context.info.images;  // others may have prompts of their own
    if (needed && fields.good() && chats.front().chat_template.empty() &&
        call.context.templates.empty()) {
      throw Failure(Cause::kInvalid,
                    "the model has no chat template: give one in the request, as chat_template",
                    field);
    }
    Inputs result{.items = {}, .single = !is_chats(*fields.any(field))};
    for (Chat& chat : chats) result.items.emplace_back(std::move(chat));
    return result;
  }
  check_chat_fields(fields);
  if (std::optional<Inputs> items = read_items(call, fields)) return *items;
  Inputs inputs = fields.inputs("input", false);
  if (inputs.items.empty() && fields.good())
    fields.wrong("input", "too_short", "must not be empty");
  return inputs;
}

void set_requests(const Call& call, Fields& fields, Inputs inputs, const Request& like,
                  CallPlan& plan) {
  if (fields.any("messages")) plan.field = "messages";
  plan.ignored = fields.finish();
  plan.single = inputs.single;
  plan.requests = make_requests(call.context, std::move(inputs), like, plan.field);
}

void append_head(std::string& out, const Head& head, const char* object) {
  out += "{\"id\":";
  base::append_json_string(out, head.id);
  out += ",\"object\":\"" + std::string(object) + "\",\"created\":";
  append_number(out, head.created);
  out += ",\"model\":";
  base::append_json_string(out, head.model);
}

void append_head(std::string& out, const Head& head) {
  append_head(out, head, "list");
  out += ",\"data\":[";
}

void append_tail(std::string& out, int64_t tokens) {
  out += "],\"usage\":{\"prompt_tokens\":";
  append_number(out, tokens);
  out += ",\"total_tokens\":";
  append_number(out, tokens);
  out += ",\"completion_tokens\":0,\"prompt_tokens_details\":null}}";
}

}  // namespace vecton::server::openai
