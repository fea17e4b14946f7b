// The reference against numbers worked out by hand.
#include "backend/ref/ref_ops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/half.h"
#include "vecton/error.h"

namespace vecton::backend {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;
using testing::Pointwise;

class RefOpsTest : public testing::Test {
 protected:
  Tensor tensor(int64_t rows, int64_t columns, std::vector<float> values) {
    return ops_->upload(values, rows, columns);
  }
  std::vector<float> values(const Tensor& x) {
    std::vector<float> result(x.rows() * x.columns());
    ops_->download(x, result);
    return result;
  }
  static tensor::Weight weight(int64_t rows, int64_t columns, const std::vector<float>& values,
                               tensor::DType dtype = tensor::DType::kF32) {
    auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * tensor::size_of(dtype));
    for (size_t i = 0; i < values.size(); ++i) {
      const uint16_t half = dtype == tensor::DType::kF16 ? base::float_to_f16(values[i])
                                                         : base::float_to_bf16(values[i]);
      if (dtype == tensor::DType::kF32) {
        std::memcpy(bytes->data() + 4 * i, &values[i], 4);
      } else {
        std::memcpy(bytes->data() + 2 * i, &half, 2);
      }
    }
    tensor::Weight result;
    result.name = "w";
    result.codes.dtype = dtype;
    result.rows = rows;
    result.columns = columns;
    result.codes.bytes = *bytes;
    result.keep = bytes;
    return result;
  }
  ops::Vector vector(const std::vector<float>& values) {
    return tensor(1, static_cast<int64_t>(values.size()), values);
  }
  tensor::Indices indices(std::vector<int32_t> values) {
    return ops_->upload_indices(std::move(values));
  }

  std::unique_ptr<Ops> ops_ = make_ref_ops();
};

TEST_F(RefOpsTest, LinearStacksItsParts) {
  for (const tensor::DType dtype :
       {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16}) {
    const std::vector<tensor::Weight> parts = {weight(1, 2, {1, 2}, dtype),
                                               weight(2, 2, {3, 4, -5, 6}, dtype)};
    const ops::LinearWeight w{ops_->prepare_linear(parts), vector({0.5f, 0, 10})};
    EXPECT_EQ(w.w->n, 3);
    EXPECT_EQ(w.w->k, 2);
    const Tensor residual = tensor(1, 3, {100, 200, 300});
    EXPECT_THAT(
        values(ops_->linear(tensor(1, 2, {1, 10}), w, ops::Activation::kIdentity, &residual)),
        ElementsAre(121.5f, 243, 365));
    EXPECT_THAT(values(ops_->linear(tensor(1, 2, {-1, 0}), w, ops::Activation::kRelu, nullptr)),
                ElementsAre(0, 0, 15));
  }
}

TEST_F(RefOpsTest, LinearRefusesOtherTypes) {
  tensor::Weight w = weight(1, 1, {1});
  w.codes.dtype = tensor::DType::kI8;
  EXPECT_THROW(ops_->prepare_linear({&w, 1}), Error);
}

TEST_F(RefOpsTest, Activations) {
  const tensor::Weight one = weight(1, 1, {1});
  const ops::LinearWeight w{ops_->prepare_linear({&one, 1}), {}};
  const auto at = [&](ops::Activation act, float x) {
    return values(ops_->linear(tensor(1, 1, {x}), w, act))[0];
  };
  EXPECT_FLOAT_EQ(at(ops::Activation::kGelu, 1), 0.84134475f);
  EXPECT_FLOAT_EQ(at(ops::Activation::kGelu, -3), -0.0040496940f);
  EXPECT_FLOAT_EQ(at(ops::Activation::kGeluTanh, 1), 0.84119199f);
  EXPECT_FLOAT_EQ(at(ops::Activation::kSilu, 2), 1.7615942f);
  EXPECT_FLOAT_EQ(at(ops::Activation::kTanh, 0.5f), 0.46211716f);
  EXPECT_FLOAT_EQ(at(ops::Activation::kSigmoid, -1), 0.26894143f);
  EXPECT_EQ(at(ops::Activation::kRelu, -1), 0);
  EXPECT_EQ(at(ops::Activation::kGelu, -100), 0);
}

TEST_F(RefOpsTest, GatedLinear) {
  const ops::PreparedWeight w =
      ops_->prepare_gated(weight(2, 2, {1, 0, 0, 1}), weight(2, 2, {0, 2, 3, 0}));
  EXPECT_EQ(w->n, 2);
  EXPECT_THAT(values(ops_->gated_linear(tensor(1, 2, {4, -5}), {w, {}}, ops::Activation::kRelu)),
              ElementsAre(4 * -10, 0));
}

TEST_F(RefOpsTest, EmbedAddsItsTables) {
  const ops::PreparedWeight a = ops_->prepare_table(weight(3, 2, {1, 2, 3, 4, 5, 6}));
  const ops::PreparedWeight b = ops_->prepare_table(weight(1, 2, {10, 20}, tensor::DType::kF16));
  const tensor::Indices ids = indices({2, 0}), zeros = indices({0, 0});
  const Ops::Lookup lookups[] = {{*a, ids}, {*b, zeros}};
  EXPECT_THAT(values(ops_->embed(lookups)), ElementsAre(15, 26, 11, 22));
}

