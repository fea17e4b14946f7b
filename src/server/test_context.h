// For the tests of this folder: a server around a small model, without sockets and without the
// engine.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "server/dialect.h"
#include "server/listed_model.h"

namespace vecton::server {

struct TestContext {
  TestContext() {
    options.engine.model = "org/tiny";
    options.max_client_batch_size = 3;
    info.tasks = {Task::kEmbed, Task::kTokenEmbed};
    info.pooling = "MEAN";
    info.max_model_len = 48;
    info.hidden_size = info.embedding_size = 4;
    info.prompts = {{"query", "find: "}, {"document", ""}};
    info.architecture = "BertModel";
    info.vocab_size = 1000;
  }

  // The model does these instead, and has no prompts.
  void serve(std::vector<Task> tasks, const std::string& scorer = "") {
    info.tasks = std::move(tasks);
    info.scorer = scorer;
    info.prompts.clear();
  }

  // What the body means to `planner`; throws Failure.
  CallPlan plan(Planner planner, std::string_view body, const std::string& path = "/") {
    const json::value value = json::parse(body);
    HttpRequest http{.method = "POST", .path = path};
    return planner({context, http, value.as_object(), id});
  }

  // As the routes that list models show it.
  ListedModel listed() const {
    return {options, names, public_name, std::make_shared<const ModelInfo>(info)};
  }

  ServerOptions options;
  const std::string public_name = "org/tiny";
  std::vector<std::string> names = {"tiny", "small"};
  ModelInfo info;
  std::shared_ptr<const Tokenizer> tokenizer =
      Tokenizer::open("tests/golden/bert-embed-mean/model");
  ChatTemplates templates = ChatTemplates::open("tests/golden/bert-embed-mean/model");  // none
  Context context{options, names, info, *tokenizer, templates};
  std::string id = "abc";
};

// The failure that `planner` makes of `body`.
inline Failure failure_of(TestContext& test, Planner planner, std::string_view body,
                          const std::string& path = "/") {
  try {
    test.plan(planner, body, path);
  } catch (const Failure& failure) {
    return failure;
  } catch (const Error& error) {
    return Failure(error);
  }
  return Failure(Cause::kInternal, "nothing was thrown");
}

// What a request asks of its task.
template <class Parameters>
const Parameters& parameters(const Request& request) {
  return std::get<Parameters>(request.task);
}

// Results of three tokens: rows of vectors or of labels, weights of tokens, a score.
inline Result vector_result(std::vector<float> values, int64_t rows = 1) {
  const int64_t columns = static_cast<int64_t>(values.size()) / rows;
  return {.answer = Vectors{.rows = rows, .columns = columns, .values = std::move(values)},
          .usage = {.prompt_tokens = 3}};
}

inline Result label_result(std::vector<float> values, int64_t rows = 1) {
  const int64_t columns = static_cast<int64_t>(values.size()) / rows;
  return {.answer = Labels{.rows = rows, .columns = columns, .values = std::move(values)},
          .usage = {.prompt_tokens = 3}};
}

inline Result sparse_result(std::vector<int32_t> ids, std::vector<float> values) {
  return {.answer = SparseVector{.ids = std::move(ids), .values = std::move(values)},
          .usage = {.prompt_tokens = 3}};
}

inline Result score_result(float score, float logit) {
  return {.answer = Relevance{.score = score, .logit = logit}, .usage = {.prompt_tokens = 3}};
}

}  // namespace vecton::server
