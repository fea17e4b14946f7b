// Every activation as a function of one number, beside torch 2.15's in float64; and what holds of
// them all.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ops/activation.h"

namespace vecton::nn {
namespace {

const std::vector<double> kAt = {-20, -6.5, -3, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 3, 6.5, 20, 25};

struct Values {
  ops::Activation activation;
  std::vector<double> values;
};

// torch.nn.functional's, of kAt; PReLU and RReLU with the slopes that they start from.
const std::vector<Values>& of_torch() {
  static const std::vector<Values> all = {
      {ops::Activation::kGelu,
       {0, -2.610399119085116e-10, -0.00404969409489031, -0.15865525393145702, -0.15426876936299344,
        -0.10032341857926907, 0, 0.14967658142073093, 0.34573123063700656, 0.841344746068543,
        2.99595030590511, 6.49999999973896, 20.0, 25.0}},
      {ops::Activation::kGeluTanh,
       {0, -6.27831120425526e-13, -0.0036373920817729943, -0.15880800939172324,
        -0.15428599017485606, -0.100324649298315, 0, 0.149675350701685, 0.34571400982514394,
        0.8411919906082768, 2.996362607918227, 6.499999999999372, 20.0, 25.0}},
      {ops::Activation::kRelu, {0, 0, 0, 0, 0, 0, 0, 0.25, 0.5, 1.0, 3.0, 6.5, 20.0, 25.0}},
      {ops::Activation::kSilu,
       {-4.122307236380407e-08, -0.009757684668790446, -0.14227761953270035, -0.2689414213699951,
        -0.1887703343990727, -0.10945587477855048, 0, 0.14054412522144952, 0.3112296656009273,
        0.7310585786300049, 2.8577223804672998, 6.490242315331209, 19.999999958776925,
        24.9999999996528}},
      {ops::Activation::kTanh,
       {-1.0, -0.9999954793514042, -0.9950547536867305, -0.7615941559557649, -0.46211715726000974,
        -0.24491866240370913, 0, 0.24491866240370913, 0.46211715726000974, 0.7615941559557649,
        0.9950547536867305, 0.9999954793514042, 1.0, 1.0}},
      {ops::Activation::kSigmoid,
       {2.0611536181902037e-09, 0.0015011822567369917, 0.04742587317756678, 0.2689414213699951,
        0.3775406687981454, 0.43782349911420193, 0.5, 0.5621765008857981, 0.6224593312018546,
        0.7310585786300049, 0.9525741268224334, 0.998498817743263, 0.9999999979388463,
        0.999999999986112}},
      {ops::Activation::kLog1pRelu,
       {0, 0, 0, 0, 0, 0, 0, 0.22314355131420976, 0.4054651081081644, 0.6931471805599453,
        1.3862943611198906, 2.0149030205422647, 3.044522437723423, 3.258096538021482}},
      {ops::Activation::kLeakyRelu,
       {-0.2, -0.065, -0.03, -0.01, -0.005, -0.0025, 0, 0.25, 0.5, 1.0, 3.0, 6.5, 20.0, 25.0}},
      {ops::Activation::kPRelu,
       {-5.0, -1.625, -0.75, -0.25, -0.125, -0.0625, 0, 0.25, 0.5, 1.0, 3.0, 6.5, 20.0, 25.0}},
      {ops::Activation::kRRelu,
       {-4.583333333333333, -1.4895833333333333, -0.6875, -0.22916666666666666,
        -0.11458333333333333, -0.057291666666666664, 0, 0.25, 0.5, 1.0, 3.0, 6.5, 20.0, 25.0}},
      {ops::Activation::kElu,
       {-0.9999999979388464, -0.9984965608070224, -0.950212931632136, -0.6321205588285577,
        -0.3934693402873666, -0.22119921692859512, 0, 0.25, 0.5, 1.0, 3.0, 6.5, 20.0, 25.0}},
      {ops::Activation::kSelu,
       {-1.758099337223664, -1.7554561453931987, -1.6705687287671118, -1.1113307378125625,
        -0.6917581878028713, -0.388890197478119, 0, 0.2626752468388701, 0.5253504936777402,
        1.0507009873554805, 3.1521029620664414, 6.829556417810623, 21.014019747109607,
        26.26752468388701}},
      {ops::Activation::kSoftplus,
       {2.061153620314381e-09, 0.0015023101597542838, 0.04858735157374206, 0.31326168751822286,
        0.4740769841801067, 0.5759394198788436, 0.6931471805599453, 0.8259394198788436,
        0.9740769841801067, 1.3132616875182228, 3.048587351573742, 6.501502310159754,
        20.000000002061153, 25.0}},
      {ops::Activation::kMish,
       {-4.122307240628762e-08, -0.00976500869207133, -0.1456474612756246, -0.30340146137410895,
        -0.22074377465173, -0.129926963679141, 0, 0.1695724096638176, 0.3752452113048951,
        0.8650983882673103, 2.9865350049679575, 6.499970703939837, 20.0, 25.0}},
      {ops::Activation::kHardtanh,
       {-1.0, -1.0, -1.0, -1.0, -0.5, -0.25, 0, 0.25, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0}},
      {ops::Activation::kHardSigmoid,
       {0, 0, 0, 0.3333333333333333, 0.4166666666666667, 0.4583333333333333, 0.5,
        0.5416666666666666, 0.5833333333333334, 0.6666666666666666, 1.0, 1.0, 1.0, 1.0}},
      {ops::Activation::kHardSwish,
       {0, 0, 0, -0.3333333333333333, -0.20833333333333334, -0.11458333333333333, 0,
        0.13541666666666666, 0.2916666666666667, 0.6666666666666666, 3.0, 6.5, 20.0, 25.0}},
      {ops::Activation::kSoftsign,
       {-0.9523809523809523, -0.8666666666666667, -0.75, -0.5, -0.3333333333333333, -0.2, 0, 0.2,
        0.3333333333333333, 0.5, 0.75, 0.8666666666666667, 0.9523809523809523, 0.9615384615384616}},
      {ops::Activation::kRelu6, {0, 0, 0, 0, 0, 0, 0, 0.25, 0.5, 1.0, 3.0, 6.0, 6.0, 6.0}},
      {ops::Activation::kTanhshrink,
       {-19.0, -5.500004520648596, -2.0049452463132695, -0.23840584404423515, -0.03788284273999026,
        -0.005081337596290869, 0, 0.005081337596290869, 0.03788284273999026, 0.23840584404423515,
        2.0049452463132695, 5.500004520648596, 19.0, 24.0}},
      {ops::Activation::kLogSigmoid,
       {-20.000000002061153, -6.501502310159754, -3.048587351573742, -1.3132616875182228,
        -0.9740769841801067, -0.8259394198788436, -0.6931471805599453, -0.5759394198788436,
        -0.4740769841801067, -0.31326168751822286, -0.04858735157374206, -0.0015023101597542838,
        -2.061153620314381e-09, -1.3887943864867583e-11}},
      {ops::Activation::kSoftshrink,
       {-19.5, -6.0, -2.5, -0.5, 0, 0, 0, 0, 0, 0.5, 2.5, 6.0, 19.5, 24.5}},
      {ops::Activation::kHardshrink,
       {-20.0, -6.5, -3.0, -1.0, 0, 0, 0, 0, 0, 1.0, 3.0, 6.5, 20.0, 25.0}},
  };
  return all;
}

TEST(ActivationValue, IsTorchs) {
  for (const auto& [activation, values] : of_torch()) {
    ASSERT_EQ(values.size(), kAt.size());
    for (size_t i = 0; i < kAt.size(); ++i) {
      EXPECT_NEAR(ops::activation_value(activation, kAt[i]), values[i],
                  1e-13 * (1 + std::abs(values[i])))
          << static_cast<int>(activation) << " of " << kAt[i];
    }
  }
}

TEST(ActivationValue, EveryOneIsInTheTable) {
  EXPECT_EQ(of_torch().size(), static_cast<size_t>(ops::Activation::kHardshrink));
  for (size_t i = 0; i < of_torch().size(); ++i)
    EXPECT_EQ(static_cast<size_t>(of_torch()[i].activation), i + 1);
  for (const double x : kAt) EXPECT_EQ(ops::activation_value(ops::Activation::kIdentity, x), x);
}

TEST(ActivationValue, NanStaysAndLargeNumbersAreNoTrouble) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [activation, values] : of_torch()) {
    const int name = static_cast<int>(activation);
    EXPECT_TRUE(std::isnan(ops::activation_value(activation, nan))) << name;
    for (const double large : {1e3, 1e30, 3e38}) {
      EXPECT_FALSE(std::isnan(ops::activation_value(activation, large))) << name << " of " << large;
      const double below = ops::activation_value(activation, -large);
      EXPECT_FALSE(std::isnan(below)) << name << " of " << -large;
    }
  }
}

