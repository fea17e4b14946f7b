#include "same_bits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::golden {

namespace {

std::unique_ptr<Engine> open(const std::filesystem::path& model, int threads,
                             int64_t max_batch_tokens) {
  EngineOptions options{.model = model.string()};
  options.convert = "embed";
  options.threads = threads;
  options.max_batch_tokens = max_batch_tokens;
  return Engine::open(options);
}

// Random ids: most sequences short, some as long as the model takes or 150.
std::vector<std::vector<int32_t>> random_ids(const ModelInfo& info, size_t count) {
  std::mt19937 random(5);
  std::vector<std::vector<int32_t>> rows(count);
  for (std::vector<int32_t>& row : rows) {
    const auto longest = std::min<int64_t>(random() % 6 == 0 ? 150 : 20, info.max_model_len);
    row.resize(1 + random() % static_cast<size_t>(longest));
    for (int32_t& id : row)
      id = static_cast<int32_t>(static_cast<int64_t>(random()) % info.vocab_size);
  }
  return rows;
}

std::vector<Result> compute(Engine& engine, const std::vector<std::vector<int32_t>>& rows) {
  std::vector<Request> requests;
  for (const auto& ids : rows)
    requests.push_back({.prompt = {.input = ids}, .task = TokenEmbed{.normalize = false}});
  return engine.submit(std::move(requests)).get();
}

std::vector<Result> embed_all(Engine& engine, const std::vector<std::vector<int32_t>>& rows) {
  std::vector<Request> requests;
  for (const auto& ids : rows) requests.push_back({.prompt = {.input = ids}, .task = Embed{}});
  return engine.submit(std::move(requests)).get();
}

}  // namespace

void expect_same_bits_in_any_batch(const std::filesystem::path& model) {
  const auto alone = open(model, 1, 1);
  const auto rows = random_ids(alone->info(), 24);
  const std::vector<Result> want = compute(*alone, rows);
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(9);
  for (const auto& [threads, batch_tokens] : {std::pair{1, 0}, {3, 0}, {2, 60}}) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<std::vector<int32_t>> shuffled;
    for (const size_t i : order) shuffled.push_back(rows[i]);
    const auto engine = open(model, threads, batch_tokens);
    const std::vector<Result> found = compute(*engine, shuffled);
    for (size_t i = 0; i < order.size(); ++i) {
      ASSERT_FALSE(found[i].error()) << found[i].error()->what();
      const std::span<const float> a = numbers_of(found[i].answer).values,
                                   b = numbers_of(want[order[i]].answer).values;
      ASSERT_EQ(a.size(), b.size());
      ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0)
          << "row of " << rows[order[i]].size() << " tokens, " << threads << " threads, batches of "
          << batch_tokens << " tokens";
    }
  }
}

void expect_same_bits_with_a_cache(const std::filesystem::path& model) {
  EngineOptions options{.model = model.string()};
  options.convert = "embed";
  options.threads = 2;
  options.enable_prefix_caching = false;
  const auto plain = Engine::open(options);
  options.enable_prefix_caching = true;
  const auto caching = Engine::open(options);
  std::vector<std::vector<int32_t>> rows = random_ids(plain->info(), 8);
  std::vector<int32_t> common(64);
  std::iota(common.begin(), common.end(), 5);
  for (std::vector<int32_t>& row : rows) row.insert(row.begin(), common.begin(), common.end());
  const std::vector<Result> want = embed_all(*plain, rows);
  for (int round = 0; round < 2; ++round) {
    const std::vector<Result> found = embed_all(*caching, rows);
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_FALSE(found[i].error()) << found[i].error()->what();
      const std::span<const float> a = numbers_of(found[i].answer).values,
                                   b = numbers_of(want[i].answer).values;
      ASSERT_EQ(a.size(), b.size());
      ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0) << "round " << round;
    }
  }
  EXPECT_GT(caching->stats().prefix_cache_hits, 0);
  EXPECT_EQ(plain->stats().prefix_cache_hits, 0);
}

}  // namespace vecton::golden
