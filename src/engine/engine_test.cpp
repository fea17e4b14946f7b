#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <numeric>
#include <random>
#include <thread>

#include "base/counted.h"
#include "base/memory_info.h"
#include "vecton/capi.h"
#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

using ::testing::HasSubstr;

constexpr char kBert[] = "tests/golden/bert-embed-mean/model";
constexpr char kQwen[] = "tests/golden/emb-qwen3/model";

std::unique_ptr<Engine> open(const std::string& model, int threads = 2,
                             int64_t max_batch_tokens = 0, const std::string& compute = "float32") {
  EngineOptions options{.model = model};
  options.compute = compute;
  options.threads = threads;
  options.max_batch_tokens = max_batch_tokens;
  return Engine::open(options);
}

// Texts of 1 to about 60 words, the same in every run.
std::vector<std::string> mixed_texts(size_t count, unsigned seed = 7) {
  static const char* const kWords[] = {"search",     "vector", "the",   "capital", "of",   "France",
                                       "embeddings", "map",    "a",     "river",   "1234", "naïve",
                                       "東京",       "and",    "query", "!"};
  std::mt19937 random(seed);
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    const size_t words = 1 + random() % (random() % 8 == 0 ? 60 : 12);
    for (size_t i = 0; i < words; ++i)
      text += std::string(i ? " " : "") + kWords[random() % std::size(kWords)];
  }
  return texts;
}

// What a text is asked of a model, cut where it is too long.
Request request_of(const std::string& text, TaskParameters task = Embed{}) {
  return {.prompt = {.input = text, .truncation = {.to = -1}}, .task = std::move(task)};
}

std::vector<Request> requests_of(const std::vector<std::string>& texts, Task task = Task::kEmbed) {
  std::vector<Request> requests;
  for (const std::string& text : texts) {
    requests.push_back(request_of(text, default_parameters(task)));
    if (auto* score = std::get_if<Score>(&requests.back().task))
      score->document = "a river and the capital of " + text;
    if (task == Task::kFillMask) requests.back().prompt.input = "[MASK] " + text;
  }
  return requests;
}

std::vector<float> values_of(const Answer& answer) {
  const Numbers numbers = numbers_of(answer);
  return {numbers.values.begin(), numbers.values.end()};
}
std::vector<float> values_of(const Result& result) { return values_of(result.answer); }

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

template <typename F>
Error error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::kInternal, "none");
}

class SameBits : public ::testing::TestWithParam<std::tuple<const char*, Task, const char*>> {
 protected:
  // Each text alone, on one thread.
  std::vector<Result> alone(const std::vector<std::string>& texts) {
    const auto engine = open(std::get<0>(GetParam()), 1, 0, std::get<2>(GetParam()));
    std::vector<Result> results;
    for (const std::string& text : texts) {
      results.push_back(engine->submit(requests_of({text}, std::get<1>(GetParam()))).get().front());
    }
    return results;
  }
};

TEST_P(SameBits, WhateverTheBatchTheOrderAndTheThreads) {
  const auto [model, task, compute] = GetParam();
  std::vector<std::string> texts = mixed_texts(70);
  const std::vector<Result> want = alone(texts);
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(3);
  for (const int threads : {1, 2, 4}) {
    for (const int64_t batch_tokens : {int64_t{1}, int64_t{40}, int64_t{0}}) {
      const auto engine = open(model, threads, batch_tokens, compute);
      std::shuffle(order.begin(), order.end(), random);
      std::vector<std::string> shuffled;
      for (const size_t i : order) shuffled.push_back(texts[i]);
      const std::vector<Result> results = engine->submit(requests_of(shuffled, task)).get();
      for (size_t i = 0; i < order.size(); ++i) {
        ASSERT_FALSE(results[i].error());
        ASSERT_TRUE(same_bits(values_of(results[i]), values_of(want[order[i]])))
            << "text " << order[i] << ", " << threads << " threads, batches of " << batch_tokens
            << " tokens";
      }
    }
  }
}

constexpr const char* kComputes[] = {"float32", "bfloat16", "int8"};

INSTANTIATE_TEST_SUITE_P(
    Quantised, SameBits,
    ::testing::Combine(::testing::Values("tests/golden/mlx-bert-affine4/model",
                                         "tests/golden/gguf-bert-q80/model/tiny-bert-Q8_0.gguf"),
                       ::testing::Values(Task::kEmbed), ::testing::Values("int8")));

INSTANTIATE_TEST_SUITE_P(
    Models, SameBits,
    ::testing::Combine(::testing::Values(kBert, kQwen, "tests/golden/bert-embed-allpool/model"),
                       ::testing::Values(Task::kEmbed, Task::kTokenEmbed),
                       ::testing::ValuesIn(kComputes)));

std::string fixture(const char* name) { return std::string("tests/golden/") + name + "/model"; }

// A model and its task, in each way to compute.
auto tasks_in_every_compute() {
  constexpr std::pair<const char*, Task> kRows[] = {
      {"tests/golden/rerank-qwen3-seqcls/model", Task::kScore},
      {"tests/golden/bert-rerank-sigmoid/model", Task::kScore},
      {"tests/golden/colbert-modernbert/model", Task::kScore},
      {"tests/golden/bert-embed-mean/model", Task::kScore},
      {"tests/golden/cls-qwen2/model", Task::kClassify},
      {"tests/golden/bert-token-classify/model", Task::kTokenClassify},
      {"tests/golden/bert-mlm/model", Task::kFillMask},
      {"tests/golden/splade-bert/model", Task::kSparseEmbed},
      {"tests/golden/bge-m3/model", Task::kSparseEmbed}};
  std::vector<std::tuple<const char*, Task, const char*>> rows;
  for (const auto& [model, task] : kRows) {
    for (const char* compute : kComputes) rows.emplace_back(model, task, compute);
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Tasks, SameBits, ::testing::ValuesIn(tasks_in_every_compute()));

// One query and documents, some of them alike.
std::vector<Request> rerank_requests(size_t documents) {
  std::vector<Request> requests;
  for (const std::string& text : mixed_texts(documents, 11)) {
    const bool same = requests.size() % 5 == 4;
    requests.push_back({.prompt = {.input = "which river flows through the capital"},
                        .task = Score{.document = same ? "the same document" : text}});
  }
  return requests;
}

class PrefixCaching : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Every, PrefixCaching, ::testing::ValuesIn(kComputes));