// Those that are 0 below some number, or end somewhere, do so exactly.
TEST(ActivationValue, EndsAreExact) {
  EXPECT_EQ(ops::activation_value(ops::Activation::kRelu, -1e-300), 0);
  EXPECT_EQ(ops::activation_value(ops::Activation::kLog1pRelu, -5), 0);
  EXPECT_EQ(ops::activation_value(ops::Activation::kRelu6, 6.0000001), 6);
  EXPECT_EQ(ops::activation_value(ops::Activation::kHardtanh, 1.0000001), 1);
  EXPECT_EQ(ops::activation_value(ops::Activation::kHardtanh, -7), -1);
  EXPECT_EQ(ops::activation_value(ops::Activation::kHardSigmoid, 3.0000001), 1);
  EXPECT_EQ(ops::activation_value(ops::Activation::kHardSigmoid, -3.0000001), 0);
  EXPECT_EQ(ops::activation_value(ops::Activation::kHardshrink, 0.5), 0);
  EXPECT_EQ(ops::activation_value(ops::Activation::kSoftshrink, -0.5), 0);
  EXPECT_EQ(ops::activation_value(ops::Activation::kSoftplus, 21), 21);
}

// Sigmoid, tanh and their like never leave their range nor turn back.
TEST(ActivationValue, RisingOnesRise) {
  for (const ops::Activation rising :
       {ops::Activation::kRelu, ops::Activation::kTanh, ops::Activation::kSigmoid,
        ops::Activation::kLog1pRelu, ops::Activation::kLeakyRelu, ops::Activation::kElu,
        ops::Activation::kSelu, ops::Activation::kSoftplus, ops::Activation::kHardtanh,
        ops::Activation::kHardSigmoid, ops::Activation::kSoftsign, ops::Activation::kRelu6,
        ops::Activation::kLogSigmoid, ops::Activation::kSoftshrink, ops::Activation::kTanhshrink}) {
    double before = -std::numeric_limits<double>::infinity();
    for (double x = -30; x <= 30; x += 0.03125) {
      const double y = ops::activation_value(rising, x);
      // Softplus changes its formula at 20, by less than e^-20.
      EXPECT_GE(y, before - 3e-9) << static_cast<int>(rising) << " of " << x;
      before = y;
    }
  }
}

}  // namespace
}  // namespace vecton::nn
