// Every model case of every fixture, through the engine, against the reference's numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <compare>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>

#include "backend/machine.h"
#include "base/json.h"
#include "fixture.h"
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
    for (const json::value& text : texts->as_array())
      requests.push_back({.prompt = {.input = text_of(text)}});
  } else if (const json::value* text = input.if_contains("text")) {
    requests.push_back({.prompt = {.input = text_of(*text)}});
  } else {
    for (auto& ids : rows_of(input)) requests.push_back({.prompt = {.input = std::move(ids)}});
  }
  for (Request& request : requests) {
    request.prompt.truncation.to = -1;
    if (const json::value* d = params.if_contains("dimensions"))
      request.task = Embed{.dimensions = d->as_int64()};
    if (const json::value* prompt = params.if_contains("prompt"))
      request.prompt.prompt_text = text_of(*prompt);
    if (const json::value* name = params.if_contains("prompt_name")) {
      if (name->is_string()) request.prompt.prompt_name = text_of(*name);
      if (name->is_null()) request.prompt.prompt_text = "";
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
  if (found->is_number()) return {{{}, {static_cast<float>(found->to_number<double>())}}};
  const Matrix all = fixture.tensor(*found);
  const size_t each = all.values.size() / count;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back({{},
                    {all.values.begin() + static_cast<std::ptrdiff_t>(i * each),
                     all.values.begin() + static_cast<std::ptrdiff_t>((i + 1) * each)}});
  }
  return rows;
}

void expect_close(std::span<const float> values, const Matrix& want, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(values.size(), want.values.size()) << what;
  double worst = 0;
  for (size_t i = 0; i < want.values.size(); ++i)
    worst = std::max(worst, std::abs(double{values[i]} - want.values[i]));
  EXPECT_LE(worst, tolerance) << what;
}

// How a fixture is opened.
struct Opening {
  std::string convert = "auto", overrides, pooler_config;
  auto operator<=>(const Opening&) const = default;
};

// Engines of one fixture, opened once per way of opening.
class Engines {
 public:
  Engines(const Fixture& fixture, std::string backend)
      : fixture_(fixture), backend_(std::move(backend)) {}

  Engine& with(const Opening& opening) {
    auto& engine = engines_[opening];
    if (!engine) {
      EngineOptions options{.model = fixture_.model().string()};
      options.convert = opening.convert;
      options.hf_overrides = opening.overrides;
      options.pooler_config = opening.pooler_config;
      options.threads = 2;
      options.backend = backend_;
      engine = Engine::open(options);
    }
    return *engine;
  }

 private:
  const Fixture& fixture_;
  std::string backend_;
  std::map<Opening, std::unique_ptr<Engine>> engines_;
};

// One submit of a case and what must come of it.
struct Ask {
  Opening opening;
  std::vector<Request> requests;
  std::vector<Matrix> want;
  int64_t vocabulary = 0;  // answers are sparse, over so many tokens
};

std::vector<std::string> texts_of(const json::object& input) {
  std::vector<std::string> texts;
  for (const char* key : {"texts", "documents"}) {
    if (const json::value* list = input.if_contains(key)) {
      for (const json::value& text : list->as_array()) texts.push_back(text_of(text));
    }
  }
  for (const char* key : {"text", "document"}) {
    if (const json::value* text = input.if_contains(key)) texts.push_back(text_of(*text));
  }
  return texts;
}

std::optional<std::string> optional_text(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::optional(text_of(*value)) : std::nullopt;
}

// A request per text of the case, or per row of token ids where it has no texts.
std::vector<Request> plain_requests(const json::object& c, const TaskParameters& task) {
  const json::object& input = c.at("input").as_object();
  std::vector<Request> requests;
  for (std::string& text : texts_of(input)) {
    requests.push_back(
        {.prompt = {.input = std::move(text), .truncation = {.to = -1}}, .task = task});
    if (auto* classes = std::get_if<Classify>(&requests.back().task))
      classes->pair = optional_text(input, "pair");
  }
  if (requests.empty()) {
    for (auto& ids : rows_of(input))
      requests.push_back({.prompt = {.input = std::move(ids)}, .task = task});
  }
  return requests;
}

void set_activation(bool activation, TaskParameters& task) {
  const auto set = [&](auto& parameters) {
    if constexpr (requires { parameters.use_activation; }) parameters.use_activation = activation;
  };
  std::visit(set, task);
}

// Classes and scores: probabilities (or scores), and logits where the case has them.
void add_with_and_without_activation(const Fixture& fixture, const json::object& c, const Ask& ask,
                                     std::initializer_list<const char*> keys,
                                     std::vector<Ask>& asks) {
  const json::object& expect = c.at("expect").as_object();
  const json::object& params = c.at("params").as_object();
  for (const char* key : keys) {
    if (!expect.contains(key)) continue;
    Ask one = ask;
    one.want = expected_rows(fixture, expect, {key}, ask.requests.size());
    const bool of_tokens = std::string(key) == "logits_no_yes" || params.contains("yes_token_id");
    if (of_tokens && one.want.front().values.size() == 2) {  // no and yes
      const std::vector<float> both = one.want.front().values;
      one.want.front().values = {both[1] - both[0]};
    }
    for (Request& request : one.requests)
      set_activation(std::string(key).find("logits") == std::string::npos, request.task);
    asks.push_back(std::move(one));
  }
}

