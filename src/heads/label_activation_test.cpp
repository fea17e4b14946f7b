#include "heads/label_activation.h"

#include <gmock/gmock.h>

#include <memory>
#include <vector>

#include "backend/ref/ref_ops.h"

namespace vecton::heads {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

// Of one row, or of several of the same length.
std::vector<float> applied(const LabelActivation& activation, const std::vector<float>& values,
                           int64_t rows = 1) {
  const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  const auto columns = static_cast<int64_t>(values.size()) / rows;
  return ops->download_all(std::vector{activation.apply(*ops, ops->upload(values, rows, columns))})
      .front();
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
      {LabelActivation(ops::Activation::kTanh, "Tanh"), {-0.76159418f, 0.46211717f, 0.96402758f}},
      {LabelActivation(ops::Activation::kRelu6, "ReLU6"), {0.0f, 0.5f, 2.0f}},
  };
  for (const auto& [activation, expected] : cases)
    EXPECT_THAT(applied(activation, x), Pointwise(FloatNear(1e-6f), expected)) << activation.name();
}

TEST(LabelActivation, HasANameForPeople) {
  EXPECT_EQ(LabelActivation().name(), "identity");
  EXPECT_EQ(LabelActivation(LabelActivation::kLogSoftmax).name(), "logsoftmax");
  EXPECT_EQ(LabelActivation(ops::Activation::kSoftplus, "Softplus").name(), "softplus");
  EXPECT_EQ(LabelActivation(ops::Activation::kSigmoid, "Sigmoid").name(), "sigmoid");
}

TEST(LabelActivation, TakesRowsOfNothingAndOfLargeNumbers) {
  EXPECT_TRUE(applied(LabelActivation::kSoftmax, {}).empty());
  EXPECT_THAT(applied(LabelActivation::kSoftmax, {1e30f, 0.0f}),
              Pointwise(FloatNear(0.0f), {1.0f, 0.0f}));
}

TEST(LabelActivation, ActivatesEachRowForItself) {
  const std::vector<float> row = {0.3f, -2, 4}, other = {1000, 1000, -1000};
  std::vector<float> both = row;
  both.insert(both.end(), other.begin(), other.end());
  for (const LabelActivation& activation :
       {LabelActivation(LabelActivation::kSoftmax), LabelActivation(LabelActivation::kSoftmin),
        LabelActivation(LabelActivation::kLogSoftmax),
        LabelActivation(ops::Activation::kMish, "Mish")}) {
    std::vector<float> expected = applied(activation, row);
    const std::vector<float> second = applied(activation, other);
    expected.insert(expected.end(), second.begin(), second.end());
    EXPECT_EQ(applied(activation, both, 2), expected) << activation.name();
  }
}

// (logit - mean) / sigma; without a calibration the logits themselves.
TEST(LabelActivation, CalibratesLogits) {
  const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  LabelActivation activation(LabelActivation::kSigmoid);
  const auto calibrated = [&](const std::vector<float>& logits) {
    return ops->download_all(std::vector{activation.calibrate(*ops, ops->upload(logits, 1, 3))})
        .front();
  };
  EXPECT_THAT(calibrated({1, -2, 0.1f}), testing::ElementsAre(1, -2, 0.1f));
  activation.set_calibration(2, 4);
  EXPECT_THAT(calibrated({1, -2, 10}), testing::ElementsAre(-0.25f, -1, 2));
  activation.set_calibration(0, 0.1);  // rounded once: float(1 / 0.1) and no other
  EXPECT_THAT(calibrated({1, 3, 0.7f}), testing::ElementsAre(10, static_cast<float>(3 / 0.1),
                                                             static_cast<float>(0.7f / 0.1)));
}

}  // namespace
}  // namespace vecton::heads
