#include "server/unserved.h"

#include <algorithm>
#include <iterator>

namespace vecton::server::unserved {

namespace {

struct Row {
  std::string_view path;
  const char* task;  // vLLM's word for what is asked
  const char*
      absent;  // the name of an API that vLLM does not offer at all beside such a model, or null
  const char* tei;  // TEI's sentence, or null
};

constexpr Row kRows[] = {
    {"/score", "score", nullptr, nullptr},
    {"/v1/score", "score", nullptr, nullptr},
    {"/rerank", "score", nullptr, "model is not a re-ranker model"},
    {"/v1/rerank", "score", nullptr, "model is not a re-ranker model"},
    {"/v2/rerank", "score", nullptr, "model is not a re-ranker model"},
    {"/classify", "classify", nullptr, nullptr},
    {"/predict", "classify", nullptr, "model is not a classifier model"},
    {"/embed_sparse", "sparse_embed", nullptr, "Model is not a sparse embedding model"},
    {"/v1/completions", "generate", "Completions", nullptr},
    {"/v1/chat/completions", "generate", "Chat Completions", nullptr},
};

const Row& row_of(const Call& call) {
  return *std::find_if(std::begin(kRows), std::end(kRows) - 1,
                       [&](const Row& row) { return row.path == call.http.path; });
}

}  // namespace

Plan openai(const Call& call) {
  const Row& row = row_of(call);
  const std::string served = task_names(call.context.info);
  if (row.absent) {
    throw Failure(Cause::kRoute, std::string("The model does not support the ") + row.absent +
                                     " API. The loaded model supports: " + served);
  }
  throw Failure(Cause::kTask, std::string("Unsupported task: '") + row.task +
                                  "'. The loaded model supports: " + served);
}

Plan tei(const Call& call) {
  const Row& row = row_of(call);
  throw Failure(Cause::kTask, std::string(row.tei ? row.tei : "Model does not support this route") +
                                  ". The loaded model supports: " + task_names(call.context.info));
}

}  // namespace vecton::server::unserved
