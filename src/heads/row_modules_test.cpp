// Dense, LayerNorm and Normalize of a row against torch (tests/golden/make/nn_blocks.py), and what
// is said of modules that do not fit.
#include "heads/row_modules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "vecton/error.h"

namespace vecton::heads {
namespace {

using testing::near;
using testing::sines;
using testing::values_of;

// A float32 tensor of a file to be.
struct Part {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

std::string file_of(const std::vector<Part>& parts) {
  std::string header, data;
  for (const Part& part : parts) {
    std::string shape;
    for (const int64_t size : part.shape)
      shape += (shape.empty() ? "" : ",") + std::to_string(size);
    const size_t begin = data.size();
    data += testing::bytes_of(part.values);
    header += (header.empty() ? "{" : ",") + ("\"" + part.name) +
              "\":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[" +
              std::to_string(begin) + "," + std::to_string(data.size()) + "]}";
  }
  return testing::safetensors_of(header + "}", data);
}

class RowModulesTest : public ::testing::Test {
 protected:
  checkpoint::DenseModule dense(ops::Activation activation, int64_t out = 3, int64_t in = 4) {
    return {.folder = folder_.path() / "dense",
            .in_features = in,
            .out_features = out,
            .activation = activation};
  }
  void write_dense(std::vector<Part> more = {}, int64_t out = 3) {
    std::vector<Part> parts = {{"linear.weight", {out, 4}, sines(out * 4, 0.6)},
                               {"linear.bias", {out}, sines(out, 0.9)}};
    parts.insert(parts.end(), more.begin(), more.end());
    folder_.write("dense/model.safetensors", file_of(parts));
  }
  checkpoint::LayerNormModule norm(int64_t columns) {
    folder_.write("norm/model.safetensors",
                  file_of({{"norm.weight", {columns}, sines(columns, 1.1)},
                           {"norm.bias", {columns}, sines(columns, 1.9)}}));
    return {.folder = folder_.path() / "norm", .dimension = columns};
  }
  RowModules modules(const std::vector<checkpoint::RowModule>& list) {
    return RowModules(list, 4, *ops_);
  }
  std::vector<float> run(const std::vector<checkpoint::RowModule>& list) {
    return values_of(*ops_, modules(list).forward(*ops_, x_));
  }

