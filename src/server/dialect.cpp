#include "server/dialect.h"

#include <utility>

namespace vecton::server {

std::vector<Request> make_requests(const Context& context, Inputs inputs, const Request& like) {
  const int64_t most = context.options.max_client_batch_size;
  if (static_cast<int64_t>(inputs.items.size()) > most) {
    throw Failure(Cause::kBatchSize,
                  "batch size " + std::to_string(inputs.items.size()) +
                      " > maximum allowed batch size " + std::to_string(most),
                  "input");
  }
  std::vector<Request> requests(inputs.items.size(), like);
  for (size_t i = 0; i < requests.size(); ++i) {
    if (context.options.reject_token_ids && inputs.items[i].index() == 1) {
      throw Failure(Cause::kInvalid, "this server does not take token ids: send text", "input");
    }
    requests[i].input = std::move(inputs.items[i]);
  }
  return requests;
}

std::string task_names(const ModelInfo& info) {
  std::string names;
  for (const Task task : info.tasks)
    names += (names.empty() ? "" : ", ") + std::string(to_string(task));
  return names;
}

int64_t total_tokens(const std::vector<Result>& results) {
  int64_t tokens = 0;
  for (const Result& result : results) tokens += result.prompt_tokens;
  return tokens;
}

}  // namespace vecton::server
