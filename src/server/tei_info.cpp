// TEI's GET /info: what the model is, and the limits in force.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/ascii.h"
#include "base/json.h"
#include "base/json_text.h"
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

json::object info_of(const ListedModel& listed, int workers) {
  const ServerOptions& options = listed.options;
  json::object object{
      {"model_id", listed.public_name},
      {"served_model_name", shown_name(listed.names, options.engine.model, listed.public_name)},
  };
  if (!listed.info) return object;
  const ModelInfo& model = *listed.info;
  object["model_sha"] = commit_of(model.folder);
  object["model_dtype"] = model.dtype;
  object["compute"] = model.compute;
  object["compute_cosine"] = model.compute_cosine;
  object["model_type"] = model_type(model);
  object["similarity_fn_name"] =
      model.similarity.empty() ? json::value() : json::value(model.similarity);
  object["max_concurrent_requests"] = options.max_connections;
  object["max_input_length"] = model.max_model_len;
  object["max_batch_tokens"] = model.max_batch_tokens;
  object["max_batch_requests"] = nullptr;
  object["max_client_batch_size"] = options.max_client_batch_size;
  object["max_queue_tokens"] = options.engine.max_queue_tokens;
  object["payload_limit"] = options.max_body_bytes;
  object["auto_truncate"] = options.auto_truncate;
  object["tokenization_workers"] = workers;
  object["version"] = version();
  object["sha"] = nullptr;
  object["docker_label"] = nullptr;
  return object;
}

}  // namespace

HttpResponse info(std::span<const ListedModel> models, int workers) {
  json::object object = info_of(models.front(), workers);
  if (models.size() > 1) {
    json::array all;
    for (const ListedModel& model : models) {
      if (model.served()) all.emplace_back(info_of(model, workers));
    }
    object["models"] = std::move(all);
  }
  return {.content_type = std::string(kJsonType), .body = base::json_text(object)};
}

}  // namespace vecton::server::tei
