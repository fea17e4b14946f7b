// Cohere's POST /v2/embed, as vLLM has it, and the older /v1/embed.
#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/number_type.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/scoring.h"
#include "server/vllm_fields.h"

namespace vecton::server::openai {

namespace {

constexpr const char* kTypes[] = {"float", "int8", "uint8", "binary", "ubinary", "base64"};

// The kinds of numbers that are asked for, in the order of the table.
std::vector<std::string> read_types(Fields& fields) {
  std::vector<std::string> asked, types;
  if (fields.any("embedding_types")) asked = fields.texts("embedding_types");
  if (asked.empty()) asked = {"float"};
  for (const char* type : kTypes) {
    if (std::erase(asked, type) > 0) types.emplace_back(type);
  }
  if (!asked.empty()) {
    fields.wrong("embedding_types", "literal_error",
                 "expected 'float', 'int8', 'uint8', 'binary', 'ubinary' or 'base64', found '" +
                     asked.front().substr(0, 60) + "'");
  }
  return types;
}

// `texts`, `images`, or the contents of `inputs`.
std::vector<Item> read_cohere_items(const Call& call, Fields& fields) {
  const json::value* texts = fields.any("texts");
  const json::value* images = fields.any("images");
  const json::value* inputs = fields.any("inputs");
  if ((texts != nullptr) + (images != nullptr) + (inputs != nullptr) != 1) {
    throw Failure(Cause::kInvalid,
                  texts || images || inputs ? "Only one of texts, images, or inputs can be provided"
                                            : "One of texts, images, or inputs must be provided",
                  "texts");
  }
  std::vector<Item> list;
  if (images) {
    require_images(call.context, "images");
    for (const std::string& image : fields.texts("images"))
      list.push_back({.images = {image_of("images", image)}});
    return list;
  }
  if (texts) {
    for (std::string& text : fields.texts("texts")) list.push_back({.text = std::move(text)});
    return list;
  }
  if (!inputs->is_array()) {
    fields.wrong("inputs", "list_type", "expected a list of {\"content\": [parts]}");
    return list;
  }
  const json::array& items = inputs->get_array();
  check_batch_size(call.context, items.size(), "inputs");
  for (size_t i = 0; i < items.size() && fields.good(); ++i) {
    list.push_back(read_item(call.context, fields, "inputs." + std::to_string(i), items[i]));
  }
  return list;
}

Request read_request(const Call& call, Fields& fields, const std::vector<Item>& items,
                     CallPlan& plan) {
  Request like;
  const auto type = fields.text("input_type");
  // Images have no prompt, and nobody sends them without saying what they are.
  const bool images = type == "image" && std::ranges::all_of(items, [](const Item& item) {
                        return item.text.empty() && !item.images.empty();
                      });
  if (type && !images)
    set_task_prompt(call.context.info, *type, "input_type", like.prompt, plan.warnings);
  Embed embed{.dimensions = fields.integer("output_dimension")};
  plan.names.emplace_back("dimensions", "output_dimension");
  if (embed.dimensions == call.context.info.embedding_size && !call.context.info.matryoshka)
    embed.dimensions.reset();
  like.task = embed;
  const std::string truncate = fields.choice("truncate", {"END", "START", "NONE"}).value_or("END");
  const auto most = fields.integer("max_tokens", 1);
  if (truncate == "NONE") {
    like.prompt.max_tokens = most;
  } else {
    like.prompt.truncation.to = most && *most < call.context.info.max_model_len ? *most : -1;
    like.prompt.truncation.side =
        truncate == "START" ? EncodeOptions::Side::kLeft : EncodeOptions::Side::kRight;
  }
  like.priority = read_priority(call.context, fields);
  return like;
}

void append_embedding(std::string& out, const std::string& type, const std::vector<float>& values) {
  if (type == "float") return append_floats(out, values);
  if (type != "base64") return append_whole(out, values, *number_type_from(type));
  out += '"';
  append_base64(out, values);
  out += '"';
}

// The vectors of one type: [[0.5,...],...].
void append_embeddings(std::string& out, const std::string& type,
                       const std::vector<Result>& results) {
  out += '[';
  for (size_t i = 0; i < results.size(); ++i) {
    if (i > 0) out += ',';
    append_embedding(out, type, results[i].get<Vectors>().values);
  }
  out += ']';
}

// What both versions have. The first one's vectors are bare where no type was asked for.
CallPlan plan_embed(const Call& call, const char* version, bool bare) {
  const ModelInfo& info = call.context.info;
  require_route(info, Task::kEmbed);
  CallPlan plan;
  Fields fields(call.body);
  const Head head = read_head(call, fields, "embd-");
  const std::vector<std::string> types = read_types(fields);
  const std::vector<Item> items = read_cohere_items(call, fields);
  std::vector<std::string> texts;
  Inputs inputs;
  for (const Item& item : items) {
    texts.push_back(item.text);
    inputs.items.emplace_back(item.text);
    inputs.images.push_back(item.images);
  }
  if (texts.empty() && fields.good()) fields.wrong("texts", "too_short", "must not be empty");
  const Request like = read_request(call, fields, items, plan);
  plan.ignored = fields.finish();
  for (const std::string& type : types) {
    check_size(number_type_from(type).value_or(NumberType::kFloat32),
               std::get<Embed>(like.task).dimensions.value_or(info.embedding_size),
               "embedding_types");
  }
  for (const char* field : {"texts", "images", "inputs"})
    if (fields.any(field)) plan.field = field;
  plan.requests = make_requests(call.context, std::move(inputs), like, plan.field);
  plan.render = [head, version, bare, types, texts](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    std::string& out = response.body;
    out = "{\"id\":";
    base::append_json_string(out, head.id);
    out += std::string(",\"response_type\":\"") +
           (bare ? "embeddings_floats" : "embeddings_by_type") + "\",\"embeddings\":";
    if (bare) append_embeddings(out, "float", results);
    if (!bare) {
      for (const std::string& type : types) {
        out += (&type == &types.front() ? "{\"" : ",\"") + type + "\":";
        append_embeddings(out, type, results);
      }
      out += '}';
    }
    out += ",\"texts\":[";
    for (size_t i = 0; i < texts.size(); ++i) {
      if (i > 0) out += ',';
      base::append_json_string(out, texts[i]);
    }
    const std::string tokens = "{\"input_tokens\":" + std::to_string(total_tokens(results));
    out += std::string("],\"meta\":{\"api_version\":{\"version\":\"") + version +
           "\"},\"billed_units\":" + tokens + ",\"image_tokens\":0},\"tokens\":" + tokens + "}}}";
    return response;
  };
  return plan;
}

}  // namespace

CallPlan cohere_embed(const Call& call) { return plan_embed(call, "2", false); }

CallPlan cohere_embed_v1(const Call& call) {
  const json::value* types = call.body.if_contains("embedding_types");
  return plan_embed(call, "1", !types || types->is_null());
}

}  // namespace vecton::server::openai
