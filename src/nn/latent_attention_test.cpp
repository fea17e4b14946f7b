// Latent attention against keys and values written out head by head.
#include "nn/latent_attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"

namespace vecton::nn {
namespace {

using testing::linear_of;
using testing::near;
using testing::sines;
using testing::values_of;

constexpr int64_t kHidden = 3, kHeads = 2, kStill = 2, kTurning = 2, kRank = 3, kValue = 2;

class LatentTest : public ::testing::Test {
 protected:
  // What a head makes of a row: key [kStill, kRank], value [kValue, kRank].
  static std::vector<float> key_of(int64_t head) { return sines(kStill * kRank, 0.3 + 0.2 * head); }
  static std::vector<float> value_of(int64_t head) {
    return sines(kValue * kRank, 0.9 + 0.1 * head);
  }
  LatentAttention latent() {
    LatentAttention made{
        .q_turning = linear_of(*ops_, kHeads * kTurning, kHidden, sines(12, 0.7)),
        .q_still = linear_of(*ops_, kHeads * kStill, kHidden, sines(12, 0.4)),
        .k_turning = linear_of(*ops_, kTurning, kHidden, sines(6, 0.5)),
        .down = linear_of(*ops_, kRank, kHidden, sines(9, 1.1)),
        .norm = testing::norm_of(*ops_, ops::NormWeight::Kind::kRmsNorm, {1, 2, 3}, {}, 1e-6f),
        .out = linear_of(*ops_, kHidden, kHeads * kValue, sines(12, 0.6)),
        .rope_dim = kTurning,
        .rank = kRank,
        .shape = {.heads = kHeads,
                  .kv_heads = 1,
                  .head_dim = kTurning + kRank,
                  .scale = 0.5f,
                  .causal = true}};
    for (int64_t head = 0; head < kHeads; ++head) {
      std::vector<float> turned;
      for (int64_t j = 0; j < kRank; ++j) {
        for (int64_t i = 0; i < kStill; ++i)
          turned.push_back(key_of(head)[static_cast<size_t>(i * kRank + j)]);
      }
      made.key.push_back(linear_of(*ops_, kRank, kStill, turned));
      made.value.push_back(linear_of(*ops_, kValue, kRank, value_of(head)));
    }
    return made;
  }
  // The same with keys [turning | still] and values (padded to their size) of every head.
  Tensor written_out(const LatentAttention& a, const ForwardPass& pass, const Tensor& x,
                     const Rotation& rope) {
    const Tensor row = ops_->norm(ops_->linear(x, a.down), a.norm);
    const Tensor k_turned =
        ops_->rope(ops_->linear(x, a.k_turning), kTurning, rope.all, *rope.table);
    const Tensor q_turned =
        ops_->rope(ops_->linear(x, a.q_turning), kTurning, rope.all, *rope.table);
    const Tensor q_still = ops_->linear(x, a.q_still);
    const Tensor nothing =
        ops_->upload(std::vector<float>(static_cast<size_t>(2 * x.rows())), x.rows(), 2);
    std::vector<Tensor> q, k, v;
    for (int64_t head = 0; head < kHeads; ++head) {
      q.push_back(q_turned.slice_columns(head * kTurning, kTurning));
      q.push_back(q_still.slice_columns(head * kStill, kStill));
      k.push_back(k_turned);
      k.push_back(ops_->linear(row, linear_of(*ops_, kStill, kRank, key_of(head))));
      v.push_back(ops_->linear(row, linear_of(*ops_, kValue, kRank, value_of(head))));
      v.push_back(nothing);
    }
    ops::AttentionShape shape = a.shape;
    shape.kv_heads = kHeads;
    shape.head_dim = kTurning + kStill;
    const Tensor context =
        ops_->attention(ops_->concat_columns(q), ops_->concat_columns(k), ops_->concat_columns(v),
                        shape, pass.rows, pass.rows.offsets);
    std::vector<Tensor> values;
    for (int64_t head = 0; head < kHeads; ++head)
      values.push_back(context.slice_columns(head * 4, kValue));
    return ops_->linear(ops_->concat_columns(values), a.out, ops::Activation::kIdentity, &x);
  }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  const Rope rope_{checkpoint::Config(json::object{}, "config.json"), kTurning, 10000};
};

TEST_F(LatentTest, IsAttentionOverKeysMadeOfRows) {
  tensor::Batch batch;
  batch.ids = {0, 0, 0, 0, 0};
  batch.rows = {.offsets = {0, 3, 5}, .index = {0, 1, 2, 0, 1}};
  batch.wanted = batch.rows;
  const ForwardPass pass(*ops_, batch);
  const Rotation rope = rope_.rotation(pass);
  const Tensor x = ops_->upload(sines(15, 0.37), 5, kHidden);
  const LayerRows rows(pass.rows);
  const LatentAttention a = latent();
  const std::vector<float> found = values_of(*ops_, a.forward(pass, x, x, rows, &x, rope));
  EXPECT_THAT(found, near(values_of(*ops_, written_out(a, pass, x, rope)), 1e-5f));
}

TEST_F(LatentTest, QueriesMayGoThroughABottleneck) {
  tensor::Batch batch;
  batch.ids = {0, 0};
  batch.rows = {.offsets = {0, 2}, .index = {0, 1}};
  batch.wanted = batch.rows;
  const ForwardPass pass(*ops_, batch);
  const Rotation rope = rope_.rotation(pass);
  const Tensor x = ops_->upload(sines(6, 0.37), 2, kHidden);
  const LayerRows rows(pass.rows);
  LatentAttention a = latent();
  const std::vector<float> plain = values_of(*ops_, a.forward(pass, x, x, rows, nullptr, rope));
  a.q_down = linear_of(*ops_, 3, kHidden, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  EXPECT_THAT(values_of(*ops_, a.forward(pass, x, x, rows, nullptr, rope)), near(plain, 1e-6f));
  a.q_norm = testing::norm_of(*ops_, ops::NormWeight::Kind::kRmsNorm, {1, 1, 1}, {}, 1e-6f);
  const Tensor normed = ops_->norm(x, *a.q_norm);
  const std::vector<float> bottleneck =
      values_of(*ops_, a.forward(pass, x, x, rows, nullptr, rope));
  a.q_down.reset();
  a.q_norm.reset();
  EXPECT_THAT(values_of(*ops_, a.forward(pass, x, normed, rows, nullptr, rope)),
              near(bottleneck, 1e-6f));
}

}  // namespace
}  // namespace vecton::nn
