// Engines, requests and answers for the tests of what is generated. Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::engine {

struct Setting {
  int threads = 2;
  int64_t max_batch_tokens = 0, cache_bytes = 8 << 20;
  bool prefix_caching = true;
  int64_t max_num_seqs = 256;
  std::string speculative_config{};
  std::string kv_cache_dtype = "auto";
};

// Drafts wherever a token has been there before: most are wrong.
constexpr const char* kEagerDrafts =
    R"({"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_min": 1,
        "prompt_lookup_max": 3})";

inline std::unique_ptr<Engine> open(const std::string& model, const Setting& setting = {}) {
  EngineOptions options{.model = "tests/golden/" + model + "/model"};
  options.runner = "generate";
  options.threads = setting.threads;
  options.max_batch_tokens = setting.max_batch_tokens;
  options.cache_bytes = setting.cache_bytes;
  options.enable_prefix_caching = setting.prefix_caching;
  options.max_num_seqs = setting.max_num_seqs;
  options.speculative_config = setting.speculative_config;
  options.kv_cache_dtype = setting.kv_cache_dtype;
  return Engine::open(options);
}

// Bytes of so many pages of the model's cache.
inline int64_t bytes_of_pages(const std::string& model, int64_t pages) {
  constexpr int64_t kBytes = 8 << 20;
  const int64_t all = open(model, {.cache_bytes = kBytes})->stats().cache_pages;
  return (kBytes / all + 1) * pages;
}

// The smallest cache, in steps of three pages, that has room for one sequence of 130 tokens.
inline int64_t tight_cache(const std::string& model) {
  const int64_t page = bytes_of_pages(model, 1);
  for (int64_t pages = 9;; pages += 3) {
    try {
      open(model, {.cache_bytes = pages * page})
          ->submit({{.prompt = {.input = std::vector<int32_t>(129, 1)},
                     .task = Generate{.max_tokens = 2, .temperature = 0}}})
          .get();
      return pages * page;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kTooLong);
    }
  }
}

// Prompts of 1 to about 100 tokens, some of which begin alike; greedy, sampled, with penalties,
// several completions.
inline std::vector<Request> mixed_requests(size_t count, int64_t vocab) {
  std::mt19937 random(11);
  const auto token = [&] { return static_cast<int32_t>(random() % static_cast<uint64_t>(vocab)); };
  std::vector<int32_t> shared(70);
  std::ranges::generate(shared, token);
  std::vector<Request> requests;
  for (size_t i = 0; i < count; ++i) {
    std::vector<int32_t> ids(shared.begin(), shared.begin() + random() % 4 * 20);
    const size_t own = 1 + random() % 30;
    for (size_t j = 0; j < own; ++j) ids.push_back(token());
    Generate g{.max_tokens = 1 + static_cast<int64_t>(random() % 24), .logprobs = 1};
    g.ignore_eos = random() % 2;
    g.temperature = 0;
    if (i % 3 == 1) {
      g.temperature = 1.2;
      g.seed = i;
      g.top_p = 0.9;
      g.n = 1 + static_cast<int64_t>(random() % 3);
    }
    if (i % 3 == 2) {
      g.repetition_penalty = 1.3;
      if (i % 2 == 1) g.repetition_context_size = 1 + static_cast<int64_t>(i % 30);
      g.frequency_penalty = 0.4;
    }
    if (i % 5 == 0) g.prompt_logprobs = 0;
    requests.push_back({.prompt = {.input = ids}, .task = g});
  }
  return requests;
}

// All that does not depend on the clock and on what is cached.
inline std::string text_of(const Result& result) {
  if (result.error()) return std::string("error: ") + result.error()->what();
  std::string text;
  const auto add = [&](const TokenLogprob& t) {
    uint32_t bits = 0;
    static_assert(sizeof(bits) == sizeof(t.logprob));
    std::memcpy(&bits, &t.logprob, sizeof(bits));
    text += std::to_string(t.id) + ":" + std::to_string(bits) + "#" + std::to_string(t.rank) + " ";
  };
  const auto& generation = std::get<Generation>(result.answer);
  for (const TokenLogprobs& l : generation.prompt_logprobs) add(l.token);
  for (const Completion& c : generation.completions) {
    text += "\n" + std::to_string(c.index) + to_string(c.finish_reason) + " " + c.text + "|";
    for (const int32_t id : c.token_ids) text += std::to_string(id) + " ";
    for (const TokenLogprobs& l : c.logprobs) {
      add(l.token);
      for (const TokenLogprob& t : l.top) add(t);
    }
  }
  return text;
}

}  // namespace vecton::engine
