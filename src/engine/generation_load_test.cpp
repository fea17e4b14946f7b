// Completions, vectors and requests that are given up, from several threads at once, on caches with
// room for little more than one sequence: what is answered is what each gives alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <random>
#include <string_view>
#include <thread>

#include "engine/generation_test.h"
#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

class GenerationLoad : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto engine = open(GetParam(), {.threads = 1, .prefix_caching = false});
    requests_ = mixed_requests(9, engine->info().vocab_size);
    for (int i = 0; i < 3; ++i)
      requests_.push_back(
          {.prompt = {.input = std::vector<int32_t>(1 + 31 * i, 7)}, .task = Embed{}});
    for (const Request& request : requests_)
      alone_.push_back(engine->submit({request}).get().front());
    for (const Result& result : alone_) ASSERT_FALSE(result.error()) << result.error()->what();
  }

  // Which refuse drafts.
  static bool keeps_states() {
    return std::string_view(GetParam()) == "gen-lfm2" ||
           std::string_view(GetParam()) == "gen-qwen3.5";
  }

  void expect_the_same(const Result& result, size_t which) const {
    if (std::holds_alternative<Embed>(requests_[which].task)) {
      EXPECT_EQ(result.get<Vectors>().values, alone_[which].get<Vectors>().values);
    } else {
      EXPECT_EQ(text_of(result), text_of(alone_[which])) << "request " << which;
    }
  }

  // What was written until nobody listened is how the whole answer begins.
  void expect_its_beginning(const Result& result, size_t which) const {
    const auto& all = alone_[which].get<Generation>().completions;
    const auto& got = result.get<Generation>().completions;
    ASSERT_EQ(got.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      const std::vector<int32_t>&want = all[i].token_ids, &have = got[i].token_ids;
      ASSERT_LE(have.size(), want.size());
      EXPECT_TRUE(std::equal(have.begin(), have.end(), want.begin())) << "request " << which;
    }
  }

  // One client's requests, one after the other.
  void send(Engine& engine, unsigned seed) const {
    std::mt19937 random(seed);
    for (int i = 0; i < 8; ++i) {
      const size_t which = random() % requests_.size(), other = random() % requests_.size();
      const bool writes = std::holds_alternative<Generate>(requests_[which].task);
      switch (random() % 4) {
        case 0:
          if (writes) stop_listening(engine, which, static_cast<int>(random() % 5));
          break;
        case 1:
          cancel(engine, which, std::chrono::microseconds(random() % 5000));
          break;
        default:
          const std::vector<Result> results =
              engine.submit({requests_[which], requests_[other]}).get();
          expect_the_same(results[0], which);
          expect_the_same(results[1], other);
      }
    }
  }

 private:
  void stop_listening(Engine& engine, size_t which, int after) const {
    Request request = requests_[which];
    auto heard = std::make_shared<std::atomic<int>>(0);
    request.on_delta = [=](const GenerationDelta&) { return ++*heard <= after; };
    expect_its_beginning(engine.submit({std::move(request)}).get().front(), which);
  }

  void cancel(Engine& engine, size_t which, std::chrono::microseconds after) const {
    std::promise<std::vector<Result>> promise;
    Ticket ticket = engine.submit({requests_[which]}, [&](std::vector<Result> results) {
      promise.set_value(std::move(results));
    });
    std::this_thread::sleep_for(after);
    ticket.cancel();
    const Result result = promise.get_future().get().front();
    if (!result.error()) return expect_the_same(result, which);
    EXPECT_EQ(result.error()->code(), ErrorCode::kCancelled);
  }

  std::vector<Request> requests_;
  std::vector<Result> alone_;
};

TEST_P(GenerationLoad, LeavesTheTokensAsTheyAre) {
  const int64_t tiny = tight_cache(GetParam());
  const Setting settings[] = {
      {.threads = 2, .max_batch_tokens = 24, .cache_bytes = tiny},
      {.threads = 3, .cache_bytes = 2 * tiny, .max_num_seqs = 5},
      {.threads = 2,
       .cache_bytes = 2 * tiny,
       .speculative_config = keeps_states() ? "" : kEagerDrafts},
  };
  for (const Setting& setting : settings) {
    const auto engine = open(GetParam(), setting);
    std::vector<std::thread> clients;
    for (unsigned seed = 0; seed < 4; ++seed)
      clients.emplace_back([&, seed] { send(*engine, seed); });
    for (std::thread& client : clients) client.join();
    const EngineStats stats = engine->stats();
    EXPECT_EQ(stats.requests_running, 0);
    EXPECT_EQ(stats.requests_waiting, 0);
    EXPECT_EQ(stats.requests_failed, 0);
  }
}

// Of each kind of cache one: all tokens, windows, latent rows, states, layers that share.
INSTANTIATE_TEST_SUITE_P(Models, GenerationLoad,
                         ::testing::Values("emb-qwen3", "gen-gemma3", "gen-deepseek-v3", "gen-lfm2",
                                           "gen-qwen3.5", "gen-gemma4-e2b"));

}  // namespace
}  // namespace vecton::engine
