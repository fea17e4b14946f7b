#include "server/dialect.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/utf8.h"

namespace vecton::server {

namespace {

// The words of several APIs for the two sides of retrieval.
Role role_of(std::string_view name) {
  if (name == "query" || name == "search_query" || name == "retrieval.query") return Role::kQuery;
  if (name == "document" || name == "passage" || name == "search_document" ||
      name == "retrieval.passage") {
    return Role::kDocument;
  }
  return Role::kNone;
}

std::string quoted(const std::string& text) { return "\"" + text.substr(0, 200) + "\""; }

std::string prompt_names(const ModelInfo& info) {
  std::string names;
  for (const auto& [name, prompt] : info.prompts)
    names += (names.empty() ? "" : ", ") + quoted(name);
  if (info.scorer == "late-interaction") {
    for (const char* role : {"query", "document"}) {
      if (names.find(quoted(role)) == std::string::npos)
        names += (names.empty() ? "" : ", ") + quoted(role);
    }
  }
  return names;
}

}  // namespace

void check_batch_size(const Context& context, size_t count, const std::string& field) {
  const int64_t most = context.options.max_client_batch_size;
  if (static_cast<int64_t>(count) <= most) return;
  throw Failure(Cause::kBatchSize,
                "batch size " + std::to_string(count) + " > maximum allowed batch size " +
                    std::to_string(most),
                field);
}

std::vector<Request> make_requests(const Context& context, Inputs inputs, const Request& like) {
  check_batch_size(context, inputs.items.size());
  std::vector<Request> requests(inputs.items.size(), like);
  for (size_t i = 0; i < requests.size(); ++i) {
    if (context.options.reject_token_ids && inputs.items[i].index() == 1) {
      throw Failure(Cause::kInvalid, "this server does not take token ids: send text", "input");
    }
    requests[i].input = std::move(inputs.items[i]);
  }
  return requests;
}

std::vector<Request> make_pairs(const std::vector<std::string>& queries,
                                const std::vector<std::string>& documents, const Request& like) {
  std::vector<Request> requests(documents.size(), like);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].task = Task::kScore;
    requests[i].input = queries.size() == 1 ? queries.front() : queries[i];
    requests[i].pair = documents[i];
  }
  return requests;
}

std::string task_names(const ModelInfo& info) {
  std::string names;
  for (const Task task : {Task::kEmbed, Task::kTokenEmbed, Task::kSparseEmbed, Task::kClassify,
                          Task::kTokenClassify, Task::kScore, Task::kFillMask}) {
    if (does(info, task)) names += (names.empty() ? "" : ", ") + std::string(to_string(task));
  }
  return names;
}

bool does(const ModelInfo& info, Task task) {
  if (task == Task::kScore && !info.scorer.empty()) return true;
  return std::find(info.tasks.begin(), info.tasks.end(), task) != info.tasks.end();
}

bool is_reranker(const ModelInfo& info) {
  return does(info, Task::kScore) && info.scorer != "bi-encoder";
}

std::string label_of(const ModelInfo& info, int64_t id) {
  return id >= 0 && id < static_cast<int64_t>(info.labels.size())
             ? info.labels[static_cast<size_t>(id)]
             : "";
}

void require_task(const ModelInfo& info, Task task) {
  if (!does(info, task)) refuse_task(info, to_string(task));
}

void refuse_task(const ModelInfo& info, const std::string& task) {
  std::string message =
      "Unsupported task: '" + task + "'. The loaded model supports: " + task_names(info) + ".";
  const bool sequence = task == "classify", token = task == "token_classify";
  if ((sequence && does(info, Task::kTokenClassify)) || (token && does(info, Task::kClassify))) {
    message += std::string(" Switch the pooling_task: ask /pooling for the task '") +
               (sequence ? "token_classify" : "classify") + "'.";
  }
  throw Failure(Cause::kTask, message, "task");
}

void set_prompt(const ModelInfo& info, const std::string& name, const std::string& field,
                Request& request) {
  const auto choose = [&](const auto& fits) {
    const auto found = std::find_if(info.prompts.begin(), info.prompts.end(), fits);
    if (found == info.prompts.end()) return false;
    request.prompt_name = found->first;
    return true;
  };
  if (choose([&](const auto& prompt) { return prompt.first == name; })) return;
  if (const Role role = role_of(name); role != Role::kNone) {
    if (info.scorer == "late-interaction") {
      request.role = role;
      return;
    }
    if (choose([&](const auto& prompt) { return role_of(prompt.first) == role; })) return;
  }
  const std::string names = prompt_names(info);
  throw Failure(Cause::kInvalid,
                "`" + field + "` " + quoted(name) + " is not one of the model's prompts: " +
                    (names.empty() ? "it has none, leave the field out" : "it has " + names),
                field);
}

bool cut_text(const Tokenizer& tokenizer, std::string& text, int64_t most) {
  if (most <= 0) return false;
  const Encoding encoding = tokenizer.encode(text, {.add_special_tokens = false, .offsets = true});
  if (static_cast<int64_t>(encoding.ids.size()) <= most) return false;
  size_t end = encoding.offsets[static_cast<size_t>(most) - 1].second;
  // A token may end inside a character.
  text.resize(utf8::boundary(text, end));
  return true;
}

std::vector<size_t> best_first(const std::vector<Result>& scores) {
  for (const Result& score : scores) {
    if (!std::isfinite(score.logit))
      throw Failure(Cause::kInternal, "the model gave a score that is not finite");
  }
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a].logit > scores[b].logit; });
  return order;
}

int64_t total_tokens(const std::vector<Result>& results) {
  int64_t tokens = 0;
  for (const Result& result : results) tokens += result.prompt_tokens;
  return tokens;
}

}  // namespace vecton::server