TEST_F(RefOpsTest, Norms) {
  const ops::NormWeight layer{ops::NormWeight::Kind::kLayerNorm, vector({1, 2}), vector({0, 1}), 0};
  EXPECT_THAT(values(ops_->norm(tensor(1, 2, {1, 3}), layer)), ElementsAre(-1, 3));
  const ops::NormWeight rms{ops::NormWeight::Kind::kRmsNorm, vector({1, 1}), {}, 0};
  EXPECT_THAT(values(ops_->norm(tensor(1, 4, {7, 1, 3, 0}), rms)),  // two groups
              Pointwise(FloatEq(), {1.4f, 0.2f, std::sqrt(2.0f), 0.0f}));
  const ops::NormWeight eps{ops::NormWeight::Kind::kRmsNorm, vector({1}), {}, 3};
  EXPECT_THAT(values(ops_->norm(tensor(1, 1, {1}), eps)), ElementsAre(0.5f));
}

TEST_F(RefOpsTest, RopeTurnsPairsHalfAHeadApart) {
  // Position 1 turns by a quarter; the fourth column of each head is not part of it, nor the third.
  const ops::RopeTable table{tensor(2, 1, {1, 0}), tensor(2, 1, {0, 1})};
  const tensor::Indices positions = indices({1, 0});
  EXPECT_THAT(
      values(ops_->rope(tensor(2, 6, {1, 2, 9, 3, 4, 9, 1, 2, 9, 3, 4, 9}), 3, positions, table)),
      ElementsAre(-2, 1, 9, -4, 3, 9, 1, 2, 9, 3, 4, 9));
}

TEST_F(RefOpsTest, AttentionSeesItsOwnSequence) {
  // Two sequences of two keys and one; equal scores average the values.
  const tensor::SequenceRows queries =
      ops_->upload_rows({.offsets = {0, 2, 3}, .index = {0, 1, 0}});
  const tensor::Indices keys = indices({0, 2, 3});
  const Tensor q = tensor(3, 1, {0, 0, 0}), k = tensor(3, 1, {1, 2, 3}),
               v = tensor(3, 1, {10, 20, 50});
  ops::AttentionShape shape{.heads = 1, .kv_heads = 1, .head_dim = 1, .scale = 1, .causal = false};
  EXPECT_THAT(values(ops_->attention(q, k, v, shape, queries, keys)), ElementsAre(15, 15, 50));
  shape.causal = true;
  EXPECT_THAT(values(ops_->attention(q, k, v, shape, queries, keys)), ElementsAre(10, 15, 50));
}

TEST_F(RefOpsTest, AttentionWeighsByScore) {
  // Only the second row is wanted.
  const tensor::SequenceRows queries = ops_->upload_rows({.offsets = {0, 1}, .index = {1}});
  const tensor::Indices keys = indices({0, 2});
  // Two query heads read one key head; scores 0.5 q k.
  const ops::AttentionShape shape{
      .heads = 2, .kv_heads = 1, .head_dim = 1, .scale = 0.5f, .causal = true};
  const Tensor q = tensor(1, 2, {2, 200}), k = tensor(2, 1, {1, 0}), v = tensor(2, 1, {1, 0});
  const float e = std::exp(1.0f);
  EXPECT_THAT(values(ops_->attention(q, k, v, shape, queries, keys)),
              ElementsAre(FloatNear(e / (e + 1), 1e-6f), 1));
}

TEST_F(RefOpsTest, Pools) {
  const Tensor x = tensor(4, 1, {3, -1, 4, 7});
  const tensor::SequenceRows rows =
      ops_->upload_rows({.offsets = {0, 3, 4}, .index = {0, 1, 4, 2}});
  const auto pooled = [&](ops::Pooling how) { return values(ops_->pool(x, how, rows)); };
  EXPECT_THAT(pooled(ops::Pooling::kCls), ElementsAre(3, 7));
  EXPECT_THAT(pooled(ops::Pooling::kLast), ElementsAre(4, 7));
  EXPECT_THAT(pooled(ops::Pooling::kMax), ElementsAre(4, 7));
  EXPECT_THAT(pooled(ops::Pooling::kMean), ElementsAre(2, 7));
  EXPECT_THAT(pooled(ops::Pooling::kMeanSqrtLen), ElementsAre(FloatEq(6 / std::sqrt(3.0f)), 7));
  EXPECT_THAT(pooled(ops::Pooling::kWeightedMean), ElementsAre(FloatEq((3 - 2 + 20) / 8.0f), 7));
}

TEST_F(RefOpsTest, NormalizesToLengthOne) {
  EXPECT_THAT(values(ops_->l2_normalize(tensor(3, 2, {3, -4, 0, 0, 1e-13f, 0}))),
              Pointwise(FloatEq(), {0.6f, -0.8f, 0.0f, 0.0f, 0.1f, 0.0f}));
}

TEST_F(RefOpsTest, RearrangesRowsAndColumns) {
  const Tensor x = tensor(3, 2, {1, 2, 3, 4, 5, 6});
  const tensor::Indices rows = indices({2, 2, 0});
  EXPECT_THAT(values(ops_->gather_rows(x, rows)), ElementsAre(5, 6, 5, 6, 1, 2));
  const Tensor parts[] = {x.slice_columns(1, 1), x};
  EXPECT_THAT(values(ops_->concat_columns(parts)), ElementsAre(2, 1, 2, 4, 3, 4, 6, 5, 6));
}

TEST_F(RefOpsTest, FreshMemoryShowsWhoReadsIt) {
  for (const float value : values(ops_->allocate(2, 3))) EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace vecton::backend