TEST_P(PrefixCaching, LeavesTheBitsOfScoresAsTheyAre) {
  EngineOptions options{.model = fixture("rerank-qwen3-seqcls")};
  options.compute = GetParam();
  options.threads = 1;
  options.enable_prefix_caching = false;
  const auto plain = Engine::open(options);
  const std::vector<Result> want = plain->submit(rerank_requests(30)).get();
  EXPECT_EQ(plain->stats().prefix_cache_queries, 0);
  options.enable_prefix_caching = true;
  for (const int threads : {1, 2, 4}) {
    for (const int64_t batch_tokens : {int64_t{24}, int64_t{300}, int64_t{0}}) {
      for (const int64_t cache_bytes : {int64_t{40000}, int64_t{0}}) {
        options.threads = threads;
        options.max_batch_tokens = batch_tokens;
        options.cache_bytes = cache_bytes;
        const auto engine = Engine::open(options);
        for (int round = 0; round < 3; ++round) {
          const std::vector<Result> results = engine->submit(rerank_requests(30)).get();
          for (size_t i = 0; i < want.size(); ++i) {
            ASSERT_FALSE(results[i].error()) << results[i].error()->what();
            ASSERT_TRUE(same_bits(values_of(results[i]), values_of(want[i])))
                << "document " << i << ", round " << round << ", " << threads
                << " threads, batches of " << batch_tokens << ", cache of " << cache_bytes;
          }
        }
        const EngineStats stats = engine->stats();
        EXPECT_GT(stats.prefix_cache_hits, stats.prefix_cache_queries / (cache_bytes > 0 ? 6 : 2));
        EXPECT_LE(stats.cache_pages_used, stats.cache_pages);
      }
    }
  }
}

TEST(PrefixCache, KeepsSaltsApart) {
  const auto engine = open(fixture("rerank-qwen3-seqcls"), 1);
  std::vector<Request> requests = rerank_requests(1);
  engine->submit(requests).get();
  requests.front().cache_salt = "tenant";
  const int64_t before = engine->stats().prefix_cache_hits;
  engine->submit(requests).get();
  EXPECT_EQ(engine->stats().prefix_cache_hits, before);
  engine->submit(requests).get();
  EXPECT_GT(engine->stats().prefix_cache_hits, before);
}

TEST_P(PrefixCaching, ComputesLongPromptsInChunks) {
  std::string text;
  for (const std::string& part : mixed_texts(60)) text += part + " ";
  EngineOptions options{.model = kQwen};
  options.compute = GetParam();
  options.enable_prefix_caching = false;
  const auto want = Engine::open(options)->embed({text}, request_of(""));
  options.enable_prefix_caching = true;
  options.max_batch_tokens = 50;
  const auto engine = Engine::open(options);
  const auto got = engine->embed({text}, request_of(""));
  EXPECT_TRUE(same_bits(got.front(), want.front()));
  EXPECT_GT(engine->stats().batches, 5);
}

double cosine_of(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, squares_a = 0, squares_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * b[i];
    squares_a += double{a[i]} * a[i];
    squares_b += double{b[i]} * b[i];
  }
  return product / std::sqrt(squares_a * squares_b);
}

TEST(Compute, BFloat16IsNearAndTakesLess) {
  const std::vector<std::string> texts = mixed_texts(20);
  for (const char* model : {kBert, kQwen}) {
    const auto exact = open(model), rounded = open(model, 2, 0, "bfloat16");
    EXPECT_EQ(exact->info().compute, "float32");
    EXPECT_EQ(rounded->info().compute, "bfloat16");
    EXPECT_EQ(rounded->info().dtype, "bfloat16");
    // Of a checkpoint in bfloat16 nothing is saved.
    if (exact->info().dtype == "bfloat16")
      EXPECT_EQ(rounded->info().weight_bytes, exact->info().weight_bytes);
    else
      EXPECT_LT(rounded->info().weight_bytes, exact->info().weight_bytes);
    const auto want = exact->embed(texts, request_of("")),
               got = rounded->embed(texts, request_of(""));
    for (size_t i = 0; i < texts.size(); ++i) {
      EXPECT_GT(cosine_of(want[i], got[i]), 0.999) << model << ", " << texts[i];
      EXPECT_FALSE(same_bits(want[i], got[i])) << model << ", " << texts[i];
    }
  }
}

TEST(Compute, Int8IsNearAndTakesAQuarter) {
  const std::vector<std::string> texts = mixed_texts(20);
  for (const char* model : {kBert, kQwen}) {
    const auto exact = open(model), rounded = open(model, 2, 0, "int8");
    EXPECT_EQ(rounded->info().compute, "int8");
    EXPECT_LT(rounded->info().weight_bytes, exact->info().weight_bytes);
    const auto want = exact->embed(texts, request_of("")),
               got = rounded->embed(texts, request_of(""));
    for (size_t i = 0; i < texts.size(); ++i) {
      EXPECT_GT(cosine_of(want[i], got[i]), 0.99) << model << ", " << texts[i];
      EXPECT_FALSE(same_bits(want[i], got[i])) << model << ", " << texts[i];
    }
  }
}

