// A cache of narrower numbers: the same tokens whatever else is there, near those of float32, with
// room for more of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "engine/generation_test.h"
#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

class NarrowCache : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  static std::string model() { return std::get<0>(GetParam()); }
  static std::string dtype() { return std::get<1>(GetParam()); }
};

// A prefix that somebody else has computed is what a token would have computed itself.
TEST_P(NarrowCache, GivesTheSameBitsWhateverElseIsThere) {
  std::vector<std::string> want;
  std::vector<Request> requests;
  int64_t page = 0;
  {
    const auto alone =
        open(model(), {.threads = 1, .prefix_caching = false, .kv_cache_dtype = dtype()});
    page = (int64_t{8} << 20) / alone->stats().cache_pages + 1;
    requests = mixed_requests(8, alone->info().vocab_size);
    for (const Request& request : requests)
      want.push_back(text_of(alone->submit({request}).get().front()));
    for (const std::string& text : want) ASSERT_EQ(text.find("error: "), std::string::npos) << text;
  }
  const Setting settings[] = {
      {.threads = 2},
      {.threads = 1, .max_batch_tokens = 1},
      {.threads = 2, .max_batch_tokens = 24, .max_num_seqs = 3},
      {.threads = 2, .max_batch_tokens = 33, .cache_bytes = 60 * page},
  };
  for (Setting setting : settings) {
    setting.kv_cache_dtype = dtype();
    const auto engine = open(model(), setting);
    for (int round = 0; round < 2; ++round) {  // the second finds the first's prefixes
      const std::vector<Result> results = engine->submit(requests).get();
      for (size_t i = 0; i < results.size(); ++i) {
        ASSERT_EQ(text_of(results[i]), want[i])
            << "request " << i << ", " << setting.threads << " threads, batches of "
            << setting.max_batch_tokens << ", cache " << setting.cache_bytes;
      }
    }
  }
}

// Of each kind of cache one: all tokens, windows, latent rows, states beside pages, shared layers.
INSTANTIATE_TEST_SUITE_P(Models, NarrowCache,
                         ::testing::Combine(::testing::Values("emb-qwen3", "gen-gemma3",
                                                              "gen-deepseek-v3", "gen-qwen3.5",
                                                              "gen-gemma4-e2b"),
                                            ::testing::Values("bfloat16", "fp8", "fp8_e5m2")));

// Vectors do not depend on whether a cache is there at all.
TEST(KvCacheDtype, VectorsAreThoseOfNoCache) {
  const auto vectors = [](const std::string& dtype, bool cached) {
    EngineOptions options{.model = "tests/golden/emb-qwen3/model"};
    options.threads = 1;
    options.kv_cache_dtype = dtype;
    options.enable_prefix_caching = cached;
    options.runner = "pooling";
    const auto engine = Engine::open(options);
    std::vector<int32_t> ids(70);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i * 7 % 90 + 5);
    const Request request{.prompt = {.input = ids}, .task = Embed{}};
    std::vector<std::vector<float>> all;
    for (int i = 0; i < 3; ++i)
      all.push_back(engine->submit({request}).get().front().get<Vectors>().values);
    EXPECT_EQ(engine->stats().prefix_cache_hits > 0, cached);
    EXPECT_EQ(all[0], all[1]);
    EXPECT_EQ(all[0], all[2]);
    return all[0];
  };
  const std::vector<float> exact = vectors("auto", true);
  EXPECT_EQ(exact, vectors("float32", false));
  for (const auto& [dtype, far] :
       {std::pair{"bfloat16", 0.01}, {"fp8_e4m3", 0.12}, {"fp8_e5m2", 0.2}}) {
    const std::vector<float> rounded = vectors(dtype, true);
    EXPECT_EQ(rounded, vectors(dtype, false)) << dtype;
    EXPECT_NE(rounded, exact) << dtype;
    double squares = 0;
    for (size_t i = 0; i < exact.size(); ++i)
      squares += std::pow(static_cast<double>(rounded[i]) - exact[i], 2);
    EXPECT_LT(std::sqrt(squares), far) << dtype;
  }
}

TEST(KvCacheDtype, NarrowerCachesHaveRoomForMore) {
  const auto capacity = [](const char* model, const char* dtype) {
    const auto engine = open(model, {.threads = 1, .kv_cache_dtype = dtype});
    return std::pair(engine->stats().cache_tokens, engine->info().cache_bytes_per_token);
  };
  for (const char* model : {"emb-qwen3", "gen-gemma3", "gen-deepseek-v3"}) {
    const auto [tokens, bytes] = capacity(model, "auto");
    EXPECT_EQ(capacity(model, "float32"), std::pair(tokens, bytes));
    for (const auto& [dtype, times] : {std::pair{"bfloat16", 2}, {"fp8", 4}, {"fp8_e5m2", 4}}) {
      const auto [more, fewer] = capacity(model, dtype);
      EXPECT_EQ(fewer * times, bytes) << model << " " << dtype;
      EXPECT_NEAR(static_cast<double>(more), static_cast<double>(tokens * times), 16.0 * times)
          << model << " " << dtype;
    }
  }
}

TEST(KvCacheDtype, ModelsThatKeepNothingSaySo) {
  EngineOptions options{.model = "tests/golden/bert-embed-mean/model"};
  options.kv_cache_dtype = "fp8";
  const auto engine = Engine::open(options);
  EXPECT_THAT(engine->info().warnings,
              ::testing::Contains("kv_cache_dtype changes nothing: BertModel keeps no keys and "
                                  "values"));
  EXPECT_EQ(engine->info().kv_cache_dtype, "");
}

}  // namespace
}  // namespace vecton::engine
