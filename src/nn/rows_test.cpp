// What layers read of a batch: rows moved along sequences, sums of embedding tables, indices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "nn/shifted_rows.h"
#include "nn/token_embedding.h"
#include "nn/token_indices.h"
#include "ops/cache.h"

namespace vecton::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::table_of;
using testing::values_of;

tensor::Batch batch_of(const std::vector<std::vector<int32_t>>& sequences) {
  tensor::Batch batch;
  for (const std::vector<int32_t>& ids : sequences) {
    for (size_t i = 0; i < ids.size(); ++i) {
      batch.ids.push_back(ids[i]);
      batch.rows.index.push_back(static_cast<int32_t>(i));
    }
    batch.rows.offsets.push_back(static_cast<int32_t>(batch.ids.size()));
  }
  batch.wanted = batch.rows;
  return batch;
}

class RowsTest : public ::testing::Test {
 protected:
  // Rows 1, 2, ... of one column, and ten times that in another.
  std::vector<float> shifted(const std::vector<std::vector<int32_t>>& sequences, int64_t by) {
    const tensor::Batch batch = batch_of(sequences);
    std::vector<float> rows;
    for (int64_t i = 1; i <= batch.tokens(); ++i) {
      rows.push_back(static_cast<float>(i));
      rows.push_back(static_cast<float>(10 * i));
    }
    const ForwardPass pass(*ops_, batch);
    const Tensor y = shifted_rows(pass, ops_->upload(rows, batch.tokens(), 2), by);
    const std::vector<float> both = values_of(*ops_, y);
    std::vector<float> first;
    for (size_t i = 0; i < both.size(); i += 2) {
      EXPECT_EQ(both[i + 1], 10 * both[i]);
      first.push_back(both[i]);
    }
    return first;
  }
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

const std::vector<std::vector<int32_t>> kThreeTexts = {{0, 0, 0}, {0}, {0, 0}};

TEST_F(RowsTest, MoveWithinTheirSequence) {
  EXPECT_THAT(shifted(kThreeTexts, 0), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(shifted(kThreeTexts, 1), ElementsAre(2, 3, 0, 0, 6, 0));
  EXPECT_THAT(shifted(kThreeTexts, -1), ElementsAre(0, 1, 2, 0, 0, 5));
  EXPECT_THAT(shifted(kThreeTexts, 2), ElementsAre(3, 0, 0, 0, 0, 0));
  EXPECT_THAT(shifted(kThreeTexts, -2), ElementsAre(0, 0, 1, 0, 0, 0));
}

TEST_F(RowsTest, MovedPastTheEndAreNothing) {
  for (const int64_t by : {3, -3, 7, -7})
    EXPECT_THAT(shifted(kThreeTexts, by), ElementsAre(0, 0, 0, 0, 0, 0)) << by;
}

TEST_F(RowsTest, MovedForthAndBackLoseTheirEndsOnly) {
  const tensor::Batch batch = batch_of({{0, 0, 0, 0}});
  const ForwardPass pass(*ops_, batch);
  const Tensor x = ops_->upload(std::vector<float>{1, 2, 3, 4}, 4, 1);
  EXPECT_THAT(values_of(*ops_, shifted_rows(pass, shifted_rows(pass, x, 1), -1)),
              ElementsAre(0, 2, 3, 4));
  EXPECT_THAT(values_of(*ops_, shifted_rows(pass, shifted_rows(pass, x, -1), 1)),
              ElementsAre(1, 2, 3, 0));
}

TEST_F(RowsTest, WordsAloneAreTheirRows) {
  const TokenEmbedding embedding{
      .words = table_of(*ops_, 3, 2, {1, 2, 3, 4, 5, 6}), .types = {}, .positions = {}};
  const tensor::Batch batch = batch_of({{2, 0}, {2}});
  EXPECT_THAT(values_of(*ops_, embedding.forward(ForwardPass(*ops_, batch))),
              ElementsAre(5, 6, 1, 2, 5, 6));
}

// word + type + position: 100 w + 10 t + p.
TEST_F(RowsTest, WordsTypesAndPositionsAreAdded) {
  const TokenEmbedding embedding{.words = table_of(*ops_, 3, 1, {0, 100, 200}),
                                 .types = table_of(*ops_, 2, 1, {0, 10}),
                                 .positions = table_of(*ops_, 4, 1, {0, 1, 2, 3})};
  tensor::Batch batch = batch_of({{1, 2, 0}, {2, 2}});
  EXPECT_THAT(values_of(*ops_, embedding.forward(ForwardPass(*ops_, batch))),
              ElementsAre(100, 201, 2, 200, 201));
  batch.type_ids = {0, 1, 1, 1, 0};
  EXPECT_THAT(values_of(*ops_, embedding.forward(ForwardPass(*ops_, batch))),
              ElementsAre(100, 211, 12, 210, 201));
}

// RoBERTa: positions begin at padding_id + 1, padding stays on padding_id.
TEST_F(RowsTest, PositionsCanBeginAfterThePadding) {
  const TokenEmbedding embedding{.words = table_of(*ops_, 3, 1, {0, 0, 0}),
                                 .types = {},
                                 .positions = table_of(*ops_, 6, 1, {0, 1, 2, 3, 4, 5}),
                                 .padding_id = 1};
  const tensor::Batch batch = batch_of({{0, 2, 1}, {1, 2, 0}});
  EXPECT_THAT(values_of(*ops_, embedding.forward(ForwardPass(*ops_, batch))),
              ElementsAre(2, 3, 1, 1, 2, 3));
}

TEST_F(RowsTest, AnEmptySequenceHasNoPositions) {
  EXPECT_THAT(positions_after_padding(batch_of({{}, {5, 6}, {}}), 1), ElementsAre(2, 3));
}

TEST_F(RowsTest, StatesBeforeEveryLayerAreKeptWhereTheyAreAskedFor) {
  tensor::Batch batch = batch_of({{0, 0}});
  std::vector<Tensor> states;
  batch.layer_states = &states;
  const ForwardPass pass(*ops_, batch);
  const Tensor a = ops_->upload(std::vector<float>{1, 2}, 2, 1),
               b = ops_->upload(std::vector<float>{3, 4}, 2, 1);
  EXPECT_TRUE(pass.enter(0, 2, a).all());
  EXPECT_TRUE(pass.enter(1, 2, b).all());
  ASSERT_EQ(states.size(), 2u);
  EXPECT_THAT(values_of(*ops_, states[0]), ElementsAre(1, 2));
  EXPECT_THAT(values_of(*ops_, states[1]), ElementsAre(3, 4));
}

TEST_F(RowsTest, APassWithoutACacheKeepsNothing) {
  const tensor::Batch batch = batch_of({{0, 0}});
  const ForwardPass pass(*ops_, batch);
  Tensor k = ops_->upload(std::vector<float>{1, 2}, 2, 1), v = k;
  const ops::KeyPages before = pass.exchange(0, k, v);
  EXPECT_TRUE(before.offsets.empty());
  EXPECT_TRUE(before.k.empty());
}

// Pages 1 and 0 of two rows each: a sequence of three rows fills one and half of the other.
TEST_F(RowsTest, APassWritesWhatItsSlotMappingSays) {
  tensor::Batch batch = batch_of({{7, 8, 9}});
  batch.block_tables = {tensor::BlockTable{.pages = {}, .offsets = {0, 0}, .cached = {0}}};
  batch.slot_mappings = {tensor::SlotMapping{.rows = {0, 1, 2}, .slots = {2, 3, 0}}};
  const std::vector<float> zeros(4);
  tensor::Cache cache{.page_rows = 2,
                      .layers = {{.k = ops_->upload(zeros, 4, 1), .v = ops_->upload(zeros, 4, 1)}},
                      .groups = 1};
  const ForwardPass pass(*ops_, batch, &cache);
  Tensor k = ops_->upload(std::vector<float>{1, 2, 3}, 3, 1),
         v = ops_->upload(std::vector<float>{4, 5, 6}, 3, 1);
  pass.exchange(0, k, v);
  EXPECT_THAT(values_of(*ops_, cache.layers[0].k), ElementsAre(3, 0, 1, 2));
  EXPECT_THAT(values_of(*ops_, cache.layers[0].v), ElementsAre(6, 0, 4, 5));
}

// Whether a token reads them in this pass or out of the cache later.
TEST_F(RowsTest, KeysAndValuesAreThoseOfANarrowCache) {
  tensor::Batch batch = batch_of({{7, 8}});
  batch.block_tables = {tensor::BlockTable{.pages = {}, .offsets = {0, 0}, .cached = {0}}};
  batch.slot_mappings = {tensor::SlotMapping{.rows = {0, 1}, .slots = {0, 1}}};
  tensor::Cache cache =
      ops::make_cache({tensor::KeysAndValues{.kv_heads = 1, .key_dim = 1, .value_dim = 1}}, 1, 2,
                      *ops_, tensor::DType::kF8E4M3);
  EXPECT_EQ(cache.layers[0].k.dtype(), tensor::DType::kF8E4M3);
  const Tensor given = ops_->upload(std::vector<float>{17, 1.1f}, 2, 1);
  Tensor k = given, v = ops_->upload(std::vector<float>{500, -0.3f}, 2, 1);
  ForwardPass(*ops_, batch, &cache).exchange(0, k, v);
  EXPECT_THAT(values_of(*ops_, k), ElementsAre(16, 1.125f));
  EXPECT_THAT(values_of(*ops_, v), ElementsAre(448, -0.3125f));
  EXPECT_THAT(values_of(*ops_, given), ElementsAre(17, 1.1f));

  tensor::Cache without{.dtype = tensor::DType::kF8E4M3};  // pages
  batch.block_tables.clear();
  batch.slot_mappings.clear();
  k = given;
  EXPECT_TRUE(ForwardPass(*ops_, batch, &without).exchange(0, k, v).offsets.empty());
  EXPECT_THAT(values_of(*ops_, k), ElementsAre(16, 1.125f));
}

}  // namespace
}  // namespace vecton::nn
