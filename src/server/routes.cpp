#include "server/routes.h"

#include "server/anthropic.h"
#include "server/ollama.h"
#include "server/openai.h"
#include "server/responses.h"
#include "server/tei.h"

namespace vecton::server {

namespace {

constexpr Route kRoutes[] = {
    {"GET", "/", Guard::kOpen, Status::kRoot},
    {"GET", "/health", Guard::kOpen, Status::kHealth},
    {"GET", "/ping", Guard::kOpen, Status::kHealth},
    {"POST", "/ping", Guard::kOpen, Status::kHealth},
    {"GET", "/ready", Guard::kOpen, Status::kReady},
    {"GET", "/metrics", Guard::kMetrics, Status::kMetrics},
    {"GET", "/openapi.json", Guard::kOpen, Status::kOpenapi},
    {"GET", "/docs", Guard::kOpen, Status::kDocs},
    {"GET", "/version", Guard::kKey, Status::kVersion},
    {"GET", "/load", Guard::kKey, Status::kLoad},
    {"GET", "/info", Guard::kKey, Status::kInfo},
    {"GET", kTokenizerInfo, Guard::kKey, Status::kTokenizer},
    {"GET", "/v1/models", Guard::kKey, Status::kModels},
    {"GET", "/v1/models/*", Guard::kKey, Status::kModel},
    {"GET", "/models", Guard::kKey, Status::kModelStates},
    {.method = "POST",
     .path = "/models/load",
     .guard = Guard::kOperator,
     .operation = Operation::kLoad},
    {.method = "POST",
     .path = "/models/unload",
     .guard = Guard::kOperator,
     .operation = Operation::kUnload},
    {"GET", "/api/tags", Guard::kKey, Status::kOllamaTags},
    {"GET", "/api/ps", Guard::kKey, Status::kOllamaRunning},
    {"GET", "/api/version", Guard::kKey, Status::kOllamaVersion},
    {.method = "POST", .path = "/v1/embeddings", .openai = openai::embeddings},
    {.method = "POST", .path = "/embeddings", .openai = openai::embeddings},
    {.method = "POST", .path = "/v1/embed", .openai = openai::cohere_embed_v1},
    {.method = "POST", .path = "/v2/embed", .openai = openai::cohere_embed},
    {.method = "POST", .path = "/pooling", .openai = openai::pooling},
    {.method = "POST", .path = "/classify", .openai = openai::classify},
    {.method = "POST", .path = "/score", .openai = openai::score},
    {.method = "POST", .path = "/v1/score", .openai = openai::score},
    {.method = "POST", .path = "/similarity_map", .openai = openai::similarity_map},
    {.method = "POST", .path = "/rerank", .openai = openai::rerank, .tei = tei::rerank},
    {.method = "POST", .path = "/v1/rerank", .openai = openai::rerank, .tei = tei::rerank},
    {.method = "POST", .path = "/v2/rerank", .openai = openai::rerank, .tei = tei::rerank},
    {.method = "POST", .path = "/v1/reranking", .openai = openai::rerank, .tei = tei::rerank},
    {.method = "POST", .path = "/tokenize", .openai = openai::tokenize, .tei = tei::tokenize},
    {.method = "POST", .path = "/detokenize", .openai = openai::detokenize},
    {.method = "POST", .path = "/decode", .tei = tei::decode},
    {.method = "POST", .path = "/embed", .tei = tei::embed},
    {.method = "POST", .path = "/embed_all", .tei = tei::embed_all},
    {.method = "POST", .path = "/embed_sparse", .tei = tei::embed_sparse},
    {.method = "POST", .path = "/similarity", .tei = tei::similarity},
    {.method = "POST", .path = "/predict", .tei = tei::predict},
    {.method = "POST", .path = "/fill_mask", .tei = tei::fill_mask},
    {.method = "POST", .path = "/token_classify", .tei = tei::token_classify},
    {.method = "POST", .path = "/zero_shot_classification", .tei = tei::zero_shot_classification},
    {.method = "POST", .path = "/", .tei = tei::root},
    {.method = "POST", .path = "/invocations", .openai = openai::invocations, .tei = tei::root},
    {.method = "POST", .path = "/v1/completions", .openai = openai::completions},
    {.method = "POST", .path = "/v1/chat/completions", .openai = openai::chat_completions},
    {.method = "POST",
     .path = "/api/generate",
     .openai = ollama::generate,
     .refuse = ollama::refuse,
     .any_content_type = true},
    {.method = "POST",
     .path = "/api/chat",
     .openai = ollama::chat,
     .refuse = ollama::refuse,
     .any_content_type = true},
    {.method = "POST",
     .path = "/api/embed",
     .openai = ollama::embed,
     .refuse = ollama::refuse,
     .any_content_type = true},
    {.method = "POST",
     .path = "/api/embeddings",
     .openai = ollama::embeddings,
     .refuse = ollama::refuse,
     .any_content_type = true},
    {.method = "POST",
     .path = "/api/show",
     .openai = ollama::show,
     .refuse = ollama::refuse,
     .any_content_type = true},
    {.method = "POST", .path = "/v1/responses", .openai = openai::responses},
    {.method = "POST",
     .path = "/v1/messages",
     .openai = anthropic::messages,
     .refuse = anthropic::refuse},
    {.method = "POST",
     .path = "/v1/messages/count_tokens",
     .openai = anthropic::count_tokens,
     .refuse = anthropic::refuse},
};

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with('*')) return pattern == path;
  pattern.remove_suffix(1);
  return path.starts_with(pattern) && path.size() > pattern.size();
}

// A HEAD is a GET whose body is not sent.
std::string_view asked(std::string_view method) { return method == "HEAD" ? "GET" : method; }

}  // namespace

Refusal Route::refusal() const {
  if (refuse) return refuse;
  return tei && !openai ? tei::refuse : openai::refuse;
}

std::span<const Route> routes() { return kRoutes; }

const Route* find_route(std::string_view method, std::string_view path) {
  for (const Route& route : kRoutes) {
    if (route.method == asked(method) && matches(route.path, path)) return &route;
  }
  return nullptr;
}

std::string allowed_methods(std::string_view path) {
  std::string methods;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, path)) continue;
    methods += (methods.empty() ? "" : ", ") +
               std::string(route.method == "GET" ? "GET, HEAD" : route.method);
  }
  return methods;
}

std::string without_root(std::string path, std::string_view root) {
  while (root.ends_with('/')) root.remove_suffix(1);
  if (root.empty() || !path.starts_with(root) || !allowed_methods(path).empty()) return path;
  std::string rest = path.substr(root.size());
  if (rest.empty()) return "/";
  return rest.front() == '/' ? rest : path;
}

}  // namespace vecton::server