// Codes are multiplied on their own grid, which takes no more memory.
TEST(Compute, Int8OfQuantisedWeightsIsNear) {
  const std::vector<std::string> texts = mixed_texts(20);
  for (const char* name :
       {"mlx-bert-affine8", "mlx-bert-affine4", "mlx-bert-mxfp4", "mlx-bert-mxfp8"}) {
    const std::string model = fixture(name);
    const auto exact = open(model), rounded = open(model, 2, 0, "int8");
    EXPECT_EQ(rounded->info().compute, "int8");
    EXPECT_LE(rounded->info().weight_bytes, exact->info().weight_bytes * 1.1) << name;
    const auto want = exact->embed(texts, request_of("")),
               got = rounded->embed(texts, request_of(""));
    for (size_t i = 0; i < texts.size(); ++i) {
      EXPECT_GT(cosine_of(want[i], got[i]), 0.999) << name << ", " << texts[i];
      EXPECT_FALSE(same_bits(want[i], got[i])) << name << ", " << texts[i];
    }
  }
  const Error error = error_of([] { open(fixture("mlx-bert-affine8"), 1, 0, "bfloat16"); });
  EXPECT_EQ(error.field(), "compute");
  EXPECT_THAT(error.what(), HasSubstr("expected float32 or int8"));
}

TEST(Compute, IsRefusedWhereNothingIsMultiplied) {
  const Error error = error_of([] { open(fixture("static-embed"), 1, 0, "bfloat16"); });
  EXPECT_EQ(error.field(), "compute");
  EXPECT_THAT(error.what(), HasSubstr("no layers"));
}

TEST(Tasks, AreRefusedByNameWhereTheModelHasNone) {
  const auto engine = open(kBert);
  const auto message = [&](Request request) {
    return std::string(error_of([&] { (void)engine->submit({std::move(request)}).get(); }).what());
  };
  EXPECT_THAT(message({.prompt = {.input = "a"}, .task = Classify{}}),
              HasSubstr("Unsupported task: 'classify'. The loaded model supports: embed"));
  EXPECT_THAT(message({.prompt = {.input = "a"}, .task = Score{}}), HasSubstr("needs a document"));
  EXPECT_THAT(
      message({.prompt = {.input = "a"}, .task = Score{.document = "b", .instruction = "do"}}),
      HasSubstr("instruction"));
  const auto like = [&](auto f) { return std::string(error_of(f).what()); };
  EXPECT_THAT(like([&] { (void)engine->embed({"a"}, {.task = Score{}}); }), HasSubstr("be Embed"));
  const std::string documents[] = {"a river"};
  EXPECT_THAT(like([&] { (void)engine->score("a", documents, {}); }), HasSubstr("be Score"));
}

TEST(Tasks, BesideOthersAreRefusedWhereTheyWouldBeLost) {
  const auto engine = open(kBert);
  const auto refusal = [&](TaskParameters task, TaskParameters also) {
    const Request request{.prompt = {.input = "a"}, .task = task, .also = {also}};
    const Error error = error_of([&] { (void)engine->submit({request}).get(); });
    EXPECT_EQ(error.field(), "also");
    return std::string(error.what());
  };
  EXPECT_THAT(refusal(Embed{}, Score{.document = "b"}), HasSubstr("one forward pass"));
  EXPECT_THAT(refusal(TokenEmbed{}, Embed{.late_chunks = {"a"}}), HasSubstr("late chunking"));
  EXPECT_THAT(refusal(Score{.document = "b"}, Embed{}), HasSubstr("compares vectors"));
  EXPECT_THAT(refusal(Embed{.late_chunks = {"a"}}, TokenEmbed{}), HasSubstr("late chunking"));
}

TEST(Tasks, OfOneForwardPassHaveTheirOwnParameters) {
  const auto engine = open(kBert);
  const Request both{.prompt = {.input = "a river"},
                     .task = TokenEmbed{.normalize = true},
                     .also = {Embed{.dimensions = 8, .dimensions_of_any_model = true}}};
  const Result result = engine->submit({both}).get().front();
  ASSERT_FALSE(result.error());
  EXPECT_EQ(numbers_of(result.also.at(0)).columns, 8);
  const Result alone =
      engine->submit({Request{.prompt = both.prompt, .task = both.also.front()}}).get().front();
  EXPECT_TRUE(same_bits(values_of(result.also[0]), values_of(alone)));
}

TEST(Tasks, CosineOfABiEncoderIsThatOfItsVectors) {
  const auto engine = open(kBert);
  const auto vectors =
      engine->embed({"the capital of France", "a river"}, {.task = Embed{.normalize = true}});
  double cosine = 0;
  for (size_t i = 0; i < vectors[0].size(); ++i) cosine += vectors[0][i] * vectors[1][i];
  const std::string documents[] = {"a river", "the capital of France"};
  const std::vector<float> scores = engine->score("the capital of France", documents);
  EXPECT_NEAR(scores[0], cosine, 1e-6);
  EXPECT_NEAR(scores[1], 1, 1e-6);
}

// Documents of one submit share a query's vectors only where the prepared queries are the same.
TEST(Tasks, ScoresOfOneSubmitKeepTheirOwnPrompts) {
  const auto engine = open(fixture("bert-embed-prompt-left-out"));
  const auto& prompts = engine->info().prompts;
  ASSERT_GE(prompts.size(), 2u);
  std::vector<Request> requests;
  for (const auto& prompt : prompts) {
    requests.push_back({.prompt = {.input = "the capital of France", .prompt_name = prompt.first},
                        .task = Score{.document = "a river"}});
  }
  const std::vector<Result> together = engine->submit(requests).get();
  for (size_t i = 0; i < requests.size(); ++i) {
    ASSERT_FALSE(together[i].error());
    const Result alone = engine->submit({requests[i]}).get().front();
    EXPECT_TRUE(same_bits(values_of(together[i]), values_of(alone))) << prompts[i].first;
  }
}

