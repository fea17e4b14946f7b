#include "nn/token_indices.h"

#include <gtest/gtest.h>

namespace vecton::nn {
namespace {

tensor::Batch two_sequences() {
  tensor::Batch batch;
  batch.ids = {5, 1, 6, 7, 1, 1, 8};
  batch.rows = {.offsets = {0, 4, 7}, .index = {0, 1, 2, 3, 0, 1, 2}};
  return batch;
}

TEST(TokenIndices, PositionsDoNotCountPadding) {
  EXPECT_EQ(positions_after_padding(two_sequences(), 1),
            (std::vector<int32_t>{2, 1, 3, 4, 1, 1, 2}));
  EXPECT_EQ(positions_after_padding(two_sequences(), 0),
            (std::vector<int32_t>{1, 2, 3, 4, 1, 2, 3}));
}

TEST(TokenIndices, OneTypeIsEveryTokensType) {
  tensor::Batch batch = two_sequences();
  const std::vector<int32_t> zeros(7);
  EXPECT_EQ(type_rows(batch, 2), zeros);
  batch.type_ids = {0, 0, 1, 1, 0, 1, 1};
  EXPECT_EQ(type_rows(batch, 1), zeros);
  EXPECT_EQ(type_rows(batch, 2), batch.type_ids);
}

}  // namespace
}  // namespace vecton::nn
