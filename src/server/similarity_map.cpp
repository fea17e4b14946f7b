// /similarity_map: which patches of a picture, or tokens of a text, answer which tokens of a query.
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/scoring.h"
#include "server/vllm_fields.h"

namespace vecton::server::openai {

namespace {

void require_late_interaction(const Context& context) {
  if (context.info.scorer == "late-interaction") return;
  throw Failure(Cause::kRoute,
                "The model does not support similarity maps: it has no vectors of tokens that are "
                "compared with those of a query's");
}

Item require_item(const Call& call, Fields& fields, const char* key) {
  const json::value* value = fields.any(key);
  if (value) return read_item(call.context, fields, key, *value);
  fields.wrong(key, "missing", "field required");
  return {};
}

Request request_of(const Request& like, Item item, Role role) {
  Request request = like;
  request.prompt.input = std::move(item.text);
  request.prompt.images = std::move(item.images);
  request.prompt.role = role;
  return request;
}

void append_tokens(std::string& out, const Tokenizer& tokenizer, const Vectors& vectors) {
  out += '[';
  for (size_t i = 0; i < vectors.tokens.size(); ++i) {
    const TokenInfo& token = vectors.tokens[i];
    out += i > 0 ? ",{\"id\":" : "{\"id\":";
    append_number(out, int64_t{token.id});
    out += ",\"text\":";
    base::append_json_string(out, tokenizer.decode({&token.id, 1}));
    out += token.special ? ",\"special\":true}" : ",\"special\":false}";
  }
  out += ']';
}

// Of a document without pictures: its tokens, and how alike each is to each of the query's.
void append_token_map(std::string& out, const Tokenizer& tokenizer, const Vectors& query,
                      const Vectors& document) {
  out += "\"document_tokens\":";
  append_tokens(out, tokenizer, document);
  out += ",\"similarities\":";
  append_rows(out, similarity_maps(query, document, {.rows = 1, .columns = document.rows}),
              query.rows, document.rows);
  out += ',';
}

void append_map(std::string& out, const Vectors& query, const Vectors& document,
                const ImageGrid& grid) {
  out += "{\"index\":" + std::to_string(grid.image) + ",\"rows\":" + std::to_string(grid.rows) +
         ",\"columns\":" + std::to_string(grid.columns);
  for (const auto& [name, share] : {std::pair{"left", grid.left},
                                    {"top", grid.top},
                                    {"width", grid.width},
                                    {"height", grid.height}}) {
    out += ",\"" + std::string(name) + "\":";
    append_number(out, share);
  }
  const std::vector<float> maps = similarity_maps(query, document, grid);
  const std::span<const float> all(maps);
  const auto patches = static_cast<size_t>(grid.rows * grid.columns);
  out += ",\"similarities\":[";
  for (size_t token = 0; token < static_cast<size_t>(query.rows); ++token) {
    if (token > 0) out += ',';
    append_rows(out, all.subspan(token * patches, patches), grid.rows, grid.columns);
  }
  out += "]}";
}

}  // namespace

CallPlan similarity_map(const Call& call) {
  require_late_interaction(call.context);
  CallPlan plan;
  Fields fields(call.body);
  const Head head = read_head(call, fields, "map-");
  Item query = require_item(call, fields, "query"),
       document = require_item(call, fields, "document");
  const Request like = read_request(call.context, fields, TokenEmbed{});
  plan.ignored = fields.finish();
  plan.name_of = [](const std::string&, size_t i) {
    return std::string(i == 0 ? "query" : "document");
  };
  plan.requests.push_back(request_of(like, std::move(query), Role::kQuery));
  plan.requests.push_back(request_of(like, std::move(document), Role::kDocument));
  plan.render = [head, &tokenizer = call.context.tokenizer,
                 most = call.context.options.max_answer_bytes](const std::vector<Result>& results) {
    const auto &asked = results[0].get<Vectors>(), &seen = results[1].get<Vectors>();
    constexpr int64_t kNumber = 12;  // bytes, about
    if (asked.rows * seen.rows > most / kNumber) {
      throw Failure(Cause::kBatchSize, "the similarities of " + std::to_string(asked.rows) +
                                           " tokens and " + std::to_string(seen.rows) +
                                           " are more than one answer holds");
    }
    const std::string tokens = std::to_string(total_tokens(results));
    HttpResponse response{.content_type = std::string(kJsonType)};
    std::string& out = response.body;
    out = "{\"id\":" + json_text(head.id) +
          ",\"object\":\"similarity_map\",\"created\":" + std::to_string(head.created) +
          ",\"model\":" + json_text(head.model) + ",";
    out += "\"tokens\":";
    append_tokens(out, tokenizer, asked);
    out += ',';
    if (seen.images.empty()) append_token_map(out, tokenizer, asked, seen);
    out += "\"images\":[";
    for (size_t i = 0; i < seen.images.size(); ++i) {
      if (i > 0) out += ',';
      append_map(out, asked, seen, seen.images[i]);
    }
    out += "],\"usage\":{\"prompt_tokens\":" + tokens + ",\"total_tokens\":" + tokens + "}}";
    return response;
  };
  return plan;
}

}  // namespace vecton::server::openai