TEST(Tasks, OfOneBatchGiveWhatTheyGiveAlone) {
  const auto engine = open(fixture("bge-m3"), 1);
  std::vector<Request> requests;
  const Task tasks[] = {Task::kEmbed, Task::kTokenEmbed, Task::kSparseEmbed};
  for (const std::string& text : mixed_texts(30)) {
    requests.push_back(request_of(text, default_parameters(tasks[requests.size() % 3])));
    if (requests.size() % 5 == 0) requests.back().also = {TokenEmbed{}, TokenEmbed{}};
  }
  const int64_t batches = engine->stats().batches;
  const std::vector<Result> together = engine->submit(requests).get();
  EXPECT_LT(engine->stats().batches - batches, 10);
  for (size_t i = 0; i < requests.size(); ++i) {
    const Result alone = engine->submit({requests[i]}).get().front();
    EXPECT_TRUE(same_bits(values_of(together[i]), values_of(alone))) << i;
    const auto *own = std::get_if<SparseVector>(&together[i].answer),
               *other = std::get_if<SparseVector>(&alone.answer);
    ASSERT_EQ(own != nullptr, other != nullptr) << i;
    if (own) {
      EXPECT_EQ(own->ids, other->ids) << i;
    }
    ASSERT_EQ(together[i].also.size(), alone.also.size()) << i;
    for (size_t j = 0; j < alone.also.size(); ++j) {
      ASSERT_GT(values_of(alone.also[j]).size(), 0u);
      EXPECT_TRUE(same_bits(values_of(together[i].also[j]), values_of(alone.also[j]))) << i;
    }
  }
}

// A text without a step has no row, of as many columns as there are labels, alone or beside others.
TEST(Tasks, WhatHasNoRowHasItsColumns) {
  const auto engine = open(fixture("cls-qwen2-prm"), 1);
  const Request step = request_of("The fox jumps.<extra_0>", TokenClassify{}),
                none = request_of("The fox jumps.", TokenClassify{});
  const Result alone = engine->submit({none}).get().front();
  const Result beside = engine->submit({none, step}).get().front();
  for (const Result& result : {alone, beside}) {
    EXPECT_EQ(result.get<Labels>().rows, 0);
    EXPECT_EQ(result.get<Labels>().columns, 2);
  }
}

TEST(Tasks, FillMaskGivesTheLikeliestTokens) {
  const auto engine = open(fixture("bert-mlm"));
  const Result all =
      engine->submit({request_of("a [MASK] of [MASK]", FillMask{.top_k = 3})}).get().front();
  const auto& fillings = all.get<Fillings>();
  ASSERT_EQ(fillings.rows, 2);
  ASSERT_EQ(fillings.columns, 3);
  EXPECT_GE(fillings.values[0], fillings.values[1]);
  const Result some =
      engine->submit({request_of("a [MASK]", FillMask{.targets = {"b", "c"}})}).get().front();
  EXPECT_EQ(some.get<Fillings>().columns, 2);
  const Error none = error_of([&] { (void)engine->submit({request_of("a b", FillMask{})}).get(); });
  EXPECT_THAT(none.what(), HasSubstr("no mask token ([MASK])"));
}

// The prompt that stands before a text takes room that the text has not: the masks that are
// answered are those that were read.
TEST(Tasks, FillingsAreOfTheTokensThatWereRead) {
  EngineOptions options{.model = fixture("bert-mlm")};
  options.default_prompt = "a b c d ";
  const auto engine = Engine::open(options);
  std::string text = "[MASK]";
  for (int i = 0; i < 126; ++i) text += " a";
  text += " [MASK]";
  for (const auto side : {EncodeOptions::Side::kRight, EncodeOptions::Side::kLeft}) {
    Request request = request_of(text, FillMask{.top_k = 1});
    request.prompt.truncation = {.to = -1, .side = side};
    const Result result = engine->submit({request}).get().front();
    EXPECT_TRUE(result.usage.truncated);
    const auto& fillings = result.get<Fillings>();
    EXPECT_EQ(std::ssize(fillings.prompt_token_ids), result.usage.prompt_tokens);
    const auto found = find_fillings(fillings, engine->tokenizer());
    EXPECT_EQ(std::ssize(found), fillings.rows);
    EXPECT_EQ(found.size(), 1u);
  }
}

TEST(Tasks, SeveralHeadsShareOneForwardPass) {
  const auto engine = open(fixture("bge-m3"));
  Request request = request_of("the capital of France");
  const auto alone = [&](TaskParameters task) {
    Request one = request;
    one.task = std::move(task);
    return engine->submit({one}).get().front();
  };
  const Result dense = alone(Embed{}), tokens = alone(TokenEmbed{}), sparse = alone(SparseEmbed{});
  request.also = {TokenEmbed{}, SparseEmbed{}};
  const Result all = engine->submit({request}).get().front();
  ASSERT_FALSE(all.error());
  EXPECT_TRUE(same_bits(values_of(all), values_of(dense)));
  ASSERT_EQ(all.also.size(), 2u);
  EXPECT_TRUE(same_bits(values_of(all.also[0]), values_of(tokens)));
  EXPECT_TRUE(same_bits(values_of(all.also[1]), values_of(sparse)));
  EXPECT_EQ(std::get<SparseVector>(all.also[1]).ids, sparse.get<SparseVector>().ids);
}

// A template of the request: the fixtures' checkpoints have none.
Chat chat_of(const std::string& content) {
  return {.input = {.messages = R"([{"role": "user", "content": ")" + content + "\"}]"},
          .chat_template = "the {{ messages[0].content }}"};
}

TEST(Chats, AreTheTextThatTheTemplateMakes) {
  const auto engine = open(fixture("bert-embed-prompt-left-out"));
  const auto vector = [&](Prompt prompt) {
    Result result = engine->submit({Request{.prompt = std::move(prompt)}}).get().front();
    EXPECT_FALSE(result.error());
    return values_of(result);
  };
  const std::vector<float> want =
      vector({.input = "the river", .prompt_text = "", .add_special_tokens = false});
  EXPECT_TRUE(same_bits(vector({.input = chat_of("river")}), want));
  EXPECT_FALSE(same_bits(vector({.input = chat_of("capital")}), want));
  // What is asked for beside them counts.
  const Prompt special{.input = "the river", .prompt_text = "", .add_special_tokens = true};
  EXPECT_TRUE(
      same_bits(vector({.input = chat_of("river"), .add_special_tokens = true}), vector(special)));
  const std::string name = engine->info().prompts.front().first;
  const Prompt prompted{.input = "the river", .prompt_name = name, .add_special_tokens = false};
  EXPECT_TRUE(
      same_bits(vector({.input = chat_of("river"), .prompt_name = name}), vector(prompted)));
}

