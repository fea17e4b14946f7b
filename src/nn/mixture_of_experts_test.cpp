// Experts, the MLP beside them and its gate, with weights of one number.
#include "nn/mixture_of_experts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "nn/feed_forward.h"

namespace vecton::nn {
namespace {

using testing::linear_of;
using testing::near;
using testing::values_of;

// Rows have one column, which the router reads: experts 0, 1, 2 have the logits x, 2x and -x.
// Expert e gives (e + 1) x^2, the MLP beside them 10 x^2.
class MixtureTest : public ::testing::Test {
 protected:
  ops::GatedWeight square() {
    const tensor::Weight one = testing::weight_of({1}, 1, 1);
    return {.w = ops_->prepare_gated(one, one), .bias = {}};
  }
  MixtureOfExperts mixture() {
    MixtureOfExperts made{.router = linear_of(*ops_, 3, 1, {1, 2, -1}),
                          .routing = {.k = 2, .normalize = true},
                          .experts = {.all = {}, .activation = ops::Activation::kIdentity}};
    for (const float factor : {1.0f, 2.0f, 3.0f}) {
      made.experts.all.push_back(
          ops::Expert{.up = square(), .down = linear_of(*ops_, 1, 1, {factor})});
    }
    return made;
  }
  Mlp beside() {
    return {.up = square(),
            .down = linear_of(*ops_, 1, 1, {10}),
            .activation = ops::Activation::kIdentity};
  }
  // Of the experts 1 and 0 for a positive x, 2 and 0 for a negative one.
  static float routed(float x) {
    const float first = x > 0 ? 2 * x : -x, part = 1 / (1 + std::exp(x - first));
    return (part * (x > 0 ? 2 : 3) + (1 - part)) * x * x;
  }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  const Tensor x_ = ops_->upload(std::vector<float>{1, -2, 0.5f}, 3, 1);
};

TEST_F(MixtureTest, AddsTheChosenExperts) {
  EXPECT_THAT(values_of(*ops_, mixture().forward(*ops_, x_)),
              near({routed(1), routed(-2), routed(0.5f)}, 1e-5f));
}

TEST_F(MixtureTest, AddsTheResidual) {
  const FeedForward layer = mixture();
  EXPECT_THAT(values_of(*ops_, feed_forward(layer, *ops_, x_, &x_)),
              near({1 + routed(1), -2 + routed(-2), 0.5f + routed(0.5f)}, 1e-5f));
}

TEST_F(MixtureTest, AnMlpStandsBesideThem) {
  MixtureOfExperts made = mixture();
  made.shared = beside();
  EXPECT_THAT(values_of(*ops_, made.forward(*ops_, x_)),
              near({10 + routed(1), 40 + routed(-2), 2.5f + routed(0.5f)}, 1e-5f));
  made.shared_gate = linear_of(*ops_, 1, 1, {1});
  const auto gate = [](float x) { return 1 / (1 + std::exp(-x)); };
  EXPECT_THAT(
      values_of(*ops_, made.forward(*ops_, x_)),
      near({10 * gate(1) + routed(1), 40 * gate(-2) + routed(-2), 2.5f * gate(0.5f) + routed(0.5f)},
           1e-5f));
}

TEST_F(MixtureTest, ABiasIsAddedToWhatTheyGive) {
  MixtureOfExperts made = mixture();
  made.bias = ops_->prepare_parameters(std::vector<float>{7}, 1, 1);
  EXPECT_THAT(values_of(*ops_, made.forward(*ops_, x_, &x_)),
              near({8 + routed(1), 5 + routed(-2), 7.5f + routed(0.5f)}, 1e-5f));
}

TEST_F(MixtureTest, TheRouterMayJudgeOtherRows) {
  const Tensor other = ops_->upload(std::vector<float>{1, 1, 1}, 3, 1);
  const std::vector<float> found = values_of(*ops_, mixture().routed(*ops_, other, x_));
  EXPECT_THAT(found, near({routed(1), 4 * routed(1), 0.25f * routed(1)}, 1e-5f));
}

}  // namespace
}  // namespace vecton::nn
