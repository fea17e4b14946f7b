// down(act(up(x))) and down(act(gate(x)) * up(x)) against torch (tests/golden/make/nn_blocks.py).
#include "nn/mlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"

namespace vecton::nn {
namespace {

using testing::linear_of;
using testing::near;
using testing::sines;
using testing::values_of;

struct Case {
  ops::Activation activation;
  std::vector<float> expected;
};

class MlpTest : public ::testing::Test {
 protected:
  Mlp plain(ops::Activation activation) {
    return {.up = linear_of(*ops_, 4, 3, sines(12, 0.3), sines(4, 0.2)),
            .down = linear_of(*ops_, 3, 4, sines(12, 0.7), sines(3, 0.4)),
            .activation = activation};
  }
  Mlp gated(ops::Activation activation, const std::vector<float>& bias = {}) {
    const tensor::Weight gate = testing::weight_of(sines(12, 0.3), 4, 3),
                         up = testing::weight_of(sines(12, 0.5), 4, 3);
    ops::GatedWeight both{.w = ops_->prepare_gated(gate, up), .bias = {}};
    if (!bias.empty()) both.bias = testing::vector_of(*ops_, bias);
    return {.up = both, .down = linear_of(*ops_, 3, 4, sines(12, 0.7)), .activation = activation};
  }
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  const Tensor x_ = ops_->upload(sines(6, 0.37), 2, 3);
};

TEST_F(MlpTest, IsTorchs) {
  const Case cases[] = {
      {ops::Activation::kGelu,
       {4.8924415f, -3.3996698f, 4.1873233f, 6.5542076f, -4.9893362f, 5.5211956f}},
      {ops::Activation::kGeluTanh,
       {4.8924983f, -3.3997435f, 4.1874054f, 6.5548415f, -4.9900179f, 5.5218463f}},
      {ops::Activation::kRelu,
       {5.0912455f, -3.6017874f, 4.3693989f, 6.6687739f, -5.1200818f, 5.6530122f}},
      {ops::Activation::kSilu,
       {4.4389142f, -2.9896463f, 3.8681840f, 6.1422158f, -4.6201646f, 5.2375041f}},
      {ops::Activation::kTanh,
       {2.8187747f, -1.5301788f, 2.7380379f, 2.9330173f, -1.6579276f, 2.8645307f}},
      {ops::Activation::kSigmoid,
       {2.7194159f, -1.5433541f, 2.8622248f, 2.8608228f, -1.6822935f, 2.9826415f}},
  };
  for (const auto& [activation, expected] : cases)
    EXPECT_THAT(values_of(*ops_, plain(activation).forward(*ops_, x_)), near(expected, 4e-6f))
        << static_cast<int>(activation);
}

// x sigmoid(1.702 x), as CLIP has it.
TEST_F(MlpTest, ASlopeMakesSiluQuickGelu) {
  Mlp mlp = plain(ops::Activation::kSilu);
  mlp.slope = 1.702f;
  EXPECT_THAT(
      values_of(*ops_, mlp.forward(*ops_, x_)),
      near({4.8579049f, -3.3677382f, 4.1616864f, 6.5166988f, -4.9554524f, 5.4948525f}, 4e-6f));
}

TEST_F(MlpTest, GatedIsTorchs) {
  const Case cases[] = {
      {ops::Activation::kGelu,
       {1.3886655f, -0.5718779f, -0.3109932f, 3.1963719f, -1.5628036f, -0.2513550f}},
      {ops::Activation::kGeluTanh,
       {1.3887083f, -0.5720622f, -0.3106887f, 3.1968593f, -1.5633522f, -0.2508086f}},
      {ops::Activation::kRelu,
       {1.3423943f, -0.3805744f, -0.6252228f, 3.1772734f, -1.3928381f, -0.5525471f}},
      {ops::Activation::kSilu,
       {1.2639754f, -0.5653107f, -0.1986786f, 3.0312247f, -1.5838940f, -0.0464642f}},
  };
  for (const auto& [activation, expected] : cases)
    EXPECT_THAT(values_of(*ops_, gated(activation).forward(*ops_, x_)), near(expected, 4e-6f))
        << static_cast<int>(activation);
}

// With x = 0 only biases are left: down(relu(g) * u) for gate biases g and up biases u.
TEST_F(MlpTest, TheGatesBiasesComeFirst) {
  const Tensor zero = ops_->upload(std::vector<float>(3), 1, 3);
  const Mlp mlp = gated(ops::Activation::kRelu, {1, 2, -3, 4, 10, 20, 30, 40});
  const Tensor products = ops_->upload(std::vector<float>{10, 40, 0, 160}, 1, 4);
  EXPECT_EQ(values_of(*ops_, mlp.forward(*ops_, zero)),
            values_of(*ops_, ops_->linear(products, mlp.down)));
}

TEST_F(MlpTest, TheResidualIsAddedToTheWhole) {
  for (const Mlp& mlp : {plain(ops::Activation::kGelu), gated(ops::Activation::kSilu)}) {
    std::vector<float> sum = values_of(*ops_, mlp.forward(*ops_, x_));
    const std::vector<float> own = values_of(*ops_, x_);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += own[i];
    EXPECT_THAT(values_of(*ops_, mlp.forward(*ops_, x_, &x_)), near(sum));
  }
}

TEST_F(MlpTest, ARowHasTheSameBitsAlone) {
  for (const Mlp& mlp : {plain(ops::Activation::kGeluTanh), gated(ops::Activation::kGelu)}) {
    const std::vector<float> both = values_of(*ops_, mlp.forward(*ops_, x_));
    for (int64_t i = 0; i < 2; ++i) {
      const std::vector<float> own = values_of(*ops_, mlp.forward(*ops_, x_.slice_rows(i, 1)));
      EXPECT_EQ(own, std::vector<float>(both.begin() + 3 * i, both.begin() + 3 * i + 3));
    }
  }
}

}  // namespace
}  // namespace vecton::nn
