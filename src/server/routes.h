// The table of routes: which path is answered by whom, and who may ask.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/dialect.h"

namespace vecton::server {

// What is answered at once, from the server's own state.
enum class Status {
  kNone,
  kRoot,  // kHealth, and to browsers the playground
  kHealth,
  kReady,
  kVersion,
  kModels,
  kModel,
  kModelStates,
  kInfo,
  kLoad,
  kTokenizer,
  kMetrics,
  kOllamaTags,
  kOllamaRunning,
  kOllamaVersion,
  kOpenapi,
  kDocs
};

// What the operator may do; its body names a model.
enum class Operation { kNone, kLoad, kUnload };

// kMetrics: a key unless the options say otherwise; kOperator: an operator's key, which has to be
// there.
enum class Guard { kOpen, kKey, kMetrics, kOperator };

struct Route {
  std::string_view method, path;  // a path that ends in '*' stands for all that begin so
  Guard guard = Guard::kKey;
  Status status = Status::kNone;
  // Work: a route that both dialects have is TEI's when the body has `inputs` or `texts`.
  Planner openai = nullptr, tei = nullptr;
  Refusal refuse = nullptr;  // null: that of `openai` or `tei`

  Operation operation = Operation::kNone;
  // What is no page of a browser need not say that its body is JSON: Ollama's examples, which call
  // curl, do not.
  bool any_content_type = false;

  bool works() const { return openai || tei; }
  bool has_body() const { return works() || operation != Operation::kNone; }
  Refusal refusal() const;
};

// The one route that is there only where the options ask for it.
inline constexpr std::string_view kTokenizerInfo = "/tokenizer_info";

std::span<const Route> routes();

// The route of a path and method; null when there is none.
const Route* find_route(std::string_view method, std::string_view path);

// The methods that a path has: "GET, HEAD, POST"; empty for an unknown path.
std::string allowed_methods(std::string_view path);

// `path` as the routes have it, when a proxy puts `root` ("/embedder") before them: what has a
// route of its own stays as it is.
std::string without_root(std::string path, std::string_view root);

}  // namespace vecton::server
