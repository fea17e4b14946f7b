// Where norms and residuals sit in each kind of layer, with weights of one number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "nn/parallel.h"
#include "nn/post_norm.h"
#include "nn/pre_norm.h"
#include "nn/sandwich_norm.h"

namespace vecton::nn {
namespace {

// One token of two columns: attention gives its own value row.
class Halves : public ::testing::Test {
 protected:
  ops::LinearWeight times(float factor, int64_t stacked = 1) {
    std::vector<float> values;
    for (int64_t i = 0; i < stacked; ++i) values.insert(values.end(), {factor, 0, 0, factor});
    auto kept = std::make_shared<const std::vector<float>>(std::move(values));
    tensor::Weight weight;
    weight.rows = 2 * stacked;
    weight.columns = 2;
    weight.codes.bytes = std::as_bytes(std::span(*kept));
    weight.keep = kept;
    return {.w = ops_->prepare_linear({&weight, 1}), .bias = {}};
  }
  ops::NormWeight rms(float w) {
    const float weight[] = {w, w};
    return {ops::NormWeight::Kind::kRmsNorm, ops_->prepare_parameters(weight, 1, 2), {}, 0};
  }
  SelfAttention attention(float factor) {  // attention(x) = factor x
    return {.q = times(1),
            .kv = times(1, 2),
            .out = times(factor),
            .shape = {.heads = 1, .kv_heads = 1, .head_dim = 2, .scale = 1}};
  }
  Mlp mlp(float factor) {  // mlp(x) = factor x
    return {.up = times(1), .down = times(factor), .activation = ops::Activation::kIdentity};
  }
  template <class F>
  void expect(const F& forward, double a, double b) {
    const Tensor y = forward(ops_->upload(std::vector<float>{3, 4}, 1, 2));
    EXPECT_THAT(testing::values_of(*ops_, y),
                ::testing::Pointwise(::testing::FloatNear(1e-5f),
                                     {static_cast<float>(a), static_cast<float>(b)}));
  }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  tensor::Batch batch_{.ids = {0},
                       .rows = {.offsets = {0, 1}, .index = {0}},
                       .wanted = {.offsets = {0, 1}, .index = {0}}};
  ForwardPass pass_{*ops_, batch_};
  const double norm_ = std::sqrt(12.5);  // of (3, 4): the root of the mean square
};

TEST_F(Halves, PreNorm) {  // x + f(norm(x))
  const PreNormAttention attention{.norm = rms(2), .attention = this->attention(5)};
  const PreNormMlp mlp{.norm = rms(2), .mlp = this->mlp(5)};
  const double factor = 1 + 10 / norm_;
  expect([&](const Tensor& x) { return attention.forward(pass_, x, pass_.rows_of(0, 1)); },
         3 * factor, 4 * factor);
  expect([&](const Tensor& x) { return mlp.forward(*ops_, x); }, 3 * factor, 4 * factor);
  const PreNormAttention bare{.norm = {}, .attention = this->attention(5)};
  expect([&](const Tensor& x) { return bare.forward(pass_, x, pass_.rows_of(0, 1)); }, 18, 24);
}

TEST_F(Halves, PostNorm) {  // norm(x + f(x))
  const PostNormAttention attention{.attention = this->attention(5), .norm = rms(2)};
  const PostNormMlp mlp{.mlp = this->mlp(5), .norm = rms(2)};
  expect([&](const Tensor& x) { return attention.forward(pass_, x, pass_.rows_of(0, 1)); },
         6 / norm_, 8 / norm_);
  expect([&](const Tensor& x) { return mlp.forward(*ops_, x); }, 6 / norm_, 8 / norm_);
}

TEST_F(Halves, SandwichNorm) {  // x + after(f(norm(x)))
  const SandwichNormAttention attention{
      .norm = rms(2), .attention = this->attention(-5), .after = rms(7)};
  const SandwichNormMlp mlp{.norm = rms(2), .mlp = this->mlp(5), .after = rms(7)};
  expect([&](const Tensor& x) { return attention.forward(pass_, x, pass_.rows_of(0, 1)); },
         3 - 21 / norm_, 4 - 28 / norm_);
  expect([&](const Tensor& x) { return mlp.forward(*ops_, x); }, 3 + 21 / norm_, 4 + 28 / norm_);
}

TEST_F(Halves, Parallel) {  // x + attention(norm(x)) + mlp(norm(x))
  ParallelLayer layer{.norm = rms(2), .attention = attention(5), .mlp_norm = {}, .mlp = mlp(10)};
  const auto forward = [&](const Tensor& x) {
    return layer.forward(pass_, x, pass_.rows_of(0, 1));
  };
  expect(forward, 3 + 90 / norm_, 4 + 120 / norm_);
  layer.mlp_norm = rms(1);
  expect(forward, 3 + 60 / norm_, 4 + 80 / norm_);
}

TEST_F(Halves, AGatedMlp) {  // down(act(gate(x)) * up(x))
  const float two[] = {2, 0, 0, 2}, three[] = {3, 0, 0, 3};
  tensor::Weight gate, up;
  gate.rows = gate.columns = up.rows = up.columns = 2;
  gate.codes.bytes = std::as_bytes(std::span(two));
  up.codes.bytes = std::as_bytes(std::span(three));
  const Mlp mlp{.up = ops::GatedWeight{ops_->prepare_gated(gate, up), {}},
                .down = times(1),
                .activation = ops::Activation::kRelu};
  expect([&](const Tensor& x) { return mlp.forward(*ops_, x, &x); }, 3 + 6 * 9, 4 + 8 * 12);
}

}  // namespace
}  // namespace vecton::nn
