// Every model case of every fixture, through the engine, against the reference's numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>

#include "fixture.h"
#include "vecton/machine.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

std::vector<int32_t> ids_of(const json::array& row) {
  std::vector<int32_t> ids;
  for (const json::value& id : row) ids.push_back(static_cast<int32_t>(id.as_int64()));
  return ids;
}

// The token ids of a case, one list per row.
std::vector<std::vector<int32_t>> rows_of(const json::object& input) {
  const json::array& ids = input.at("input_ids").as_array();
  std::vector<std::vector<int32_t>> rows;
  if (ids.empty() || !ids.front().is_array()) return {ids_of(ids)};
  for (const json::value& row : ids) rows.push_back(ids_of(row.as_array()));
  return rows;
}

bool has_types(const json::object& input) {
  const json::value* types = input.if_contains("token_type_ids");
  return types && json::serialize(*types).find('1') != std::string::npos;
}

// What a client would send for an embed case.
std::vector<Request> embed_requests(const json::object& c) {
  const json::object& input = c.at("input").as_object();
  const json::object& params = c.at("params").as_object();
  std::vector<Request> requests;
  if (const json::value* texts = input.if_contains("texts")) {
    for (const json::value& text : texts->as_array()) requests.push_back({.input = text_of(text)});
  } else if (const json::value* text = input.if_contains("text")) {
    requests.push_back({.input = text_of(*text)});
  } else {
    for (auto& ids : rows_of(input)) requests.push_back({.input = std::move(ids)});
  }
  for (Request& request : requests) {
    request.truncate = -1;
    if (const json::value* d = params.if_contains("dimensions")) request.dimensions = d->as_int64();
    if (const json::value* prompt = params.if_contains("prompt")) request.prompt = text_of(*prompt);
    if (const json::value* name = params.if_contains("prompt_name")) {
      if (name->is_string()) request.prompt_name = text_of(*name);
      if (name->is_null()) request.prompt = "";
    }
  }
  return requests;
}

// The reference's rows for `count` results: one tensor with a leading axis, or a list of tensors.
std::vector<Matrix> expected_rows(const Fixture& fixture, const json::object& expect,
                                  std::initializer_list<const char*> keys, size_t count) {
  const json::value* found = nullptr;
  for (const char* key : keys) found = found ? found : expect.if_contains(key);
  if (!found)
    throw std::runtime_error("the case expects nothing known: " + json::serialize(expect));
  std::vector<Matrix> rows;
  if (found->is_array()) {
    for (const json::value& reference : found->as_array())
      rows.push_back(fixture.tensor(reference));
    return rows;
  }
  const Matrix all = fixture.tensor(*found);
  const size_t each = all.values.size() / count;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back({{},
                    {all.values.begin() + static_cast<std::ptrdiff_t>(i * each),
                     all.values.begin() + static_cast<std::ptrdiff_t>((i + 1) * each)}});
  }
  return rows;
}

void expect_close(const Result& result, const Matrix& want, double tolerance,
                  const std::string& what) {
  ASSERT_FALSE(result.error) << what << ": " << result.error->what();
  ASSERT_EQ(result.values.size(), want.values.size()) << what;
  double worst = 0;
  for (size_t i = 0; i < want.values.size(); ++i)
    worst = std::max(worst, std::abs(double{result.values[i]} - want.values[i]));
  EXPECT_LE(worst, tolerance) << what;
}

// Engines of one fixture, opened once per way of opening.
class Engines {
 public:
  Engines(const Fixture& fixture, std::string backend)
      : fixture_(fixture), backend_(std::move(backend)) {}

  Engine& with(const std::string& convert, const std::string& overrides) {
    auto& engine = engines_[convert + overrides];
    if (!engine) {
      EngineOptions options{.model = fixture_.model().string()};
      options.convert = convert;
      options.hf_overrides = overrides;
      options.threads = 2;
      options.backend = backend_;
      engine = Engine::open(options);
    }
    return *engine;
  }

 private:
  const Fixture& fixture_;
  std::string backend_;
  std::map<std::string, std::unique_ptr<Engine>> engines_;
};

// Checks every case of a fixture; gives how many there were.
int check_fixture(const std::string& name, const std::string& backend) {
  const Fixture fixture(name);
  Engines engines(fixture, backend);
  int checked = 0;
  for (const json::value& value : fixture.cases()) {
    const json::object& c = value.as_object();
    const json::object& expect = c.at("expect").as_object();
    const std::string task = text_of(c.at("task")), what = name + " " + text_of(c.at("id"));
    const double tolerance = c.contains("tolerance") ? c.at("tolerance").to_number<double>() : 1e-4;
    std::vector<Request> requests;
    std::vector<Matrix> want;
    Engine* engine = nullptr;
    if (task == "embed") {
      requests = embed_requests(c);
      want = expected_rows(fixture, expect, {"embedding", "embeddings"}, requests.size());
      engine =
          &engines.with("auto", requests.front().dimensions ? R"({"is_matryoshka":true})" : "");
    } else if (task == "hidden_states" && !has_types(c.at("input").as_object())) {
      for (auto& ids : rows_of(c.at("input").as_object())) {
        requests.push_back(
            {.task = Task::kTokenEmbed, .input = std::move(ids), .use_activation = false});
      }
      want = expected_rows(fixture, expect, {"hidden_states"}, requests.size());
      engine = &engines.with("embed", "");
    } else {
      continue;
    }
    const std::vector<Result> results = engine->submit(std::move(requests)).get();
    EXPECT_EQ(results.size(), want.size()) << what;
    for (size_t i = 0; i < results.size(); ++i) {
      expect_close(results[i], want[i], tolerance, what + " row " + std::to_string(i));
    }
    ++checked;
  }
  return checked;
}

class ModelGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(ModelGolden, MatchesTheReference) { EXPECT_GT(check_fixture(GetParam(), "cpu"), 0); }

TEST_P(ModelGolden, MatchesTheReferenceOnTheRefBackend) {
  EXPECT_GT(check_fixture(GetParam(), "ref"), 0);
}

TEST_P(ModelGolden, MatchesTheReferenceOnEveryInstructionSet) {
  const char* before = std::getenv("VECTON_CPU");
  const std::string kept = before ? before : "";
  for (const std::string& isa : machine().isas) {
    SCOPED_TRACE(isa);
    setenv("VECTON_CPU", isa.c_str(), 1);
    EXPECT_GT(check_fixture(GetParam(), "cpu"), 0);
  }
  before ? setenv("VECTON_CPU", kept.c_str(), 1) : unsetenv("VECTON_CPU");
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ModelGolden,
                         ::testing::ValuesIn(fixtures_with({"embed", "hidden_states"})), test_name);

}  // namespace
}  // namespace vecton::golden
