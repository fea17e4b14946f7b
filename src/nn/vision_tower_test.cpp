// What a vision tower makes of small images: blocks side by side, branches behind, each image
// alone.
#include "nn/vision_tower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"

namespace vecton::nn {
namespace {

using testing::linear_of;
using testing::sines;

class VisionTowerTest : public ::testing::Test {
 protected:
  // Four columns a row, everything random.
  VisionTower tower(int layers) {
    const int64_t n = 4;
    VisionTower made{.embedding = linear_of(*ops_, n, 2, sines(n * 2, 0.7)),
                     .positions = PatchPositions{.table = sines(4 * n, 0.3), .side = 2, .width = n},
                     .rope = PatchRope{.head_dim = n},
                     .layers = {},
                     .merge = 2,
                     .merger = merger(1)};
    for (int i = 0; i < layers; ++i) {
      const double step = 0.11 * (i + 1);
      made.layers.push_back(
          {.attention =
               PreNormAttention{
                   .norm = norm(n),
                   .attention =
                       SelfAttention{
                           .q = linear_of(*ops_, n, n, sines(n * n, step)),
                           .kv = linear_of(*ops_, 2 * n, n, sines(2 * n * n, 2 * step)),
                           .out = linear_of(*ops_, n, n, sines(n * n, 3 * step)),
                           .shape = {.heads = 1, .kv_heads = 1, .head_dim = n, .scale = 0.5f}}},
           .mlp = PreNormMlp{.norm = norm(n),
                             .mlp = Mlp{.up = linear_of(*ops_, n, n, sines(n * n, 5 * step)),
                                        .down = linear_of(*ops_, n, n, sines(n * n, 7 * step))}},
           .branch = {}});
    }
    return made;
  }
  PatchMerger merger(double step) {
    return {.norm = norm(4),
            .mlp = Mlp{.up = linear_of(*ops_, 16, 16, sines(256, step)),
                       .down = linear_of(*ops_, 3, 16, sines(48, 2 * step))}};
  }
  ops::NormWeight norm(int64_t n) {
    return testing::norm_of(*ops_, ops::NormWeight::Kind::kLayerNorm,
                            std::vector<float>(static_cast<size_t>(n), 1.5f),
                            std::vector<float>(static_cast<size_t>(n), 0.25f), 1e-6f);
  }
  static tensor::Image image(int64_t rows, int64_t columns, double step) {
    tensor::Image made;
    made.patches = sines(rows * columns * 2, step);
    made.rows = rows;
    made.columns = columns;
    return made;
  }
  std::vector<float> rows(const VisionTower& tower,
                          const std::vector<const tensor::Image*>& images) {
    const Tensor y = tower.forward(*ops_, images);
    columns_ = y.columns();
    return testing::values_of(*ops_, y);
  }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  int64_t columns_ = 0;
};

TEST_F(VisionTowerTest, ReadsEachImageAlone) {
  const VisionTower model = tower(2);
  const tensor::Image a = image(4, 2, 0.9), b = image(2, 6, 0.4);
  std::vector<float> apart = rows(model, {&a});
  EXPECT_EQ(apart.size(), 2U * 3U);
  const std::vector<float> second = rows(model, {&b});
  EXPECT_EQ(second.size(), 3U * 3U);
  apart.insert(apart.end(), second.begin(), second.end());
  EXPECT_EQ(rows(model, {&a, &b}), apart);
}

TEST_F(VisionTowerTest, PatchesOfAnImageSeeEachOther) {
  const VisionTower model = tower(1);
  tensor::Image a = image(2, 4, 0.9);
  const std::vector<float> before = rows(model, {&a});
  a.patches.back() += 1;  // of the second block
  const std::vector<float> after = rows(model, {&a});
  for (size_t i = 0; i < 3; ++i) EXPECT_NE(before[i], after[i]) << i;
}

TEST_F(VisionTowerTest, PlacesCount) {
  VisionTower model = tower(1);
  tensor::Image a = image(2, 4, 0.9);
  const std::vector<float> wide = rows(model, {&a});
  std::swap(a.rows, a.columns);
  const std::vector<float> tall = rows(model, {&a});
  EXPECT_NE(wide, tall);
  model.positions.reset();
  const std::vector<float> turned = rows(model, {&a});
  EXPECT_NE(turned, tall);
  model.rope.reset();
  EXPECT_NE(rows(model, {&a}), turned);
}

TEST_F(VisionTowerTest, BranchesAreMoreColumnsInTheOrderOfTheirLayers) {
  VisionTower model = tower(3);
  const tensor::Image a = image(2, 4, 0.9);
  const std::vector<float> plain = rows(model, {&a});
  model.layers[0].branch = merger(0.2);
  model.layers[2].branch = model.merger;  // what the last layer gives, once more
  const std::vector<float> all = rows(model, {&a});
  ASSERT_EQ(columns_, 9);
  for (size_t row = 0; row < 2; ++row) {
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(all[9 * row + i], plain[3 * row + i]);
      EXPECT_NE(all[9 * row + 3 + i], plain[3 * row + i]);
      EXPECT_EQ(all[9 * row + 6 + i], plain[3 * row + i]);
    }
  }
}

TEST_F(VisionTowerTest, AMergersNormIsOfAPatchOrOfARow) {
  const Tensor x = ops_->upload(sines(8, 0.6), 1, 8);
  PatchMerger made{.norm = norm(4),
                   .mlp = Mlp{.up = linear_of(*ops_, 8, 8, sines(64, 1)),
                              .down = linear_of(*ops_, 2, 8, sines(16, 2))}};
  const std::vector<float> of_patches = testing::values_of(*ops_, made.forward(*ops_, x));
  made.norm = norm(8);
  EXPECT_NE(testing::values_of(*ops_, made.forward(*ops_, x)), of_patches);
}

TEST_F(VisionTowerTest, RefusesWhatItDoesNotRead) {
  const VisionTower model = tower(1);
  tensor::Image odd = image(3, 2, 0.9);
  EXPECT_REFUSED(rows(model, {&odd}), ErrorCode::kCorrupt, "3 x 2 patches");
  tensor::Image none;
  EXPECT_REFUSED(rows(model, {&none}), ErrorCode::kCorrupt, "0 x 0 patches");
  tensor::Image brief = image(2, 2, 0.9);
  brief.patches.resize(4);
  EXPECT_REFUSED(rows(model, {&brief}), ErrorCode::kCorrupt, "patches of 1 numbers");
}

}  // namespace
}  // namespace vecton::nn
