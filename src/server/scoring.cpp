#include "server/scoring.h"

#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/vllm_fields.h"

namespace vecton::server::openai {

namespace {

// The names of the two sides, in the APIs that have such a route.
struct Names {
  const char *first, *second;
};
constexpr Names kNames[] = {
    {"queries", "documents"}, {"queries", "items"}, {"data_1", "data_2"}, {"text_1", "text_2"}};

struct Limits {
  int64_t query = 0, document = 0;  // tokens of a text; 0 = any
};

// Null where it is not there, or null.
const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

Names names_of(const json::object& body) {
  for (const Names& names : kNames) {
    if (member(body, names.first) && member(body, names.second)) return names;
  }
  for (const Names& names : kNames) {
    if (member(body, names.first) || member(body, names.second)) return names;
  }
  return kNames[std::size(kNames) - 1];
}

// Which of two texts was meant nobody can tell.
void refuse_other_names(Fields& fields, const Names& read) {
  for (const Names& names : kNames) {
    for (const std::string_view name : {names.first, names.second}) {
      if (name == read.first || name == read.second || !fields.any(name)) continue;
      fields.wrong(name, "extra_forbidden",
                   std::string("is another name of what `") + read.first + "` and `" + read.second +
                       "` say: send one pair");
    }
  }
}

// Of models that read images: what else a client may have put beside a text. Other models' objects
// have fields of their owner's.
void refuse_other_media(const Context& context, const json::object& object,
                        const std::string& where) {
  if (!context.info.images) return;
  for (const char* key : {"images", "image_urls", "video", "audio", "pdf"}) {
    if (!member(object, key)) continue;
    throw Failure(Cause::kInvalid,
                  where + "." + key +
                      R"(: is not read: an input has {"image": ...}, or several as )"
                      R"({"content": [{"type": "image_url", "image_url": {"url": ...}}]})",
                  where + "." + key);
  }
}

// The texts of `content`, one below the other, and its images.
Item join_parts(const Context& context, Fields& fields, const std::string& where,
                const json::array& parts) {
  Item item;
  bool said = false;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string at = where + ".content." + std::to_string(i);
    const json::object* part = parts[i].if_object();
    const json::value* type = part ? part->if_contains("type") : nullptr;
    if (!type || !type->is_string()) {
      fields.wrong(at, "missing", "expected a part such as {\"type\": \"text\", \"text\": ...}");
      return item;
    }
    if (is_image(*part)) {
      require_images(context, at);
      item.images.push_back(image_of_part(at, *part));
      continue;
    }
    if (type->get_string() != "text") {
      require_images(context, at);
      fields.wrong(at, "literal_error", "expected a part of the type text or image_url");
      return item;
    }
    const json::value* words = part->if_contains("text");
    if (!words || !words->is_string()) {
      fields.wrong(at + ".text", "string_type", "expected a string");
      return item;
    }
    if (said) item.text += '\n';
    said = true;
    item.text += words->get_string();
  }
  return item;
}

std::vector<Item> read_side(const Context& context, Fields& fields, const char* key) {
  const json::value* value = fields.any(key);
  std::vector<Item> texts;
  if (!value) {
    fields.wrong(key, "missing", "field required");
  } else if (!value->is_array()) {
    texts.push_back(read_item(context, fields, key, *value));
  } else {
    const json::array& items = value->get_array();
    check_batch_size(context, items.size(), key);
    for (size_t i = 0; i < items.size() && fields.good(); ++i) {
      texts.push_back(
          read_item(context, fields, std::string(key) + "." + std::to_string(i), items[i]));
    }
  }
  return texts;
}

void check_lengths(const Names& names, size_t first, size_t second) {
  if (first == 0)
    throw Failure(Cause::kEmpty, "At least one text element must be given", names.first);
  if (second == 0)
    throw Failure(Cause::kEmpty, "At least one text_pair element must be given", names.second);
  if (first != 1 && first != second) {
    throw Failure(Cause::kInvalid,
                  "Input lengths must be either 1:1, 1:N or N:N, found " + std::to_string(first) +
                      ":" + std::to_string(second),
                  names.second);
  }
}

// 0 = as long as it is.
int64_t read_limit(Fields& fields, std::string_view key) {
  const int64_t most = fields.integer(key).value_or(0);
  if (most < 0) {
    fields.wrong(
        key, "greater_than_equal",
        std::string(key) + " must be a non-negative integer, found " + std::to_string(most));
  }
  return most;
}

// The fields beside the texts.
Request read_scoring(const Context& context, Fields& fields, Limits& limits) {
  Request like = read_request(context, fields, Score{});
  auto& task = std::get<Score>(like.task);
  limits.query = read_limit(fields, "max_tokens_per_query");
  limits.document = read_limit(fields, "max_tokens_per_doc");
  if (fields.any("chat_template")) {
    throw Failure(Cause::kInvalid,
                  "Refused request with untrusted chat template: the checkpoint's own prompt is "
                  "used; chat_template_kwargs.instruction changes its instruction",
                  "chat_template");
  }
  task.instruction = fields.text("instruction");
  if (const json::object* more = fields.object("chat_template_kwargs")) {
    Fields inner(*more, "body.chat_template_kwargs");
    if (const auto instruction = inner.text("instruction")) task.instruction = instruction;
    inner.finish_within(fields);
  }
  return like;
}

// Cuts the texts to their limits and makes the requests. `names`: where the body has them.
void make_plan(const Call& call, const Names& names, std::vector<Item> queries,
               std::vector<Item> documents, const Limits& limits, const Request& like,
               CallPlan& plan) {
  check_lengths(names, queries.size(), documents.size());
  name_pairs(names.first, names.second, queries.size() == 1, plan);
  const Tokenizer& tokenizer = call.context.tokenizer;
  plan.single = documents.size() == 1;
  plan.cut.resize(documents.size());
  for (size_t i = 0; i < queries.size(); ++i) {
    if (!cut_text(tokenizer, queries[i].text, limits.query)) continue;
    if (queries.size() == 1) {
      plan.cut.assign(documents.size(), true);
    } else {
      plan.cut[i] = true;
    }
  }
  for (size_t i = 0; i < documents.size(); ++i) {
    if (cut_text(tokenizer, documents[i].text, limits.document)) plan.cut[i] = true;
  }
  plan.requests.assign(documents.size(), like);
  for (size_t i = 0; i < documents.size(); ++i) {
    const Item& query = queries.size() == 1 ? queries.front() : queries[i];
    Request& request = plan.requests[i];
    request.prompt.input = query.text;
    request.prompt.images = query.images;
    auto& task = std::get<Score>(request.task);
    task.document = std::move(documents[i].text);
    task.document_images = std::move(documents[i].images);
  }
}

// Whose answer a ranking is.
enum class Ranking { kVllm, kVoyage, kMixedbread };

// With the document's `text`, in each API's place.
void append_ranked(std::string& out, const Result& score, size_t index, const std::string* text,
                   Ranking ranking) {
  out += "{\"index\":" + std::to_string(index) + ",";
  if (text) {
    out += ranking == Ranking::kMixedbread ? "\"input\":"
           : ranking == Ranking::kVoyage   ? "\"document\":"
                                           : "\"document\":{\"text\":";
    base::append_json_string(out, *text);
    out += ranking == Ranking::kVllm ? ",\"multi_modal\":null}," : ",";
  }
  out += ranking == Ranking::kMixedbread ? "\"object\":\"rank_result\",\"score\":"
                                         : "\"relevance_score\":";
  append_float(out, score.get<Relevance>().score);
  out += '}';
}

}  // namespace

