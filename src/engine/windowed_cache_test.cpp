// The prefix cache of models whose layers see unequally far, keep latent rows or share what they
// keep: the bits of an answer do not depend on
// what was found, what was evicted, or how a text was cut into chunks.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

EngineOptions options_of(const std::string& model) {
  EngineOptions options{.model = "tests/golden/" + model + "/model"};
  options.convert = "embed";
  options.threads = 1;
  return options;
}

// Texts that begin alike for many times the window, or for less, and go on for as long.
std::vector<Request> requests() {
  std::vector<Request> all;
  for (int i = 0; i < 28; ++i) {
    std::string text;
    for (int word = 0; word < 20 + i % 4 * 17; ++word) text += "a" + std::to_string(word % 9) + " ";
    text += "then " + std::to_string(i) + " ";
    for (int word = 0; word < i % 7 * 13; ++word) text += std::to_string(i * word % 11) + " b ";
    all.push_back({.prompt = {.input = text, .truncation = {.to = -1}}});
  }
  return all;
}

class WindowedCache : public ::testing::TestWithParam<const char*> {};

TEST_P(WindowedCache, LeavesTheBitsAsTheyAre) {
  EngineOptions options = options_of(GetParam());
  options.enable_prefix_caching = false;
  const std::vector<Result> want = Engine::open(options)->submit(requests()).get();
  options.enable_prefix_caching = true;
  for (const int threads : {1, 3}) {
    for (const int64_t batch_tokens : {int64_t{24}, int64_t{0}}) {
      for (const int64_t cache_bytes : {int64_t{30000}, int64_t{150000}, int64_t{0}}) {
        options.threads = threads;
        options.max_batch_tokens = batch_tokens;
        options.cache_bytes = cache_bytes;
        const auto engine = Engine::open(options);
        for (int round = 0; round < 2; ++round) {
          const std::vector<Result> got = engine->submit(requests()).get();
          for (size_t i = 0; i < want.size(); ++i) {
            ASSERT_FALSE(got[i].error()) << got[i].error()->what();
            const std::span<const float> a = numbers_of(got[i].answer).values,
                                         b = numbers_of(want[i].answer).values;
            ASSERT_EQ(a.size(), b.size());
            ASSERT_EQ(std::memcmp(a.data(), b.data(), b.size_bytes()), 0)
                << "text " << i << ", round " << round << ", " << threads << " threads, batches of "
                << batch_tokens << " tokens, cache of " << cache_bytes << " bytes";
          }
        }
        const EngineStats stats = engine->stats();
        EXPECT_LE(stats.cache_pages_used, stats.cache_pages);
        if (cache_bytes == 0) {
          EXPECT_GT(stats.prefix_cache_hits, stats.prefix_cache_queries / 3);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, WindowedCache,
                         ::testing::Values("gen-gemma2", "gen-gemma3", "gen-mistral-sliding",
                                           "gen-qwen2-sliding", "gen-gpt-oss", "gen-deepseek-v3",
                                           "gen-gemma4-e2b"));

}  // namespace
}  // namespace vecton::engine
