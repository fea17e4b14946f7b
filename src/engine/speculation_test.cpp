// Drafts change when tokens come, not which: greedy, sampled, with penalties, log-probabilities and
// grammars, whatever the cache is and whoever else is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "engine/generation_test.h"
#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kPage = 16;

class SameTokensWithDrafts : public ::testing::TestWithParam<const char*> {};

TEST_P(SameTokensWithDrafts, WhateverElseIsThere) {
  const std::string model = GetParam();
  const auto alone = open(model, {.threads = 1, .prefix_caching = false});
  std::vector<Request> requests = mixed_requests(9, alone->info().vocab_size);
  // One that repeats itself: a text that comes again and again, and nothing else allowed.
  requests.push_back({.prompt = {.input = std::vector<int32_t>{5, 6, 7, 5, 6, 7, 5, 6, 7}},
                      .task = Generate{.max_tokens = 60,
                                       .temperature = 0,
                                       .allowed_token_ids = std::vector<int32_t>{5},
                                       .ignore_eos = true,
                                       .logprobs = 2}});
  std::vector<std::string> want;
  for (const Request& request : requests)
    want.push_back(text_of(alone->submit({request}).get().front()));
  for (const std::string& text : want) ASSERT_EQ(text.find("error: "), std::string::npos) << text;
  const int64_t tiny = tight_cache(model);
  const Setting settings[] = {
      {.threads = 2},
      {.threads = 2, .max_batch_tokens = 24, .max_num_seqs = 3},
      {.threads = 1, .cache_bytes = tiny},
      {.threads = 2, .max_batch_tokens = 40, .prefix_caching = false},
  };
  for (Setting setting : settings) {
    setting.speculative_config = kEagerDrafts;
    const auto engine = open(model, setting);
    for (int round = 0; round < 2; ++round) {  // the second finds what the first has kept
      const std::vector<Result> results = engine->submit(requests).get();
      for (size_t i = 0; i < requests.size(); ++i) {
        ASSERT_EQ(text_of(results[i]), want[i])
            << "request " << i << ", batches of " << setting.max_batch_tokens << ", "
            << setting.cache_bytes << " bytes";
      }
    }
    const EngineStats stats = engine->stats();
    EXPECT_GT(stats.spec_decode_drafts, 0);
    EXPECT_GT(stats.spec_decode_accepted_tokens, 30);
    EXPECT_LT(stats.spec_decode_accepted_tokens, stats.spec_decode_draft_tokens);
    if (setting.cache_bytes == tiny) {
      EXPECT_GT(stats.preemptions, 0);
    } else if (setting.prefix_caching) {
      EXPECT_GT(stats.prefix_cache_hits, 300);
    }
  }
}

// All tokens kept, windows, latent rows, experts, layers that share, and those that turn long
// sequences otherwise.
INSTANTIATE_TEST_SUITE_P(Models, SameTokensWithDrafts,
                         ::testing::Values("emb-qwen3", "gen-llama3", "gen-gemma3",
                                           "gen-mistral-sliding", "gen-deepseek-v3", "gen-gpt-oss",
                                           "gen-gemma4-e2b", "gen-phi3.5-mini"));

// Tokens that are right come together, and what was checked with them is there for who comes next.
TEST(Speculation, ARepeatedTextTakesFewSteps) {
  const auto engine = open("gen-llama3", {.threads = 1, .speculative_config = kEagerDrafts});
  Request request{.prompt = {.input = std::vector<int32_t>(8, 5)},
                  .task = Generate{.max_tokens = 61,
                                   .temperature = 0,
                                   .allowed_token_ids = std::vector<int32_t>{5},
                                   .ignore_eos = true}};
  std::vector<size_t> deltas;
  request.on_delta = [&](const GenerationDelta& delta) {
    deltas.push_back(delta.token_ids.size());
    return true;
  };
  const Result result = engine->submit({request}).get().front();
  EXPECT_EQ(result.get<Generation>().completions.front().token_ids.size(), 61u);
  // The first is the prompt's, those that follow come by five.
  ASSERT_EQ(deltas.size(), 13u);
  EXPECT_EQ(deltas.front(), 1u);
  EXPECT_EQ(deltas.back(), 5u);
  EXPECT_EQ(engine->stats().spec_decode_drafts, 12);
  EXPECT_EQ(engine->stats().spec_decode_draft_tokens, 48);
  EXPECT_EQ(engine->stats().spec_decode_accepted_tokens, 48);
  EXPECT_EQ(engine->stats().generation_tokens, 61);
  // 8 + 60 tokens are kept, of which whole blocks can be found.
  request.on_delta = {};
  request.prompt.input = std::vector<int32_t>(70, 5);
  EXPECT_EQ(engine->submit({request}).get().front().get<Generation>().cached_tokens, 4 * kPage);
}

TEST(Speculation, IsSaidToChangeNothingOfAModelThatDoesNotGenerate) {
  EngineOptions options{.model = "tests/golden/bert-embed-mean/model"};
  EXPECT_THAT(Engine::open(options)->info().warnings,
              ::testing::Not(::testing::Contains(HasSubstr("changes nothing"))));
  options.speculative_config = kEagerDrafts;
  options.generation_config = "vllm";
  options.override_generation_config = R"({"top_k": 1})";
  const std::vector<std::string> warnings = Engine::open(options)->info().warnings;
  for (const char* name : {"speculative_config", "generation_config", "override_generation_config"})
    EXPECT_THAT(warnings, ::testing::Contains(::testing::StartsWith(
                              std::string(name) + " changes nothing: BertModel")));
}

TEST(Speculation, AGrammarHoldsAtEveryToken) {
  Request request{.prompt = {.input = std::vector<int32_t>{1, 2, 3}},
                  .task = Generate{.max_tokens = 80, .temperature = 0}};
  auto& task = std::get<Generate>(request.task);
  task.structured_output = StructuredOutput{.kind = Regex{"(ab){12}[xyz]"}};
  task.logprobs = 1;
  const std::string want =
      text_of(open("emb-qwen3", {.threads = 1})->submit({request}).get().front());
  EXPECT_THAT(want, HasSubstr("abababababababababababab"));
  const auto engine = open("emb-qwen3", {.threads = 1, .speculative_config = kEagerDrafts});
  EXPECT_EQ(text_of(engine->submit({request}).get().front()), want);
  EXPECT_GT(engine->stats().spec_decode_accepted_tokens, 0);
}

TEST(Speculation, StatesAreRefusedByName) {
  for (const char* model : {"gen-lfm2", "gen-qwen3-next", "gen-qwen3.5"}) {
    try {
      open(model, {.speculative_config = kEagerDrafts});
      ADD_FAILURE() << model;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
      EXPECT_EQ(e.field(), "speculative_config");
      EXPECT_THAT(e.what(), HasSubstr("keep a state"));
    }
  }
}

}  // namespace
}  // namespace vecton::engine