Role role_of(const json::object& params) {
  if (const json::value* query = params.if_contains("is_query"))
    return query->as_bool() ? Role::kQuery : Role::kDocument;
  const auto role = optional_text(params, "role");
  return !role ? Role::kNone : *role == "query" ? Role::kQuery : Role::kDocument;
}

Image picture_of(const Fixture& fixture, const json::value& name) {
  std::ifstream file(fixture.folder().parent_path() / text_of(name), std::ios::binary);
  return {.bytes = {std::istreambuf_iterator<char>(file), {}}};
}

const json::object& case_of(const Fixture& fixture, const json::value& id) {
  for (const json::value& c : fixture.cases()) {
    if (c.at("id") == id) return c.as_object();
  }
  throw std::runtime_error("no case has the id " + json::serialize(id));
}

// Of a model that compares texts with pictures: a vector for each token of one.
std::vector<Request> retrieval_requests(const Fixture& fixture, const json::object& c) {
  const json::object& input = c.at("input").as_object();
  if (!input.contains("image")) return plain_requests(c, TokenEmbed{});
  return {{.prompt = {.input = optional_text(input, "text").value_or(""),
                      .images = {picture_of(fixture, input.at("image"))}},
           .task = TokenEmbed{}}};
}

// Every query with every document, which other cases have.
Ask retrieval_scores(const Fixture& fixture, const json::object& c) {
  const json::object& input = c.at("input").as_object();
  Ask ask;
  for (const json::value& query : input.at("queries").as_array()) {
    for (const json::value& document : input.at("documents").as_array()) {
      const json::object& of = case_of(fixture, document).at("input").as_object();
      Score score{.document = optional_text(of, "text").value_or("")};
      if (const json::value* image = of.if_contains("image"))
        score.document_images = {picture_of(fixture, *image)};
      ask.requests.push_back(
          {.prompt = {.input = text_of(case_of(fixture, query).at("input").at("text"))},
           .task = std::move(score)});
    }
  }
  ask.want = expected_rows(fixture, c.at("expect").as_object(), {"scores"}, ask.requests.size());
  return ask;
}

std::vector<Ask> asks_of(const Fixture& fixture, const json::object& c) {
  const json::object& input = c.at("input").as_object();
  const json::object& params = c.at("params").as_object();
  const json::object& expect = c.at("expect").as_object();
  const std::string task = text_of(c.at("task"));
  std::vector<Ask> asks;
  if (task == "embed") {
    Ask ask{.requests = embed_requests(c)};
    for (Request& request : ask.requests) request.prompt.role = role_of(params);
    ask.want = expected_rows(fixture, expect, {"embedding", "embeddings"}, ask.requests.size());
    if (std::get<Embed>(ask.requests.front().task).dimensions)
      ask.opening.overrides = R"({"is_matryoshka":true})";
    // What no file of the checkpoint says.
    const bool modules = std::filesystem::exists(fixture.model() / "modules.json");
    if (!modules && fixture.architecture().ends_with("ForCausalLM")) ask.opening.convert = "embed";
    const auto pooling = optional_text(params, "pooling");
    if (pooling && !modules) {
      std::string name = *pooling;
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
      ask.opening.pooler_config = R"({"pooling_type":")" + name + "\"}";
    }
    asks.push_back(std::move(ask));
  } else if (task == "hidden_states" && !has_types(input)) {
    Ask ask{.opening = {.convert = "embed"}};
    for (auto& ids : rows_of(input)) {
      ask.requests.push_back(
          {.prompt = {.input = std::move(ids)}, .task = TokenEmbed{.normalize = false}});
    }
    ask.want = expected_rows(fixture, expect, {"hidden_states"}, ask.requests.size());
    asks.push_back(std::move(ask));
  } else if (task == "token_embed") {
    Ask ask{.requests = retrieval_requests(fixture, c)};
    for (Request& request : ask.requests) request.prompt.role = role_of(params);
    ask.want = expected_rows(fixture, expect, {"embeddings", "token_embed"}, ask.requests.size());
    asks.push_back(std::move(ask));
  } else if (task == "sparse_embed") {
    Ask ask{.requests = plain_requests(c, SparseEmbed{})};
    for (Request& request : ask.requests) request.prompt.role = role_of(params);
    if (expect.contains("dense")) {
      ask.want = expected_rows(fixture, expect, {"dense"}, ask.requests.size());
      ask.vocabulary = static_cast<int64_t>(ask.want.front().values.size());
    } else {
      const Matrix ids = fixture.tensor(expect.at("indices"));
      const Matrix values = fixture.tensor(expect.at("values"));
      ask.vocabulary = 1 << 20;
      ask.want.resize(1);
      ask.want.front().values.resize(static_cast<size_t>(ask.vocabulary));
      for (size_t i = 0; i < ids.values.size(); ++i)
        ask.want.front().values[static_cast<size_t>(ids.values[i])] = values.values[i];
    }
    asks.push_back(std::move(ask));
  } else if (task == "mlm") {
    Ask ask{.requests = {}};
    for (auto& ids : rows_of(input)) {
      ask.requests.push_back(
          {.prompt = {.input = std::move(ids)}, .task = TokenClassify{.use_activation = false}});
    }
    ask.want = expected_rows(fixture, expect, {"logits"}, ask.requests.size());
    asks.push_back(std::move(ask));
  } else if (task == "classify" || task == "token_classify") {
    const bool step = optional_text(params, "pooling") == "STEP";
    const bool tokens = task == "token_classify" || step || params.contains("per_token");
    Ask ask{.requests = plain_requests(
                c, default_parameters(tokens ? Task::kTokenClassify : Task::kClassify))};
    if (step) {
      ask.opening.pooler_config = R"({"pooling_type":"STEP","step_tag_id":)" +
                                  json::serialize(params.at("step_tag_id")) + "}";
    }
    add_with_and_without_activation(fixture, c, ask, {"probabilities", "logits"}, asks);
  } else if (task == "score" && input.contains("queries")) {
    asks.push_back(retrieval_scores(fixture, c));
  } else if (task == "score") {
    Ask ask;
    for (std::string& document : texts_of(input)) {
      ask.requests.push_back(
          {.prompt = {.input = text_of(input.at("query")), .truncation = {.to = -1}},
           .task = Score{.document = std::move(document),
                         .instruction = optional_text(params, "instruction")}});
    }
    const bool modules = std::filesystem::exists(fixture.model() / "modules.json");
    if (fixture.architecture() == "Qwen3ForCausalLM" && !modules)
      ask.opening.overrides = R"({"classifier_from_token":["no","yes"]})";
    add_with_and_without_activation(fixture, c, ask, {"score", "scores", "logits", "logits_no_yes"},
                                    asks);
  }
  return asks;
}

