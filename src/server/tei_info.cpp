// TEI's GET /info: what the model is, and the limits in force.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/ascii.h"
#include "base/json.h"
#include "server/tei.h"

namespace vecton::server::tei {

namespace {

// The pooling in TEI's words; those that it lacks are sentence-transformers'.
std::string pooling_name(const ModelInfo& model) {
  if (model.scorer == "late-interaction") return "colbert";
  if (!model.tasks.empty() && model.tasks.front() == Task::kSparseEmbed) return "splade";
  if (model.pooling == "LAST") return "last_token";
  return base::ascii_lower(model.pooling);
}

// What the model is, in TEI's three words.
json::object model_type(const ModelInfo& model) {
  const Task first = model.tasks.empty() ? Task::kEmbed : model.tasks.front();
  const bool ranks = first == Task::kScore && model.scorer == "cross-encoder";
  if (!ranks && first != Task::kClassify && first != Task::kTokenClassify)
    return {{"embedding", {{"pooling", pooling_name(model)}}}};
  json::object names, ids;
  for (size_t i = 0; i < model.labels.size(); ++i) {
    names[std::to_string(i)] = json::parse(label_json(model, i));
    ids[model.labels[i]] = i;
  }
  return {{ranks ? "reranker" : "classifier",
           json::object{{"id2label", std::move(names)}, {"label2id", std::move(ids)}}}};
}

// The commit of a snapshot in the hub's cache: ".../snapshots/<40 hexadecimal digits>".
json::value commit_of(const std::string& folder) {
  const std::filesystem::path path =
      std::filesystem::path(folder + "/").lexically_normal().parent_path();
  const std::string name = path.filename().string();
  const bool hash =
      name.size() == 40 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hash || path.parent_path().filename() != "snapshots") return nullptr;
  return json::value(name);
}

}  // namespace

HttpResponse info(const Context& context, int workers) {
  const ServerOptions& options = context.options;
  const ModelInfo& model = context.info;
  HttpResponse response{.content_type = std::string(kJsonType)};
  json::object object{
      {"model_id", context.public_name},
      {"model_sha", commit_of(model.folder)},
      {"model_dtype", model.dtype},
      {"compute", model.compute},
      {"compute_cosine", model.compute_cosine},
      {"served_model_name", shown_name(context)},
      {"model_type", model_type(model)},
      {"similarity_fn_name",
       model.similarity.empty() ? json::value() : json::value(model.similarity)},
      {"max_concurrent_requests", options.max_connections},
      {"max_input_length", model.max_model_len},
      {"max_batch_tokens", model.max_batch_tokens},
      {"max_batch_requests", nullptr},
      {"max_client_batch_size", options.max_client_batch_size},
      {"max_queue_tokens", options.engine.max_queue_tokens},
      {"payload_limit", options.max_body_bytes},
      {"auto_truncate", options.auto_truncate},
      {"tokenization_workers", workers},
      {"version", version()},
      {"sha", nullptr},
      {"docker_label", nullptr},
  };
  response.body = json::serialize(object);
  return response;
}

}  // namespace vecton::server::tei
