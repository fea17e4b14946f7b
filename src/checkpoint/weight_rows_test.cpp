// Rows of matrices of every kind of numbers, as the backend reads them.
#include "checkpoint/weight_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <vector>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"

namespace vecton::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

class WeightRows : public ::testing::Test {
 protected:
  std::vector<float> values(const tensor::Weight& weight) {
    const ops::PreparedWeight table = ops_->prepare_table(weight);
    std::vector<int32_t> ids(static_cast<size_t>(weight.rows));
    std::iota(ids.begin(), ids.end(), 0);
    const Ops::Lookup lookup{*table, ops_->upload_indices(std::move(ids))};
    std::vector<float> all(static_cast<size_t>(weight.rows * weight.columns));
    ops_->download(ops_->embed({&lookup, 1}), all);
    return all;
  }
  std::vector<float> rows_of(const std::vector<float>& all, const std::vector<int64_t>& rows,
                             int64_t columns) {
    std::vector<float> some;
    for (const int64_t row : rows) {
      some.insert(some.end(), all.begin() + row * columns, all.begin() + (row + 1) * columns);
    }
    return some;
  }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

tensor::Weight dense(const std::vector<float>& values, int64_t rows) {
  const auto kept = std::make_shared<const std::vector<float>>(values);
  tensor::Weight weight;
  weight.name = "w";
  weight.rows = rows;
  weight.columns = static_cast<int64_t>(values.size()) / rows;
  weight.codes.bytes = std::as_bytes(std::span(*kept));
  weight.keep = kept;
  return weight;
}

// 6 rows of 4 codes of 4 bits, a scale for 2 rows and 2 columns, an offset for each row.
tensor::Weight packed() {
  struct Kept {
    std::vector<unsigned char> codes;
    std::vector<float> scales, offsets;
  };
  const auto kept = std::make_shared<Kept>();
  for (int i = 0; i < 12; ++i) kept->codes.push_back(static_cast<unsigned char>(i * 37 + 5));
  for (int i = 0; i < 6; ++i) kept->scales.push_back(1 + 0.5f * static_cast<float>(i));
  for (int i = 0; i < 6; ++i) kept->offsets.push_back(static_cast<float>(i * i));
  tensor::Weight weight;
  weight.name = "w";
  weight.rows = 6;
  weight.columns = 4;
  weight.codes.kind = tensor::Codes::Kind::kUint;
  weight.codes.bits = 4;
  weight.codes.bytes = std::as_bytes(std::span(kept->codes));
  weight.scale = {
      .block_rows = 2, .block_columns = 2, .bytes = std::as_bytes(std::span(kept->scales))};
  weight.offset = {.block_columns = 4, .bytes = std::as_bytes(std::span(kept->offsets))};
  weight.keep = kept;
  return weight;
}

TEST_F(WeightRows, AreThoseOfTheWhole) {
  std::vector<float> numbers(24);
  std::iota(numbers.begin(), numbers.end(), 1.0f);
  for (const tensor::Weight& whole : {dense(numbers, 6), packed()}) {
    const std::vector<float> all = values(whole);
    for (const std::vector<int64_t>& rows :
         {std::vector<int64_t>{0}, {5, 0, 0}, {1, 3, 5}, {2, 3, 4, 5}}) {
      const tensor::Weight some = pick_rows(whole, rows);
      EXPECT_EQ(some.rows, static_cast<int64_t>(rows.size()));
      EXPECT_THAT(values(some), ElementsAreArray(rows_of(all, rows, 4)));
    }
    EXPECT_THAT(values(row_slice(whole, 2, 3)), ElementsAreArray(rows_of(all, {2, 3, 4}, 4)));
    EXPECT_THAT(values(row_slice(whole, 3, 2)), ElementsAreArray(rows_of(all, {3, 4}, 4)));
    EXPECT_THAT(values(pick_rows(row_slice(whole, 1, 4), std::vector<int64_t>{3, 1})),
                ElementsAreArray(rows_of(all, {4, 2}, 4)));
  }
}

TEST_F(WeightRows, OutliveTheWhole) {
  tensor::Weight some;
  {
    const tensor::Weight whole = packed();
    some = pick_rows(row_slice(whole, 1, 3), std::vector<int64_t>{0});
  }
  EXPECT_EQ(values(some).size(), 4u);
}

TEST_F(WeightRows, TransposedIsMatrixByMatrix) {
  const tensor::Weight turned = transposed(dense({1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60}, 4), 2);
  EXPECT_EQ(turned.rows, 6);
  EXPECT_EQ(turned.columns, 2);
  EXPECT_THAT(values(turned), ElementsAre(1, 4, 2, 5, 3, 6, 10, 40, 20, 50, 30, 60));
  EXPECT_REFUSED(transposed(packed(), 1), ErrorCode::kUnsupported, "w: expected float32");
}

}  // namespace
}  // namespace vecton::checkpoint