// A sparse vector as a row of the whole vocabulary.
std::vector<float> densified(const SparseVector& sparse, int64_t vocabulary) {
  std::vector<float> dense(static_cast<size_t>(vocabulary));
  for (size_t i = 0; i < sparse.ids.size(); ++i)
    dense.at(static_cast<size_t>(sparse.ids[i])) = sparse.values[i];
  return dense;
}

// Checks every case of a fixture; gives how many there were.
int check_fixture(const std::string& name, const std::string& backend) {
  const Fixture fixture(name);
  Engines engines(fixture, backend);
  int checked = 0;
  for (const json::value& value : fixture.cases()) {
    const json::object& c = value.as_object();
    const std::string what = name + " " + text_of(c.at("id"));
    const double tolerance = c.contains("tolerance") ? c.at("tolerance").to_number<double>() : 1e-4;
    for (Ask& ask : asks_of(fixture, c)) {
      const std::vector<Result> results =
          engines.with(ask.opening).submit(std::move(ask.requests)).get();
      EXPECT_EQ(results.size(), ask.want.size()) << what;
      for (size_t i = 0; i < std::min(results.size(), ask.want.size()); ++i) {
        const Error* error = results[i].error();
        EXPECT_FALSE(error) << what << ": " << error->what();
        const auto* sparse = std::get_if<SparseVector>(&results[i].answer);
        const std::string row = what + " row " + std::to_string(i);
        if (sparse) {
          expect_close(densified(*sparse, ask.vocabulary), ask.want[i], tolerance, row);
        } else {
          expect_close(numbers_of(results[i].answer).values, ask.want[i], tolerance, row);
        }
      }
      ++checked;
    }
  }
  return checked;
}

class ModelGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(ModelGolden, MatchesTheReference) { EXPECT_GT(check_fixture(GetParam(), "cpu"), 0); }

TEST_P(ModelGolden, MatchesTheReferenceOnOtherBackends) {
  for (const std::string& backend : other_backends()) {
    SCOPED_TRACE(backend);
    EXPECT_GT(check_fixture(GetParam(), backend), 0);
  }
}

TEST_P(ModelGolden, MatchesTheReferenceOnEveryInstructionSet) {
  const char* before = std::getenv("VECTON_CPU");
  const std::string kept = before ? before : "";
  for (const std::string& isa : backend::machine().isas) {
    SCOPED_TRACE(isa);
    setenv("VECTON_CPU", isa.c_str(), 1);
    EXPECT_GT(check_fixture(GetParam(), "cpu"), 0);
  }
  before ? setenv("VECTON_CPU", kept.c_str(), 1) : unsetenv("VECTON_CPU");
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ModelGolden,
                         ::testing::ValuesIn(fixtures_with({"embed", "hidden_states", "token_embed",
                                                            "sparse_embed", "mlm", "classify",
                                                            "token_classify", "score"})),
                         test_name);

}  // namespace
}  // namespace vecton::golden