TEST(Chats, AreRefusedByName) {
  const auto engine = open(kBert);
  EXPECT_TRUE(engine->chat_templates().empty());
  Chat chat = chat_of("river");
  chat.chat_template.clear();
  const Error none = error_of([&] {
    (void)engine->submit({request_of("a"), Request{.prompt = {.input = chat}}});
  });
  EXPECT_EQ(none.field(), "chat_template");
  EXPECT_THAT(none.what(), HasSubstr("input[1]: the model has no chat template"));
  // Not by what a template of texts makes of parts.
  chat = chat_of("river");
  chat.input.messages = R"([{"role":"user","content":[{"type":"image"}]}])";
  const Error text = error_of([&] {
    (void)engine->submit({Request{.prompt = {.input = chat, .images = {{.source = "a.png"}}}}});
  });
  EXPECT_EQ(text.field(), "images");
  EXPECT_THAT(text.what(), HasSubstr("takes text, and the request has 1 image"));
}

TEST(LongTexts, ArePooledPieceByPieceOnRequest) {
  EngineOptions options{.model = kBert};
  options.pooler_config = R"({"enable_chunked_processing":true,"max_embed_len":400})";
  const auto engine = Engine::open(options);
  std::string text;
  for (int i = 0; i < 90; ++i) text += "river ";
  const Result result = engine->submit({Request{.prompt = {.input = text}}}).get().front();
  ASSERT_FALSE(result.error()) << result.error()->what();
  double length = 0;
  for (const float x : values_of(result)) length += double{x} * x;
  EXPECT_NEAR(length, 1, 1e-5);
  EXPECT_GT(result.usage.prompt_tokens, engine->info().max_model_len);
  const std::string too_long = text + text + text + text + text + text;
  EXPECT_THAT(error_of([&] {
                (void)engine->submit({Request{.prompt = {.input = too_long}}}).get();
              }).what(),
              HasSubstr("max_embed_len is 400"));
}

TEST(LongTexts, LateChunkingGivesAVectorPerPart) {
  const auto engine = open(kBert);
  Request request{.task = Embed{.late_chunks = {"the capital of France ", "is a river"}}};
  const Result parts = engine->submit({request}).get().front();
  ASSERT_FALSE(parts.error()) << parts.error()->what();
  EXPECT_EQ(parts.get<Vectors>().rows, 2);
  request.task = Embed{.late_chunks = {"the capital of France is a river"}};
  const Result whole = engine->submit({request}).get().front();
  const auto vector = engine->embed({"the capital of France is a river"});
  EXPECT_TRUE(same_bits(values_of(whole), vector.front()));
}

