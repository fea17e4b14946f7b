// Generation through the engine: the tokens that the references' greedy decoding gives, and the
// log-probabilities of prompts, of every fixture that has them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "backend/registry.h"
#include "base/json.h"
#include "fixture.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

// One row, or several.
std::vector<Ids> rows_of(const json::value& value) {
  std::vector<Ids> rows;
  const json::array& list = value.as_array();
  if (list.empty() || !list.front().is_array()) return {ids_of(value)};
  for (const json::value& row : list) rows.push_back(ids_of(row));
  return rows;
}

std::vector<Matrix> logits_of(const Fixture& fixture, const json::object& c, size_t count) {
  const json::value& logits = c.at("expect").at("logits");
  std::vector<Matrix> rows;
  if (logits.is_array()) {
    for (const json::value& reference : logits.as_array())
      rows.push_back(fixture.tensor(reference));
    return rows;
  }
  Matrix all = fixture.tensor(logits);
  const size_t each = all.values.size() / count;
  for (size_t i = 0; i < count; ++i) {
    const auto from = all.values.begin() + static_cast<std::ptrdiff_t>(i * each);
    rows.push_back({{}, {from, from + static_cast<std::ptrdiff_t>(each)}});
  }
  return rows;
}

double log_sum(std::span<const float> logits) {
  const double most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float x : logits) sum += std::exp(x - most);
  return most + std::log(sum);
}

// Of every token of the prompt but the first, and of the likeliest after it.
void expect_logprobs(const Generation& got, const Ids& ids, const Matrix& logits, double tolerance,
                     const std::string& what) {
  const size_t vocab = logits.values.size() / ids.size();
  ASSERT_EQ(got.prompt_logprobs.size(), ids.size() - 1) << what;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto row = std::span(logits.values).subspan(i * vocab, vocab);
    const bool last = i + 1 == ids.size();
    const TokenLogprobs& own =
        last ? got.completions.front().logprobs.front() : got.prompt_logprobs[i];
    const float best = *std::ranges::max_element(row);
    const float want = last ? best : row[static_cast<size_t>(ids[i + 1])];
    ASSERT_NEAR(own.token.logprob, want - log_sum(row), tolerance) << what << " token " << i;
    ASSERT_NEAR(own.top.at(0).logprob, best - log_sum(row), tolerance) << what << " token " << i;
  }
}

std::vector<Ids> wanted_of(const json::object& c) {
  const json::object& expect = c.at("expect").as_object();
  const json::value* want = nullptr;
  for (const char* key : {"output_ids", "token_ids", "new_ids"})
    want = want ? want : expect.if_contains(key);
  return rows_of(*want);
}

// The reference of some GGUF files, whose end is the token `<|endoftext|>`, was not told of it.
bool goes_on_after_its_end(const Ids& ids) {
  return std::ranges::count(ids, 337) == std::ssize(ids);
}

// What a client would send: token ids, or a prompt with pictures in it.
Prompt prompt_of(const Fixture& fixture, const json::object& input, const Ids& ids) {
  const json::value* images = input.if_contains("images");
  if (!images || images->as_array().empty()) return {.input = ids};
  Prompt prompt{.input = std::string(input.at("prompt").as_string())};
  prompt.add_special_tokens = false;
  for (const json::value& name : images->as_array()) {
    prompt.images.push_back(
        {.source = (fixture.folder().parent_path() / std::string(name.as_string())).string()});
  }
  return prompt;
}

class GenerateGolden : public ::testing::TestWithParam<std::string> {
 protected:
  void check(const Fixture& fixture, Engine& engine, const json::object& c) {
    std::string task(c.at("task").as_string());
    const std::string id(c.at("id").as_string()), pictured = "multimodal_";
    if (task.starts_with(pictured)) task.erase(0, pictured.size());
    const json::value* input_ids = c.at("input").as_object().if_contains("input_ids");
    if ((task != "generate" && task != "logits") || !input_ids) return;
    const std::vector<Ids> rows = rows_of(*input_ids);
    const std::vector<Ids> wanted =
        task == "generate" ? wanted_of(c) : std::vector<Ids>(rows.size());
    std::vector<Request> requests;
    for (size_t i = 0; i < rows.size(); ++i) {
      Generate generate{.temperature = 0};
      if (task == "logits") {
        generate.max_tokens = 1;
        generate.logprobs = generate.prompt_logprobs = 1;
      } else {
        generate.max_tokens = c.at("params").at("max_new_tokens").as_int64();
        generate.ignore_eos = goes_on_after_its_end(wanted[i]);
      }
      requests.push_back(
          {.prompt = prompt_of(fixture, c.at("input").as_object(), rows[i]), .task = generate});
    }
    const std::vector<Result> results = engine.submit(std::move(requests)).get();
    if (task == "logits") {
      const std::vector<Matrix> want = logits_of(fixture, c, rows.size());
      const double tolerance = 4 * c.at("tolerance").to_number<double>();
      for (size_t i = 0; i < rows.size(); ++i)
        expect_logprobs(results[i].get<Generation>(), rows[i], want[i], tolerance, id);
    } else {
      for (size_t i = 0; i < rows.size(); ++i)
        EXPECT_EQ(results[i].get<Generation>().completions.front().token_ids, wanted.at(i)) << id;
    }
    ++checked_;
  }
  int checked_ = 0;
};

TEST_P(GenerateGolden, IsTheReferences) {
  const Fixture fixture(GetParam());
  for (const std::string& backend : backend::backends()) {
    if (backend == "ref") continue;  // causal_lm_golden_test.cpp has it
    SCOPED_TRACE(backend);
    EngineOptions options{.model = fixture.model().string()};
    options.runner = "generate";
    options.threads = 2;
    options.cache_bytes = 16 << 20;
    options.backend = backend;
    const auto engine = Engine::open(options);
    for (const json::value& value : fixture.cases()) check(fixture, *engine, value.as_object());
    EXPECT_GT(std::exchange(checked_, 0), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, GenerateGolden,
    ::testing::ValuesIn(fixtures_with({"generate", "logits", "multimodal_generate"})), test_name);

}  // namespace
}  // namespace vecton::golden
