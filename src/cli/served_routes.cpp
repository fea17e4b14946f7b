#include "cli/served_routes.h"

#include <algorithm>
#include <utility>

namespace vecton::cli {

namespace {

const std::vector<std::pair<Task, std::vector<const char*>>> kRoutes = {
    {Task::kGenerate,
     {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/api/chat",
      "/api/generate"}},
    {Task::kEmbed,
     {"/v1/embeddings", "/v2/embed", "/v1/embed", "/embed", "/similarity", "/pooling"}},
    {Task::kTokenEmbed, {"/v1/embeddings", "/embed_all", "/pooling"}},
    {Task::kSparseEmbed, {"/embed_sparse", "/pooling"}},
    {Task::kClassify, {"/classify", "/predict", "/pooling"}},
    {Task::kTokenClassify, {"/token_classify", "/pooling"}},
    {Task::kScore, {"/score", "/rerank", "/v1/rerank", "/v2/rerank", "/similarity"}},
    {Task::kFillMask, {"/fill_mask"}},
};

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
  if (info.scorer == "late-interaction" && info.images) add("/similarity_map");
  for (const char* route : {"/tokenize", "/detokenize"}) add(route);
  return routes;
}

}  // namespace vecton::cli