Item read_item(const Context& context, Fields& fields, const std::string& where,
               const json::value& value) {
  if (value.is_string()) return {.text = std::string(value.get_string())};
  if (const json::object* object = value.if_object()) {
    const json::value* text = member(*object, "text");
    const json::value* content = member(*object, "content");
    const bool pictured = member(*object, "image") || member(*object, "image_url");
    refuse_other_media(context, *object, where);
    if (content && (text || pictured)) {
      fields.wrong(where + ".content", "extra_forbidden",
                   "expected parts, or a text and an image, not both");
      return {};
    }
    if (text && !text->is_string()) {
      fields.wrong(where + ".text", "string_type", "expected a string");
      return {};
    }
    if (content && content->is_array())
      return join_parts(context, fields, where, content->get_array());
    if (content && content->is_string()) return {.text = std::string(content->get_string())};
    Item item;
    if (text) item.text = text->get_string();
    if (pictured) {
      require_images(context, where);
      item.images.push_back(image_of_part(where, *object));
    }
    if (text || pictured) return item;
  }
  fields.wrong(where, "string_type",
               "expected a string, {\"text\": string}, {\"image\": string} or "
               "{\"content\": [parts]}");
  return {};
}

void plan_scores(const Call& call, Fields& fields, CallPlan& plan) {
  const Names names = names_of(call.body);
  const std::vector<Item> queries = read_side(call.context, fields, names.first);
  const std::vector<Item> documents = read_side(call.context, fields, names.second);
  refuse_other_names(fields, names);
  Limits limits;
  const Request like = read_scoring(call.context, fields, limits);
  plan.ignored = fields.finish();
  make_plan(call, names, queries, documents, limits, like, plan);
}