TEST(Engine, EmbedIsWhatSubmitGives) {
  const auto engine = open(kBert);
  const auto vectors = engine->embed({"a text", "another"});
  const auto results = engine->submit({request_of("a text"), request_of("another")}).get();
  ASSERT_EQ(vectors.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(same_bits(vectors[i], values_of(results[i])));
  EXPECT_EQ(static_cast<int64_t>(vectors[0].size()), engine->info().embedding_size);
}

// The mean of no rows.
TEST(Engine, TextsWithoutTokensOfAStaticEmbeddingAreZero) {
  const auto engine = open("tests/golden/static-embed/model");
  const auto alone = engine->embed({"a river"});
  const auto vectors = engine->embed({"a river", "", "a river"});
  EXPECT_TRUE(same_bits(vectors[0], alone[0]));
  EXPECT_TRUE(same_bits(vectors[2], alone[0]));
  EXPECT_EQ(vectors[1], std::vector<float>(alone[0].size()));
  EXPECT_EQ(engine->embed({""}), std::vector(1, vectors[1]));
  const std::vector<std::string> documents = {"a river", ""};
  const std::vector<float> scores = engine->score("a river", documents);
  EXPECT_NEAR(scores[0], 1, 1e-5);
  EXPECT_EQ(scores[1], 0);
  EXPECT_EQ(engine->score("", documents), (std::vector<float>{0, 0}));
  EXPECT_THROW((void)engine->submit({Request{.prompt = {.input = std::vector<int32_t>{}}}}), Error);
}

// Queries of inference-free SPLADE, whose weights are a table's.
TEST(Engine, TextsWithoutTokensOfASparseTableHaveNoWeights) {
  const auto engine = open("tests/golden/st-splade-router/model");
  const auto query = [](const std::string& text) {
    return Request{.prompt = {.input = text, .role = Role::kQuery}, .task = SparseEmbed{}};
  };
  const std::vector<Result> results = engine->submit({query("a river"), query("")}).get();
  EXPECT_FALSE(results[0].get<SparseVector>().ids.empty());
  EXPECT_THAT(results[1].get<SparseVector>().ids, ::testing::IsEmpty());
  EXPECT_EQ(engine->score("", std::vector<std::string>{"a river"}), std::vector<float>{0});
}

TEST(Engine, ALengthNamesTheTextAtFault) {
  std::string long_text;
  for (int i = 0; i < 9000; ++i) long_text += "word ";
  const auto field = [&](Engine& engine, TaskParameters task, const std::string& first) {
    const Error error = error_of([&] {
      (void)engine.submit({Request{.prompt = {.input = first}, .task = std::move(task)}}).get();
    });
    EXPECT_EQ(error.code(), ErrorCode::kTooLong);
    return error.field();
  };
  // A pair, a prompt around both, vectors of tokens, vectors.
  for (const char* model :
       {"tests/golden/bert-rerank-sigmoid/model", "tests/golden/rerank-qwen3/model",
        "tests/golden/colbert-modernbert/model", kBert}) {
    const auto engine = open(model);
    EXPECT_EQ(field(*engine, Score{.document = long_text}, "short"), "document") << model;
    EXPECT_EQ(field(*engine, Score{.document = "short"}, long_text), "input") << model;
    EXPECT_EQ(field(*engine, Score{.document = long_text}, long_text), "input") << model;
  }
  const auto classifier = open("tests/golden/bert-classify-softmax/model");
  EXPECT_EQ(field(*classifier, Classify{.pair = long_text}, "short"), "pair");
  EXPECT_EQ(field(*classifier, Classify{.pair = "short"}, long_text), "input");
}

TEST(Engine, RefusesWhatItCannotServe) {
  const auto engine = open(kBert);
  const auto refusal = [&](Prompt prompt, TaskParameters task = Embed{}) {
    return error_of([&] {
      (void)engine->submit({Request{.prompt = std::move(prompt), .task = std::move(task)}}).get();
    });
  };
  const std::string long_text = mixed_texts(1)[0] + std::string(400, 'a') + [] {
    std::string s;
    for (int i = 0; i < 300; ++i) s += " word";
    return s;
  }();
  EXPECT_EQ(refusal({.input = long_text}).code(), ErrorCode::kTooLong);
  EXPECT_THAT(refusal({.input = long_text}).what(),
              HasSubstr("Please reduce the length of the input prompt"));
  EXPECT_THAT(refusal({.input = std::vector<int32_t>{1, 400}}).what(),
              HasSubstr("token id 400 is out of vocabulary"));
  EXPECT_THAT(refusal({.input = std::vector<int32_t>{-1}}).what(), HasSubstr("token id -1"));
  EXPECT_EQ(refusal({.input = std::vector<int32_t>{}}).field(), "input");
  EXPECT_EQ(refusal({.input = "a", .prompt_name = "nobody"}).field(), "prompt_name");
  EXPECT_THAT(refusal({.input = "a"}, Embed{.dimensions = 8}).what(),
              HasSubstr("does not support matryoshka representation"));
  EXPECT_THAT(refusal({.input = "a", .truncation = {.to = 100000}}).what(),
              HasSubstr("greater than max_model_len"));
  EXPECT_EQ(refusal({.input = "a", .truncation = {.to = 0}}).field(), "truncate_prompt_tokens");
  EXPECT_EQ(refusal({.input = "a b c d e f g", .max_tokens = 3}).field(), "max_tokens");
  std::string huge;
  while (huge.size() < 1000000) huge += "word ";
  EXPECT_THAT(refusal({.input = huge}).what(), HasSubstr("more than"));  // not counted to its end
  EXPECT_EQ(refusal({.input = huge, .max_tokens = 3}).field(), "max_tokens");
  const Error second = error_of([&] {
    (void)engine->submit(
        {Request{.prompt = {.input = "a"}}, Request{.prompt = {.input = long_text}}});
  });
  EXPECT_THAT(second.what(), HasSubstr("input[1]: "));
}

TEST(Engine, CutsTheInputWhereThatIsAskedFor) {
  const auto engine = open(kBert);
  std::string text;
  for (int i = 0; i < 300; ++i) text += "word ";
  const Result cut = engine->submit({request_of(text)}).get().front();
  EXPECT_TRUE(cut.usage.truncated);
  EXPECT_EQ(cut.usage.prompt_tokens, engine->info().max_model_len);
  EXPECT_FALSE(engine->submit({request_of("short")}).get().front().usage.truncated);
}

TEST(Engine, CutsDimensionsThenNormalises) {
  EngineOptions options{.model = kQwen};
  options.hf_overrides = R"({"matryoshka_dimensions":[16,24]})";
  const auto engine = Engine::open(options);
  const Result result = engine->submit({request_of("a", Embed{.dimensions = 16})}).get().front();
  ASSERT_EQ(values_of(result).size(), 16u);
  double length = 0;
  for (const float v : values_of(result)) length += double{v} * v;
  EXPECT_NEAR(length, 1, 1e-6);
  EXPECT_EQ(
      error_of([&] { (void)engine->submit({request_of("a", Embed{.dimensions = 17})}); }).field(),
      "dimensions");
}

TEST(Engine, SaysNoWhenTheQueueIsFull) {
  EngineOptions options{.model = kBert};
  options.threads = 1;
  options.max_queue_tokens = 64;
  const auto engine = Engine::open(options);
  std::latch first_done(1), go_on(1);
  // While this callback holds the only worker, what is submitted waits.
  engine->submit(requests_of({"first"}), [&](std::vector<Result>) {
    first_done.count_down();
    go_on.wait();
  });
  first_done.wait();
  std::vector<std::future<std::vector<Result>>> waiting;
  waiting.push_back(
      engine->submit(requests_of({"one two three four five six seven eight nine ten"})));
  const Error full = error_of([&] {
    for (int i = 0; i < 64; ++i)
      waiting.push_back(engine->submit(requests_of({"more"}), Engine::WhenFull::kThrow));
  });
  go_on.count_down();
  EXPECT_EQ(full.code(), ErrorCode::kQueueFull);
  for (auto& future : waiting) EXPECT_FALSE(future.get().front().error());
}

TEST(Engine, DropsCancelledRequests) {
  const auto engine = open(kBert, 1);
  std::latch first_done(1), go_on(1);
  engine->submit(requests_of({"first"}), [&](std::vector<Result>) {
    first_done.count_down();
    go_on.wait();
  });
  first_done.wait();
  std::promise<std::vector<Result>> promise;
  Ticket ticket = engine->submit(requests_of({"second", "third"}),
                                 [&](std::vector<Result> r) { promise.set_value(std::move(r)); });
  ticket.cancel();
  go_on.count_down();
  for (const Result& result : promise.get_future().get()) {
    ASSERT_TRUE(result.error());
    EXPECT_EQ(result.error()->code(), ErrorCode::kCancelled);
  }
  engine->drain();
  EXPECT_EQ(engine->stats().requests_cancelled, 2);
}

TEST(Engine, ClassifiersReadTheLastTokenThatIsNoPadding) {
  const auto engine = open(fixture("cls-qwen2"));
  constexpr int32_t kPadding = 393;  // of its config.json
  const auto classify = [&](std::vector<int32_t> ids) {
    std::vector<Request> requests(1);
    requests[0].task = Classify{};
    requests[0].prompt.input = std::move(ids);
    return engine->submit(std::move(requests)).get().at(0).get<Labels>().values;
  };
  const std::vector<float> want = classify({10, kPadding, 12});
  EXPECT_TRUE(same_bits(classify({10, kPadding, 12, kPadding, kPadding}), want));
  EXPECT_FALSE(same_bits(classify({10, kPadding, 12, 10}), want));
  EXPECT_TRUE(same_bits(classify({kPadding, kPadding}), classify({kPadding})));
}

TEST(Engine, DrainFinishesWhatWasTakenAndTakesNoMore) {
  const auto engine = open(kBert);
  auto future = engine->submit(requests_of(mixed_texts(50)));
  engine->drain();
  EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(error_of([&] { (void)engine->submit(requests_of({"late"})); }).code(),
            ErrorCode::kCancelled);
  EXPECT_EQ(engine->stats().requests_done, 50);
}

TEST(Engine, StoppingAnswersEveryWaitingRequest) {
  auto engine = open(kBert, 1);
  std::vector<std::future<std::vector<Result>>> futures;
  for (int i = 0; i < 40; ++i) futures.push_back(engine->submit(requests_of(mixed_texts(20))));
  engine.reset();
  for (auto& future : futures) {
    for (const Result& result : future.get())
      EXPECT_TRUE(!result.error() || result.error()->code() == ErrorCode::kCancelled);
  }
}

TEST(Engine, RefusesOptionsByName) {
  const auto refusal = [](auto change) {
    EngineOptions options{.model = kBert};
    change(options);
    return error_of([&] { Engine::open(options); });
  };
  EXPECT_EQ(refusal([](EngineOptions& o) { o.dtype = "float8"; }).field(), "dtype");
  EXPECT_EQ(refusal([](EngineOptions& o) { o.convert = "poem"; }).field(), "convert");
  EXPECT_EQ(refusal([](EngineOptions& o) { o.runner = "generate"; }).field(), "runner");
  EXPECT_EQ(refusal([](EngineOptions& o) { o.max_model_len = 4096; }).field(), "max_model_len");
  EXPECT_EQ(refusal([](EngineOptions& o) { o.pooler_config = "{"; }).field(), "pooler_config");
  EXPECT_EQ(
      refusal([](EngineOptions& o) { o.pooler_config = R"({"pooling_type":"ODD"})"; }).field(),
      "pooler_config");
  EXPECT_EQ(refusal([](EngineOptions& o) { o.hf_overrides = "[]"; }).field(), "hf_overrides");
  EXPECT_EQ(refusal([](EngineOptions& o) { o.backend = "abacus"; }).field(), "backend");
  EXPECT_EQ(refusal([](EngineOptions& o) { o.model = "tests/no/such/folder"; }).code(),
            ErrorCode::kNotFound);
}

TEST(Runtime, EnginesThatShareOneGiveTheSameBits) {
  const std::vector<std::string> texts = mixed_texts(60);
  const std::vector<Result> bert = open(kBert)->submit(requests_of(texts)).get();
  const std::vector<Result> qwen = open(kQwen)->submit(requests_of(texts)).get();
  const auto runtime = Runtime::create({.threads = 3});
  auto first = Engine::open({.model = kBert}, runtime);
  const auto second = Engine::open({.model = kQwen}, runtime);
  EXPECT_EQ(first->info().threads, 3);
  const auto serve = [&](Engine& engine, const std::vector<Result>& want) {
    const std::vector<Result> got = engine.submit(requests_of(texts)).get();
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_FALSE(got[i].error());
      EXPECT_TRUE(same_bits(values_of(got[i]), values_of(want[i]))) << i;
    }
  };
  std::atomic<bool> gone{false};
  std::thread other([&] {
    while (!gone) serve(*second, qwen);
    serve(*second, qwen);
  });
  for (int times = 0; times < 4; ++times) serve(*first, bert);
  std::future<std::vector<Result>> waiting = first->submit(requests_of(texts));
  first.reset();  // while the other works
  for (const Result& result : waiting.get())
    EXPECT_TRUE(!result.error() || result.error()->code() == ErrorCode::kCancelled);
  gone = true;
  other.join();
}