  const testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  const Tensor x_ = ops_->upload(sines(8, 0.8), 2, 4);
};

TEST_F(RowModulesTest, NoneChangeNothing) {
  const RowModules none;
  EXPECT_EQ(values_of(*ops_, none.forward(*ops_, x_)), sines(8, 0.8));
  EXPECT_EQ(none.weight_bytes(), 0);
}

TEST_F(RowModulesTest, DenseIsTorchs) {
  write_dense();
  const std::pair<ops::Activation, std::vector<float>> cases[] = {
      {ops::Activation::kTanh,
       {0.9916692f, 0.1018279f, -0.2375337f, -0.8035291f, 0.9404542f, 0.8294557f}},
      {ops::Activation::kGelu,
       {2.7299334f, 0.0552492f, -0.0979117f, -0.1483435f, 1.6709677f, 1.0467108f}},
      {ops::Activation::kIdentity,
       {2.7383869f, 0.1021821f, -0.2421588f, -1.1084931f, 1.7419654f, 1.1863895f}},
      {ops::Activation::kRelu,
       {2.7383869f, 0.1021821f, 0.0000000f, 0.0000000f, 1.7419654f, 1.1863895f}},
      {ops::Activation::kSilu,
       {2.5720412f, 0.0536991f, -0.1064904f, -0.2750747f, 1.4823020f, 0.9088867f}},
      {ops::Activation::kMish,
       {2.7182516f, 0.0646284f, -0.1264589f, -0.3078621f, 1.6662355f, 1.0633049f}},
      {ops::Activation::kElu,
       {2.7383869f, 0.1021821f, -0.2150684f, -0.6699441f, 1.7419654f, 1.1863895f}},
      {ops::Activation::kSelu,
       {2.8772259f, 0.1073628f, -0.3781117f, -1.1778282f, 1.8302848f, 1.2465406f}},
      {ops::Activation::kSoftplus,
       {2.8010561f, 0.7455428f, 0.5793801f, 0.2852210f, 1.9033831f, 1.4528390f}},
      {ops::Activation::kLeakyRelu,
       {2.7383869f, 0.1021821f, -0.0024216f, -0.0110849f, 1.7419654f, 1.1863895f}},
      {ops::Activation::kHardSwish,
       {2.6189873f, 0.0528312f, -0.1113059f, -0.3494537f, 1.3767233f, 0.8277814f}},
      {ops::Activation::kSoftsign,
       {0.7325050f, 0.0927089f, -0.1949499f, -0.5257276f, 0.6352981f, 0.5426250f}},
      {ops::Activation::kTanhshrink,
       {1.7467177f, 0.0003542f, -0.0046250f, -0.3049640f, 0.8015112f, 0.3569337f}},
  };
  for (const auto& [activation, expected] : cases)
    EXPECT_THAT(run({dense(activation)}), near(expected, 2e-6f)) << static_cast<int>(activation);
}

TEST_F(RowModulesTest, DenseWithAFunctionOfTheWholeRow) {
  write_dense();
  const std::pair<checkpoint::RowFunction, std::vector<float>> cases[] = {
      {checkpoint::RowFunction::kSoftmax,
       {0.8909498f, 0.0638211f, 0.0452292f, 0.0354371f, 0.6129105f, 0.3516523f}},
      {checkpoint::RowFunction::kSoftmin,
       {0.0288528f, 0.4027886f, 0.5683586f, 0.8631173f, 0.0499036f, 0.0869791f}},
      {checkpoint::RowFunction::kLogSoftmax,
       {-0.1154672f, -2.7516720f, -3.0960129f, -3.3399948f, -0.4895363f, -1.0451122f}},
  };
  for (const auto& [function, expected] : cases) {
    checkpoint::DenseModule module = dense(ops::Activation::kIdentity);
    module.row_function = function;
    EXPECT_THAT(run({module}), near(expected, 2e-6f)) << static_cast<int>(function);
  }
}

TEST_F(RowModulesTest, DenseWithoutABias) {
  folder_.write("dense/model.safetensors", file_of({{"linear.weight", {3, 4}, sines(12, 0.6)}}));
  checkpoint::DenseModule plain = dense(ops::Activation::kIdentity);
  plain.bias = false;
  std::vector<float> expected = {2.7383869f,  0.1021821f, -0.2421588f,
                                 -1.1084931f, 1.7419654f, 1.1863895f};
  const std::vector<float> bias = sines(3, 0.9);
  for (size_t i = 0; i < expected.size(); ++i) expected[i] -= bias[i % 3];
  EXPECT_THAT(run({plain}), near(expected, 2e-6f));
}

TEST_F(RowModulesTest, PReluHasASlopeOfItsOwn) {
  write_dense({{"activation_function.weight", {1}, {0.3f}}});
  EXPECT_THAT(run({dense(ops::Activation::kPRelu)}),
              near({2.7383869f, 0.1021821f, -0.0726476f, -0.3325479f, 1.7419654f, 1.1863895f}));
}

TEST_F(RowModulesTest, AResidualOfAnotherSizeIsProjected) {
  write_dense({{"residual.weight", {3, 4}, sines(12, 1.7)}});
  checkpoint::DenseModule module = dense(ops::Activation::kTanh);
  module.residual = true;
  EXPECT_THAT(run({module}),
              near({0.7934167f, -0.4926305f, -1.0729224f, -0.6574380f, 1.5236915f, 1.6974948f}));
}

TEST_F(RowModulesTest, AResidualOfTheSameSizeIsTheInput) {
  write_dense({}, 4);
  checkpoint::DenseModule module = dense(ops::Activation::kTanh, 4);
  module.residual = true;
  EXPECT_THAT(run({module}), near({1.7090253f, 1.1014015f, 0.4379295f, 0.8305075f, -1.5603316f,
                                   -0.0557105f, 0.1981891f, -0.8646960f}));
  write_dense({{"activation_function.weight", {1}, {0.3f}}}, 4);
  module.activation = ops::Activation::kPRelu;
  EXPECT_THAT(run({module}), near({3.4557430f, 1.1017557f, 0.6028156f, 1.3581981f, -1.0893504f,
                                   0.7458008f, 0.5551228f, -0.5824556f}));
}

TEST_F(RowModulesTest, LayerNormIsTorchs) {
  EXPECT_THAT(run({norm(4)}), near({1.2513854f, 0.2484679f, -0.5877851f, 2.5300887f, 0.5393340f,
                                    -1.4464591f, -0.5262752f, -0.5962082f}));
}

TEST_F(RowModulesTest, NormalizeGivesLengthOne) {
  EXPECT_THAT(run({checkpoint::NormalizeModule()}),
              near({0.5106539f, 0.7115520f, 0.4808322f, -0.0415540f, -0.5382202f, -0.7084489f,
                    -0.4489420f, 0.0828871f}));
}

TEST_F(RowModulesTest, NormalizeLeavesNothingAsItIs) {
  const RowModules normalize = modules({checkpoint::NormalizeModule()});
  const Tensor zero = ops_->upload(std::vector<float>(4), 1, 4);
  EXPECT_THAT(values_of(*ops_, normalize.forward(*ops_, zero)), ::testing::Each(0.0f));
}

TEST_F(RowModulesTest, RunInOrder) {
  write_dense();
  const checkpoint::LayerNormModule layer_norm = norm(3);
  EXPECT_THAT(
      run({dense(ops::Activation::kTanh), layer_norm, checkpoint::NormalizeModule()}),
      near({0.9107551f, -0.3785318f, -0.1650417f, -0.4320704f, 0.0210330f, -0.9015946f}, 3e-6f));
  EXPECT_EQ(modules({dense(ops::Activation::kTanh), layer_norm}).columns(), 3);
}

TEST_F(RowModulesTest, ColumnsAreThoseOfTheLastDense) {
  EXPECT_EQ(columns_after({}, 7), 7);
  const std::vector<checkpoint::RowModule> list = {
      dense(ops::Activation::kTanh, 5), checkpoint::NormalizeModule(),
      dense(ops::Activation::kTanh, 2, 5), checkpoint::LayerNormModule()};
  EXPECT_EQ(columns_after(list, 4), 2);
  EXPECT_EQ(columns_after(std::span(list).first(2), 4), 5);
}

TEST_F(RowModulesTest, CountTheBytesOfTheirWeights) {
  write_dense();
  EXPECT_GE(modules({dense(ops::Activation::kTanh)}).weight_bytes(), int64_t{12 * 4});
  EXPECT_EQ(modules({checkpoint::NormalizeModule()}).weight_bytes(), 0);
}

TEST_F(RowModulesTest, SizesMustFollowOnOneAnother) {
  write_dense();
  EXPECT_REFUSED(modules({dense(ops::Activation::kTanh, 3, 5)}), ErrorCode::kCorrupt,
                 "dense: in_features is 5, what comes before it gives 4");
  EXPECT_REFUSED(modules({dense(ops::Activation::kTanh), dense(ops::Activation::kTanh)}),
                 ErrorCode::kCorrupt, "in_features is 4, what comes before it gives 3");
  EXPECT_REFUSED(modules({dense(ops::Activation::kTanh), norm(4)}), ErrorCode::kCorrupt,
                 "norm: dimension is 4, what comes before it gives 3");
}

TEST_F(RowModulesTest, MissingAndLeftOverTensorsAreNamed) {
  folder_.write("dense/model.safetensors", file_of({{"linear.weight", {3, 4}, sines(12, 0.6)}}));
  EXPECT_REFUSED(modules({dense(ops::Activation::kTanh)}), ErrorCode::kCorrupt, "linear.bias");
  folder_.write("dense/model.safetensors", file_of({{"linear.bias", {3}, sines(3, 0.6)}}));
  EXPECT_REFUSED(modules({dense(ops::Activation::kTanh)}), ErrorCode::kCorrupt, "linear.weight");
  folder_.write("dense/model.safetensors", file_of({{"linear.weight", {3, 5}, sines(15, 0.6)},
                                                    {"linear.bias", {3}, sines(3, 0.6)}}));
  EXPECT_REFUSED(modules({dense(ops::Activation::kTanh)}), ErrorCode::kCorrupt, "linear.weight",
                 "5");
  write_dense({});
  checkpoint::DenseModule residual = dense(ops::Activation::kTanh);
  residual.residual = true;
  EXPECT_REFUSED(modules({residual}), ErrorCode::kCorrupt, "residual.weight");
  EXPECT_REFUSED(modules({dense(ops::Activation::kPRelu)}), ErrorCode::kCorrupt,
                 "activation_function.weight");
}

TEST_F(RowModulesTest, ARowHasTheSameBitsAlone) {
  write_dense();
  const RowModules all =
      modules({dense(ops::Activation::kMish), norm(3), checkpoint::NormalizeModule()});
  const std::vector<float> both = values_of(*ops_, all.forward(*ops_, x_));
  for (int64_t i = 0; i < 2; ++i)
    EXPECT_EQ(values_of(*ops_, all.forward(*ops_, x_.slice_rows(i, 1))),
              std::vector<float>(both.begin() + 3 * i, both.begin() + 3 * i + 3));
}

}  // namespace
}  // namespace vecton::heads
