// What is generated depends on the request alone: not on who else is there, in which order, on how
// many threads, in how large batches, on what the cache holds or how small it is.
#include "engine/generation_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <latch>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>

#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

using ::testing::HasSubstr;

class SameTokens : public ::testing::TestWithParam<const char*> {};

TEST_P(SameTokens, WhateverElseIsThere) {
  const std::string model = GetParam();
  std::vector<std::string> want;
  std::vector<Request> requests;
  {
    const auto alone = open(model, {.threads = 1, .prefix_caching = false});
    requests = mixed_requests(10, alone->info().vocab_size);
    for (const Request& request : requests)
      want.push_back(text_of(alone->submit({request}).get().front()));
    for (const std::string& text : want) ASSERT_EQ(text.find("error: "), std::string::npos) << text;
  }
  const int64_t tiny = tight_cache(model);
  const Setting settings[] = {
      {.threads = 1},
      {.threads = 4},
      {.threads = 2, .max_batch_tokens = 1},
      {.threads = 2, .max_batch_tokens = 40, .prefix_caching = false},
      {.threads = 2, .max_batch_tokens = 24, .max_num_seqs = 3},
      {.threads = 2, .cache_bytes = tiny},
      {.threads = 1, .max_batch_tokens = 33, .cache_bytes = tiny},
  };
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(4);
  for (const Setting& setting : settings) {
    const auto engine = open(model, setting);
    for (int round = 0; round < 2; ++round) {  // the second finds the first's prefixes
      std::ranges::shuffle(order, random);
      std::vector<Request> shuffled;
      for (const size_t i : order) shuffled.push_back(requests[i]);
      const std::vector<Result> results = engine->submit(shuffled).get();
      for (size_t i = 0; i < order.size(); ++i) {
        ASSERT_EQ(text_of(results[i]), want[order[i]])
            << "request " << order[i] << ", " << setting.threads << " threads, batches of "
            << setting.max_batch_tokens << ", " << setting.cache_bytes << " bytes";
      }
    }
    if (setting.cache_bytes > tiny && setting.prefix_caching) {
      EXPECT_GT(engine->stats().prefix_cache_hits, 300) << setting.max_batch_tokens;
    }
    // States of these are so large that a tiny cache has one, which one sequence begins with.
    if (setting.cache_bytes == tiny && !model.starts_with("gen-qwen3")) {
      EXPECT_GT(engine->stats().preemptions, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SameTokens,
                         ::testing::Values("emb-qwen3", "gen-gemma3", "gen-mistral-sliding",
                                           "gen-lfm2", "gen-qwen3-next", "gen-qwen3.5",
                                           "gen-deepseek-v3", "gen-minicpm3", "gen-gpt-oss",
                                           "gen-gemma4-e2b", "gen-phi3.5-mini"));

// Models that turn sequences of more than 40 or 48 tokens otherwise from their first token on
// (LongRoPE): of one that comes to be so long, nothing that was kept counts any more.
class AcrossTheSwitch : public ::testing::TestWithParam<const char*> {};

TEST_P(AcrossTheSwitch, EveryTokenIsThatOfAllBeforeIt) {
  const std::string model = GetParam();
  // Every batch a whole sequence, in which nothing is found.
  const auto alone = open(model, {.threads = 1, .prefix_caching = false});
  const auto token = [](const Result& result) {
    return result.get<Generation>().completions.front().logprobs.front().token;
  };
  Generate one{.max_tokens = 1, .temperature = 0, .ignore_eos = true, .logprobs = 0};
  Generate many = one;
  many.max_tokens = 50;
  const Setting settings[] = {{.threads = 2},
                              {.threads = 1, .max_batch_tokens = 20},
                              {.threads = 2, .cache_bytes = tight_cache(model)}};
  std::vector<std::unique_ptr<Engine>> engines;
  for (const Setting& setting : settings) engines.push_back(open(model, setting));
  for (const size_t prompt : {1u, 30u, 40u, 41u, 48u, 60u}) {
    std::vector<int32_t> ids(prompt);
    std::iota(ids.begin(), ids.end(), 3);
    std::vector<Result> got;
    for (const auto& engine : engines) {
      got.push_back(engine->submit({{.prompt = {.input = ids}, .task = many}}).get().front());
      ASSERT_EQ(text_of(got.back()), text_of(got.front()));
    }
    const Completion& written = got.front().get<Generation>().completions.front();
    ASSERT_EQ(written.logprobs.size(), 50u);
    for (const TokenLogprobs& of : written.logprobs) {
      const TokenLogprob want =
          token(alone->submit({{.prompt = {.input = ids}, .task = one}}).get().front());
      ASSERT_EQ(of.token.id, want.id) << "after " << ids.size() << " tokens";
      ASSERT_EQ(of.token.logprob, want.logprob) << "after " << ids.size() << " tokens";
      ids.push_back(want.id);
    }
  }
  // Prompts that begin alike have found each other, each its own kind.
  EXPECT_GT(engines.front()->stats().prefix_cache_hits, 16);
}

INSTANTIATE_TEST_SUITE_P(Models, AcrossTheSwitch,
                         ::testing::Values("gen-phi3.5-mini", "gen-phi4-mini", "gen-minicpm3",
                                           "gen-phimoe"));

// Nobody wants logits after the tokens of a prompt but the last.
TEST(Generation, WorkOfAPromptHasLogitsOnce) {
  const auto writes = open("emb-qwen3");
  const auto reads =
      Engine::open({.model = "tests/golden/emb-qwen3/model", .runner = "pooling", .threads = 1});
  const double head = 2.0 * static_cast<double>(writes->info().vocab_size) *
                      static_cast<double>(writes->info().hidden_size);
  for (const int64_t tokens : {1, 10, 300})
    EXPECT_EQ(writes->flops(tokens), reads->flops(tokens) + head) << tokens;
}

TEST(Generation, SaltsOfShortAndLongSequencesAreNobodyElses) {
  const auto engine = open("gen-phi3.5-mini");
  const auto found = [&](size_t tokens, const std::string& salt) {
    Request request{.prompt = {.input = std::vector<int32_t>(tokens, 7)},
                    .task = Generate{.max_tokens = 1, .temperature = 0}};
    request.cache_salt = salt;
    return engine->submit({request}).get().front().get<Generation>().cached_tokens;
  };
  EXPECT_EQ(found(40, ""), 0);
  EXPECT_EQ(found(40, ""), 32);
  EXPECT_EQ(found(41, ""), 0);  // turns otherwise
  EXPECT_EQ(found(60, ""), 32);
  EXPECT_EQ(found(39, ""), 32);
  for (const char* salt : {"s", "l", "ss", "sl", "ls", "ll"}) {
    EXPECT_EQ(found(40, salt), 0) << salt;
    EXPECT_EQ(found(60, salt), 0) << salt;
    EXPECT_EQ(found(60, salt), 48) << salt;
  }
}

TEST(Generation, VectorsOfLongSequencesFindWhatTurnsAlike) {
  const auto engine = open("gen-phi3.5-mini", {.threads = 1, .max_batch_tokens = 20});
  const auto plain = open("gen-phi3.5-mini", {.threads = 1, .prefix_caching = false});
  for (const size_t tokens : {30u, 40u, 41u, 100u, 40u, 120u}) {
    std::vector<int32_t> ids(tokens);
    std::iota(ids.begin(), ids.end(), 1);
    const Request request{.prompt = {.input = ids}, .task = Embed{}};
    EXPECT_EQ(engine->submit({request}).get().front().get<Vectors>().values,
              plain->submit({request}).get().front().get<Vectors>().values)
        << tokens;
  }
  EXPECT_GT(engine->stats().prefix_cache_hits, 100);
}

constexpr char kModel[] = "emb-qwen3";

Request greedy(std::vector<int32_t> ids, int64_t max_tokens) {
  return {.prompt = {.input = std::move(ids)},
          .task = Generate{.max_tokens = max_tokens, .temperature = 0, .ignore_eos = true}};
}

TEST(Generation, PrefixesAreFoundAgain) {
  const auto engine = open(kModel);
  std::vector<int32_t> ids(50);
  std::iota(ids.begin(), ids.end(), 1);
  const Result first = engine->submit({greedy(ids, 30)}).get().front();
  EXPECT_EQ(first.get<Generation>().cached_tokens, 0);
  EXPECT_EQ(engine->submit({greedy(ids, 30)}).get().front().get<Generation>().cached_tokens, 48);
  // What was generated is there for the next turn.
  const std::vector<int32_t>& answer = first.get<Generation>().completions.front().token_ids;
  ids.insert(ids.end(), answer.begin(), answer.end());
  ids.push_back(3);
  EXPECT_GE(engine->submit({greedy(ids, 2)}).get().front().get<Generation>().cached_tokens, 64);
}

TEST(Generation, CompletionsShareTheirPrompt) {
  const auto engine = open(kModel);
  std::vector<int32_t> ids(100);
  std::iota(ids.begin(), ids.end(), 1);
  const auto submit = [&](int64_t n, uint64_t seed) {
    return engine
        ->submit({{.prompt = {.input = ids},
                   .task = Generate{.max_tokens = 5, .temperature = 2, .seed = seed, .n = n}}})
        .get()
        .front();
  };
  const Result all = submit(4, 10);
  const auto& completions = all.get<Generation>().completions;
  ASSERT_EQ(completions.size(), 4u);
  EXPECT_EQ(all.usage.prompt_tokens, 100);
  EXPECT_GE(engine->stats().prefix_cache_hits, 3 * 96);
  for (size_t i = 0; i < 4; ++i) {  // each is as if it had been asked for with its own seed
    EXPECT_EQ(completions[i].index, static_cast<int64_t>(i));
    EXPECT_EQ(completions[i].token_ids,
              submit(1, 10 + i).get<Generation>().completions.front().token_ids);
  }
}

// The deltas of a request, by completion.
struct Heard {
  std::mutex mutex;
  std::map<int64_t, Completion> completions;
  std::map<int64_t, int> ends, begins;

  std::function<bool(const GenerationDelta&)> ear() {
    return [this](const GenerationDelta& delta) {
      const std::lock_guard lock(mutex);
      Completion& c = completions[delta.index];
      if (delta.prompt_token_ids) ++begins[delta.index];
      c.text += delta.text;
      c.token_ids.insert(c.token_ids.end(), delta.token_ids.begin(), delta.token_ids.end());
      c.logprobs.insert(c.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
      EXPECT_EQ(delta.completion_tokens, std::ssize(c.token_ids));
      if (delta.finish_reason) {
        c.finish_reason = *delta.finish_reason;
        c.stop_reason = delta.stop_reason;
        ++ends[delta.index];
      }
      return true;
    };
  }
};

TEST(Generation, DeltasMakeTheCompletion) {
  const auto engine = open(kModel);
  Heard heard;
  Request request{
      .prompt = {.input = "Hello"},
      .task = Generate{
          .max_tokens = 20, .temperature = 1.5, .stop = {"e"}, .seed = 1, .n = 5, .logprobs = 2}};
  request.on_delta = heard.ear();
  const Result result = engine->submit({request}).get().front();
  for (const Completion& c : result.get<Generation>().completions) {
    const Completion& h = heard.completions[c.index];
    EXPECT_EQ(h.text, c.text);
    EXPECT_EQ(h.token_ids, c.token_ids);
    EXPECT_EQ(h.logprobs.size(), c.logprobs.size());
    EXPECT_EQ(h.finish_reason, c.finish_reason);
    EXPECT_EQ(h.stop_reason, c.stop_reason);
    EXPECT_EQ(heard.ends[c.index], 1);
    EXPECT_EQ(heard.begins[c.index], 1);
  }
}

TEST(Generation, WhoDoesNotListenIsGivenUp) {
  const auto engine = open(kModel);
  Request request = greedy({1, 2, 3}, 1000);
  std::atomic<int> heard{0};
  request.on_delta = [&](const GenerationDelta&) { return ++heard < 4; };
  const Result result = engine->submit({request}).get().front();
  const Completion& c = result.get<Generation>().completions.front();
  EXPECT_EQ(c.finish_reason, FinishReason::kAbort);
  EXPECT_EQ(c.token_ids.size(), 4u);
  EXPECT_EQ(heard, 4);
  EXPECT_EQ(engine->stats().requests_running, 0);
  // Of several completions all end.
  request.task = Generate{.max_tokens = 1000, .temperature = 1, .seed = 1, .n = 6};
  heard = 0;
  const Result several = engine->submit({request}).get().front();
  for (const Completion& each : several.get<Generation>().completions) {
    EXPECT_LT(each.token_ids.size(), 1000u);
  }
}

TEST(Generation, TicketsCancel) {
  const auto engine = open(kModel);
  std::vector<Request> requests(3, greedy({1, 2, 3}, 100000));
  std::latch begun(1);
  std::once_flag once;
  requests[0].on_delta = [&](const GenerationDelta&) {
    std::call_once(once, [&] { begun.count_down(); });
    return true;
  };
  std::promise<std::vector<Result>> promise;
  Ticket ticket = engine->submit(
      requests, [&](std::vector<Result> results) { promise.set_value(std::move(results)); });
  begun.wait();
  ticket.cancel();
  for (const Result& result : promise.get_future().get()) {
    ASSERT_TRUE(result.error());
    EXPECT_EQ(result.error()->code(), ErrorCode::kCancelled);
  }
  EXPECT_EQ(engine->submit({greedy({1}, 2)}).get().front().get<Generation>().completions.size(),
            1u);
}

TEST(Generation, WhatCannotFitIsRefusedAtOnce) {
  const auto engine = open(kModel, {.cache_bytes = bytes_of_pages(kModel, 4)});
  const auto refusal = [&](const Request& request) {
    try {
      engine->submit({request}).get();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kTooLong);
      return std::string(e.what());
    }
    return std::string();
  };
  const std::vector<int32_t> ids(20, 5);
  const int64_t room = engine->stats().cache_pages * 16;
  EXPECT_EQ(refusal(greedy(ids, room - 19)), "");
  EXPECT_THAT(refusal(greedy(ids, room - 18)), HasSubstr(std::to_string(room)));
  EXPECT_THAT(refusal(greedy(std::vector<int32_t>(200, 5), 1)), HasSubstr("200"));
  // Who names no number gets what there is room for.
  Request any = greedy(ids, 1);
  std::get<Generate>(any.task).max_tokens.reset();
  EXPECT_EQ(
      engine->submit({any}).get().front().get<Generation>().completions.front().token_ids.size(),
      static_cast<size_t>(room - 19));
}

TEST(Generation, ACacheOfLessThanABlockIsNone) {
  // A block has a page in each of this model's two groups of layers.
  const char* model = "gen-gemma3";
  const Request request = greedy(std::vector<int32_t>(20, 5), 8);
  const auto engine = open(model, {.cache_bytes = bytes_of_pages(model, 1)});
  EXPECT_EQ(engine->stats().cache_pages, 0);
  EXPECT_EQ(text_of(engine->submit({request}).get().front()),
            text_of(open(model)->submit({request}).get().front()));
}

TEST(Generation, APromptMustLeaveRoom) {
  EngineOptions options{.model = "tests/golden/emb-qwen3/model"};
  options.runner = "generate";
  options.max_model_len = 16;
  const auto engine = Engine::open(options);
  const Result result = engine->submit({greedy(std::vector<int32_t>(15, 3), 9)}).get().front();
  EXPECT_EQ(result.get<Generation>().completions.front().token_ids.size(), 1u);
  EXPECT_EQ(result.get<Generation>().completions.front().finish_reason, FinishReason::kLength);
  try {
    engine->submit({greedy(std::vector<int32_t>(16, 3), 1)});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kTooLong);
    EXPECT_THAT(e.what(), HasSubstr("16"));
  }
}

TEST(Generation, VectorsComeBesideIt) {
  const auto engine = open(kModel, {.threads = 1});
  const std::vector<float> alone = engine->embed({"a text"}).front();
  std::vector<Request> requests(4, greedy({1, 2, 3}, 40));
  for (int i = 0; i < 4; ++i) requests.push_back({.prompt = {.input = "a text"}, .task = Embed{}});
  const std::vector<Result> results = engine->submit(requests).get();
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(results[i].get<Generation>().completions.front().token_ids.size(), 40u);
    EXPECT_EQ(results[i + 4].get<Vectors>().values, alone);
  }
}

TEST(Generation, OthersDoNotWaitUntilItHasEnded) {
  const auto engine = open(kModel, {.threads = 1, .max_batch_tokens = 32});
  std::atomic<int64_t> tokens{0};
  Request endless = greedy({1, 2, 3}, 400);
  endless.on_delta = [&](const GenerationDelta& delta) {
    tokens = delta.completion_tokens;
    std::this_thread::sleep_for(std::chrono::microseconds(500));  // a step of a larger model
    return true;
  };
  auto writing = engine->submit({endless});
  while (tokens == 0) std::this_thread::yield();
  // Longer than what is left beside the others.
  engine->submit({{.prompt = {.input = std::vector<int32_t>(60, 7)}, .task = Embed{}}}).get();
  EXPECT_LT(tokens, 400);
  EXPECT_EQ(writing.get().front().get<Generation>().completions.front().token_ids.size(), 400u);
}

TEST(Generation, ErrorsNameTheRequest) {
  const auto engine = open(kModel);
  std::vector<Request> requests(2, greedy({1}, 2));
  std::get<Generate>(requests[1].task).top_p = 3;
  try {
    engine->submit(requests);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("input[1]: top_p"));
    EXPECT_EQ(e.field(), "top_p");
  }
}

