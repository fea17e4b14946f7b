#include "heads/label_activation.h"

#include <gmock/gmock.h>

#include <vector>

namespace vecton {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

std::vector<float> applied(const LabelActivation& activation, std::vector<float> row) {
  activation.apply(row);
  return row;
}

// Values of torch.nn's modules.
TEST(LabelActivation, IsTorchs) {
  const std::vector<float> x = {-1.0f, 0.5f, 2.0f};
  const std::pair<LabelActivation, std::vector<float>> cases[] = {
      {LabelActivation::kIdentity, x},
      {LabelActivation::kSigmoid, {0.26894143f, 0.62245935f, 0.88079709f}},
      {LabelActivation::kSoftmax, {0.03911257f, 0.17529039f, 0.78559703f}},
      {LabelActivation::kSoftmin, {0.78559703f, 0.17529039f, 0.03911257f}},
      {LabelActivation::kLogSoftmax, {-3.24131132f, -1.74131132f, -0.24131131f}},
      {LabelActivation(Activation::kTanh, "Tanh"), {-0.76159418f, 0.46211717f, 0.96402758f}},
      {LabelActivation(Activation::kRelu6, "ReLU6"), {0.0f, 0.5f, 2.0f}},
  };
  for (const auto& [activation, expected] : cases)
    EXPECT_THAT(applied(activation, x), Pointwise(FloatNear(1e-6f), expected)) << activation.name();
}

TEST(LabelActivation, HasANameForPeople) {
  EXPECT_EQ(LabelActivation().name(), "identity");
  EXPECT_EQ(LabelActivation(LabelActivation::kLogSoftmax).name(), "logsoftmax");
  EXPECT_EQ(LabelActivation(Activation::kSoftplus, "Softplus").name(), "softplus");
  EXPECT_EQ(LabelActivation(Activation::kSigmoid, "Sigmoid").name(), "sigmoid");
}

TEST(LabelActivation, TakesRowsOfNothingAndOfLargeNumbers) {
  EXPECT_TRUE(applied(LabelActivation::kSoftmax, {}).empty());
  EXPECT_THAT(applied(LabelActivation::kSoftmax, {1e30f, 0.0f}),
              Pointwise(FloatNear(0.0f), {1.0f, 0.0f}));
}

}  // namespace
}  // namespace vecton