TEST(Runtime, IsKeptByItsEngines) {
  auto runtime = Runtime::create({.threads = 1});
  const auto engine = Engine::open({.model = kBert}, runtime);
  const std::weak_ptr<Runtime> held = runtime;
  runtime.reset();
  EXPECT_FALSE(held.expired());
  EXPECT_EQ(engine->embed({"a text"}), open(kBert)->embed({"a text"}));
}

TEST(Runtime, OpensNoEngineThatItHasNoMemoryFor) {
  const EngineOptions options{.model = kBert, .enable_prefix_caching = false};
  const int64_t bytes = open(kBert)->info().weight_bytes;
  const auto runtime = Runtime::create({.threads = 1, .memory_bytes = bytes * 2});
  const auto first = Engine::open(options, runtime);
  auto second = Engine::open(options, runtime);
  const Error error = error_of([&] { (void)Engine::open(options, runtime); });
  EXPECT_EQ(error.field(), "memory_bytes");
  EXPECT_EQ(std::string(error.what()),
            "memory_bytes: the weights of " + std::string(kBert) +
                " take more than 0 bytes, which are left of the runtime's memory_bytes");
  second.reset();
  second = Engine::open(options, runtime);  // what the two before held is there again
  EXPECT_EQ(first->embed({"a text"}), second->embed({"a text"}));
}

// It is given up at the weight that does not fit, and what was taken is there again.
TEST(Runtime, GivesUpAModelThatIsTooLarge) {
  const EngineOptions options{.model = kBert, .enable_prefix_caching = false};
  const int64_t bytes = open(kBert)->info().weight_bytes;
  for (const int64_t memory : {int64_t{1}, bytes / 2, bytes - 1}) {
    const auto runtime = Runtime::create({.threads = 1, .memory_bytes = memory});
    for (int again = 0; again < 2; ++again) {
      const Error error = error_of([&] { (void)Engine::open(options, runtime); });
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr("take more than " + base::counted(memory, "byte") + ","));
    }
  }
  const auto enough = Runtime::create({.threads = 1, .memory_bytes = bytes});
  EXPECT_EQ(Engine::open(options, enough)->info().weight_bytes, bytes);
}

