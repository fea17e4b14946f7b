#include "cli/served_routes.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace vecton::cli {

namespace {

const std::vector<std::pair<Task, std::vector<const char*>>> kRoutes = {
    {Task::kGenerate,
     {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/api/chat",
      "/api/generate"}},
    {Task::kEmbed,
     {"/v1/embeddings", "/v2/embed", "/v1/embed", "/embed", "/similarity", "/pooling", "/api/embed",
      "/api/embeddings"}},
    {Task::kTokenEmbed, {"/v1/embeddings", "/embed_all", "/pooling"}},
    {Task::kSparseEmbed, {"/embed_sparse", "/pooling"}},
    {Task::kClassify, {"/classify", "/predict", "/pooling"}},
    {Task::kTokenClassify, {"/pooling"}},
    {Task::kScore,
     {"/score", "/rerank", "/v1/rerank", "/v2/rerank", "/v1/reranking", "/similarity"}},
    {Task::kFillMask, {"/fill_mask"}},
};

// Entities are of models made for tokens: a masked language model has no labels, and those of a
// classifier are of whole texts.
bool finds_entities(const ModelInfo& info) {
  return std::ranges::count(info.tasks, Task::kTokenClassify) > 0 && !info.labels.empty() &&
         std::ranges::count(info.tasks, Task::kClassify) == 0;
}

// By natural language inference, or by how alike an image and a text are.
bool labels_by_name(const ModelInfo& info) {
  const auto does = [&](Task task) { return std::ranges::count(info.tasks, task) > 0; };
  const bool infers = does(Task::kClassify) && info.labels.size() > 1 &&
                      std::ranges::any_of(info.labels, [](const std::string& label) {
                        return base::ascii_lower(label).starts_with("entail");
                      });
  return infers || (does(Task::kEmbed) && info.images && info.image_placeholder.empty());
}

}  // namespace

std::vector<std::string> served_routes(const ModelInfo& info) {
  std::vector<Task> tasks = info.tasks;
  if (!info.scorer.empty() && std::ranges::count(tasks, Task::kScore) == 0)
    tasks.push_back(Task::kScore);
  std::vector<std::string> routes;
  const auto add = [&](const char* route) {
    if (std::ranges::count(routes, route) == 0) routes.emplace_back(route);
  };
  for (const Task task : tasks) {
    for (const auto& [known, paths] : kRoutes)
      if (known == task) std::ranges::for_each(paths, add);
  }
  if (finds_entities(info)) add("/token_classify");
  if (labels_by_name(info)) add("/zero_shot_classification");
  if (info.scorer == "late-interaction") add("/similarity_map");
  for (const char* route : {"/tokenize", "/detokenize"}) add(route);
  return routes;
}

}  // namespace vecton::cli