CallPlan score(const Call& call) {
  require_route(call.context.info, Task::kScore);
  CallPlan plan;
  Fields fields(call.body);
  const Head head = read_head(call, fields, "score-");
  plan_scores(call, fields, plan);
  plan.render = [head](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    std::string& out = response.body;
    append_head(out, head);
    for (size_t i = 0; i < results.size(); ++i) {
      out += (i ? ",{\"index\":" : "{\"index\":") + std::to_string(i) +
             ",\"object\":\"score\",\"score\":";
      append_float(out, results[i].get<Relevance>().score);
      out += '}';
    }
    append_tail(out, total_tokens(results));
    return response;
  };
  return plan;
}

CallPlan rerank(const Call& call) {
  require_route(call.context.info, Task::kScore);
  CallPlan plan;
  Fields fields(call.body);
  const Head head = read_head(call, fields, "rerank-");
  fields.require("query");
  Item query;
  if (const json::value* value = fields.any("query"))
    query = read_item(call.context, fields, "query", *value);
  // Mixedbread calls the documents `input`.
  const bool mixedbread = member(call.body, "input") && !member(call.body, "documents");
  const char* side = mixedbread ? "input" : "documents";
  if (const json::value* value = fields.any(side); value && !value->is_array())
    fields.wrong(side, "list_type", "expected a list of documents");
  const auto documents =
      fields.good() ? read_side(call.context, fields, side) : std::vector<Item>();
  // Voyage says top_k, always sends `truncation`, and reads `data`.
  const bool voyage = fields.any("truncation") || fields.any("top_k");
  const Ranking ranking = mixedbread ? Ranking::kMixedbread
                          : voyage   ? Ranking::kVoyage
                                     : Ranking::kVllm;
  const auto top_k = fields.integer("top_k", 0).value_or(0);
  const auto top_n = fields.integer("top_n", 0).value_or(top_k);
  const bool echo = fields.boolean(mixedbread ? "return_input" : "return_documents")
                        .value_or(ranking == Ranking::kVllm);
  Limits limits;
  const Request like = read_scoring(call.context, fields, limits);
  plan.ignored = fields.finish();
  make_plan(call, {"query", side}, {query}, documents, limits, like, plan);
  std::vector<std::string> texts;
  for (const Item& document : documents) texts.push_back(document.text);
  plan.render = [head, top_n, echo, ranking, texts](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    std::string& out = response.body;
    const std::string tokens = std::to_string(total_tokens(results));
    out = "{\"id\":";
    base::append_json_string(out, head.id);
    out += ",\"model\":";
    base::append_json_string(out, head.model);
    out += ",\"usage\":{\"prompt_tokens\":" + tokens + ",\"total_tokens\":" + tokens + "},";
    out += ranking == Ranking::kVllm ? "\"results\":[" : "\"object\":\"list\",\"data\":[";
    std::vector<size_t> order = best_first(results);
    if (top_n > 0 && static_cast<size_t>(top_n) < order.size())
      order.resize(static_cast<size_t>(top_n));
    for (const size_t i : order) {
      if (out.back() != '[') out += ',';
      append_ranked(out, results[i], i, echo ? &texts[i] : nullptr, ranking);
    }
    out += "]}";
    return response;
  };
  return plan;
}

}  // namespace vecton::server::openai