// Weights of a head in a folder beside the model count as well.
TEST(Runtime, CountsTheModulesOfItsEngines) {
  const std::string model = "tests/golden/st-residual/model";
  const int64_t bytes = open(model)->info().weight_bytes;
  const auto few = Runtime::create({.threads = 1, .memory_bytes = bytes - 1}),
             enough = Runtime::create({.threads = 1, .memory_bytes = bytes});
  EXPECT_THROW(Engine::open({.model = model}, few), Error);
  EXPECT_NO_THROW(Engine::open({.model = model}, enough));
}

TEST(Runtime, CountsTheCacheOfItsEngines) {
  const int64_t weights = open(kQwen)->info().weight_bytes;
  const auto runtime =
      Runtime::create({.threads = 1, .memory_bytes = weights + (int64_t{1} << 20)});
  EngineOptions options{.model = kQwen, .cache_bytes = int64_t{4} << 20};
  const Error error = error_of([&] { (void)Engine::open(options, runtime); });
  EXPECT_EQ(error.field(), "cache_bytes");
  options.cache_bytes = 0;  // a part of what is left
  EXPECT_GT(Engine::open(options, runtime)->stats().cache_pages, 0);
}

TEST(Runtime, TheEnvironmentsThreadsAreTheRuntimes) {
  ::setenv("OMP_NUM_THREADS", "3", 1);
  const auto two = Runtime::create({.threads = 2}), three = Runtime::create();
  const auto engine = Engine::open({.model = kBert}, two);
  ::unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(engine->info().threads, 2);
  EXPECT_EQ(three->threads(), 3);
}

TEST(Runtime, ATicketMayOutliveItsEngine) {
  Ticket ticket;
  {
    const auto engine = open(kBert);
    ticket = engine->submit(requests_of({"a text"}), [](const std::vector<Result>&) {});
    engine->drain();
  }
  ticket.cancel();
  ticket.cancel();
}

TEST(Runtime, RefusesOptionsThatAreNotItsOwn) {
  const auto runtime = Runtime::create({.threads = 2});
  EXPECT_EQ(error_of([&] { (void)Engine::open({.model = kBert, .threads = 5}, runtime); }).field(),
            "threads");
  EXPECT_EQ(
      error_of([&] { (void)Engine::open({.model = kBert, .backend = "ref"}, runtime); }).field(),
      "backend");
  EXPECT_EQ(error_of([] { (void)Runtime::create({.threads = -1}); }).field(), "threads");
  EXPECT_EQ(error_of([] { (void)Runtime::create({.backend = "abacus"}); }).field(), "backend");
}

// Requests of all lengths, one at a time and many at once, of several tasks.
void soak(Engine& engine, int requests, unsigned seed) {
  std::mt19937 random(seed);
  for (int done = 0; done < requests;) {
    const size_t count = random() % 4 == 0 ? 1 + random() % 400 : 1 + random() % 4;
    std::vector<Request> some = requests_of(mixed_texts(count, random()));
    for (Request& request : some) {
      if (random() % 4 == 0) request.task = TokenEmbed{};
    }
    for (const Result& result : engine.submit(std::move(some)).get()) ASSERT_FALSE(result.error());
    done += static_cast<int>(count);
  }
}

TEST(Memory, DoesNotGrowWithTheRequestsServed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's allocator keeps what was freed";
#endif
  const auto engine = open(kBert);
  soak(*engine, 4000, 1);
  const int64_t before = base::resident_memory();
  soak(*engine, 12000, 5000);
  EXPECT_LE(base::resident_memory() - before, int64_t{2} << 20);
}

TEST(Runtime, ThatIsNotThereIsRefused) {
  try {
    Engine::open({.model = kBert}, std::shared_ptr<Runtime>());
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.field(), "runtime");
  }
}

TEST(Memory, IsGivenBackWhenIdle) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's allocator keeps what was freed";
#endif
  const auto engine = open(kBert);
  soak(*engine, 10, 1);
  const int64_t before = base::resident_memory();
  std::vector<std::string> texts(3000);
  for (std::string& text : texts) {
    for (int i = 0; i < 120; ++i) text += "river ";
  }
  (void)engine->submit(requests_of(texts, Task::kTokenEmbed)).get();
  texts = {};
  const auto most = before + (int64_t{4} << 20);
  EXPECT_GT(base::resident_memory(), most);  // else the test would prove nothing
  for (int tenths = 0; tenths < 100 && base::resident_memory() > most; ++tenths)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LE(base::resident_memory(), most);
}

TEST(CApi, EmbedsAndReportsErrors) {
  EXPECT_EQ(vecton_create("tests/no/such/folder", nullptr), nullptr);
  EXPECT_THAT(vecton_last_error(), HasSubstr("tests/no/such/folder"));
  EXPECT_EQ(vecton_create(kBert, R"({"colour":"red"})"), nullptr);
  EXPECT_THAT(vecton_last_error(), HasSubstr("colour"));
  vecton_engine* engine = vecton_create(kBert, R"({"threads":1})");
  ASSERT_NE(engine, nullptr) << vecton_last_error();
  const char* texts[] = {"a text", "another"};
  std::vector<float> out(2 * vecton_embedding_size(engine));
  ASSERT_EQ(vecton_embed(engine, texts, 2, nullptr, out.data()), 0) << vecton_last_error();
  const auto vectors = open(kBert)->embed({"a text", "another"});
  EXPECT_TRUE(std::equal(vectors[1].begin(), vectors[1].end(),
                         out.begin() + static_cast<std::ptrdiff_t>(vectors[0].size())));
  EXPECT_NE(vecton_embed(engine, texts, 2, "nobody", out.data()), 0);
  EXPECT_THAT(vecton_last_error(), HasSubstr("nobody"));
  vecton_free(engine);
}

}  // namespace
}  // namespace vecton::engine