TEST(Generation, InfoSaysWhatTheCacheTakes) {
  const auto info_of = [](const char* model) {
    EngineOptions options{.model = std::string("tests/golden/") + model + "/model"};
    return inspect(options);
  };
  // Keys and values of each layer, in float32.
  EXPECT_EQ(info_of(kModel).cache_bytes_per_token, 3 * 2 * 2 * 16 * 4);
  EXPECT_EQ(info_of(kModel).state_bytes, 0);
  EXPECT_EQ(info_of("gen-deepseek-v3").cache_bytes_per_token, 3 * (16 + 8) * 4);
  EXPECT_GT(info_of("gen-lfm2").cache_bytes_per_token, 0);
  EXPECT_EQ(info_of("gen-lfm2").state_bytes, 3 * 2 * 48 * 4);
  EXPECT_EQ(info_of("bert-mlm").cache_bytes_per_token, 0);
}

TEST(Generation, OfAText) {
  const auto engine = open(kModel);
  const GenerationDefaults defaults = engine->generation_defaults();
  EXPECT_FALSE(defaults.eos_token_ids.empty());
  const std::string text = engine->generate("Hello", {.max_tokens = 5, .temperature = 0});
  EXPECT_EQ(text, engine->generate("Hello", {.max_tokens = 5, .temperature = 0}));
}

}  // namespace
}  // namespace vecton::engine
