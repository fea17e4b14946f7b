#include "nn/forward_pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "nn/self_attention.h"
#include "ops/cache.h"

namespace vecton::nn {
namespace {

using ::testing::ElementsAre;
using testing::values_of;

constexpr int64_t kHidden = 4, kPageRows = 4;

class ForwardPassTest : public ::testing::Test {
 protected:
  std::vector<float> numbers(int64_t count, float step) {
    std::vector<float> values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = std::sin(step * static_cast<float>(i + 1));
    return values;
  }
  ops::LinearWeight linear(int64_t n, int64_t k, float step) {
    auto kept = std::make_shared<const std::vector<float>>(numbers(n * k, step));
    tensor::Weight weight;
    weight.rows = n;
    weight.columns = k;
    weight.codes.bytes = std::as_bytes(std::span(*kept));
    weight.keep = kept;
    return {.w = ops_->prepare_linear({&weight, 1}), .bias = {}};
  }
  SelfAttention attention(int64_t layer, int64_t window) {
    return {.layer = layer,
            .q = linear(kHidden, kHidden, 0.3f),
            .kv = linear(kHidden, kHidden, 0.7f),
            .out = linear(kHidden, kHidden, 0.9f),
            .shape = {.heads = 2,
                      .kv_heads = 1,
                      .head_dim = 2,
                      .scale = 0.5f,
                      .causal = true,
                      .window = window}};
  }
  // One sequence: its rows from `begin` on, `begin` of them cached in the pages 2, 0, 1 of the
  // first group, 5, 3, 4 of the second.
  tensor::Batch batch_of(int32_t begin, int32_t end, int64_t groups) {
    tensor::Batch batch;
    batch.ids.resize(static_cast<size_t>(end - begin));
    batch.rows.index.resize(batch.ids.size());
    std::iota(batch.rows.index.begin(), batch.rows.index.end(), begin);
    batch.rows.offsets = {0, end - begin};
    batch.wanted = batch.rows;
    for (int32_t group = 0; group < groups; ++group) {
      const std::vector<int32_t> pages = {3 * group + 2, 3 * group, 3 * group + 1};
      tensor::BlockTable& table = batch.block_tables.emplace_back();
      tensor::SlotMapping& mapping = batch.slot_mappings.emplace_back();
      table.cached = {begin};
      for (int64_t p = 0; p < begin; p += kPageRows)
        table.pages.push_back(pages[static_cast<size_t>(p / kPageRows)]);
      table.offsets.push_back(static_cast<int32_t>(table.pages.size()));
      for (int32_t i = begin; i < end; ++i) {
        mapping.rows.push_back(i - begin);
        mapping.slots.push_back(static_cast<int32_t>(
            pages[static_cast<size_t>(i / kPageRows)] * kPageRows + i % kPageRows));
      }
    }
    return batch;
  }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

// In one pass, and token by token, with pages that are filled in part most of the time.
TEST_F(ForwardPassTest, ASequenceGoesOnByOneToken) {
  constexpr int32_t kTokens = 11;
  const tensor::CacheLayout layout = {
      tensor::KeysAndValues{.kv_heads = 1, .key_dim = 2, .value_dim = 2},
      tensor::KeysAndValues{.kv_heads = 1, .key_dim = 2, .value_dim = 2, .window = 3}};
  const SelfAttention layers[] = {attention(0, 0), attention(1, 3)};
  const Tensor x = ops_->upload(numbers(kTokens * kHidden, 0.37f), kTokens, kHidden);
  tensor::Cache cache = ops::make_cache(layout, 6, kPageRows, *ops_);
  EXPECT_EQ(cache.groups, 2);
  const auto run = [&](int32_t begin, int32_t end, tensor::Cache* with) {
    const tensor::Batch batch = batch_of(begin, end, cache.groups);
    const ForwardPass pass(*ops_, batch, with);
    Tensor y = x.slice_rows(begin, end - begin);
    for (int64_t i = 0; i < 2; ++i) {
      const LayerRows rows = pass.rows_of(i, 2);
      y = layers[i].forward(pass, y, y, rows, &y);
    }
    return values_of(*ops_, y);
  };
  const std::vector<float> whole = run(0, kTokens, nullptr);
  std::vector<float> steps = run(0, 6, &cache);
  for (int32_t i = 6; i < kTokens; ++i) {
    const std::vector<float> next = run(i, i + 1, &cache);
    steps.insert(steps.end(), next.begin(), next.end());
  }
  EXPECT_EQ(steps, whole);
}

TEST_F(ForwardPassTest, TheLastLayerComputesTheWantedRowsOnly) {
  tensor::Batch batch;
  batch.ids.resize(5);
  batch.rows = {.offsets = {0, 2, 5}, .index = {0, 1, 0, 1, 2}};
  batch.wanted = {.offsets = {0, 1, 2}, .index = {1, 0}};
  const ForwardPass pass(*ops_, batch);
  const Tensor x = ops_->upload(std::vector<float>{0, 1, 2, 3, 4}, 5, 1);
  EXPECT_TRUE(pass.rows_of(0, 2).all());
  const LayerRows last = pass.rows_of(1, 2);
  EXPECT_FALSE(last.all());
  EXPECT_THAT(values_of(*ops_, last.of(*ops_, x)), ElementsAre(1, 2));
  EXPECT_THAT(ops_->download_indices(last.rows().index), ElementsAre(1, 0));
  batch.wanted = batch.rows;
  EXPECT_TRUE(ForwardPass(*ops_, batch).rows_of(1, 2).all());
}

}  // namespace
}  // namespace vecton::nn
