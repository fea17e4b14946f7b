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
    const std::vector<float> patches = sines(rows * columns * 2, step);
    made.patches.assign(patches.begin(), patches.end());
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

// The blocks of each window as an image of their own, which a model without positions reads alike.
TEST_F(VisionTowerTest, PatchesOfAWindowSeeEachOther) {
  VisionTower model = tower(2);
  model.positions.reset();
  model.rope.reset();
  tensor::Image left = image(4, 2, 0.9), right = image(4, 2, 0.4), both;
  both.rows = both.columns = 4;
  const size_t block = 4 * 2;  // values of 2 x 2 patches
  for (const size_t row : {0U, 1U}) {
    for (const tensor::Image* half : {&left, &right}) {
      const auto from = half->patches.begin() + static_cast<std::ptrdiff_t>(row * block);
      both.patches.insert(both.patches.end(), from, from + static_cast<std::ptrdiff_t>(block));
    }
  }
  const std::vector<float> whole = rows(model, {&both});
  model.window = 1;
  EXPECT_EQ(rows(model, {&both}), whole);  // no layer has windows
  for (VisionTower::Layer& layer : model.layers) layer.windowed = true;
  std::vector<float> blocks;
  for (size_t i = 0; i < 4; ++i) {
    tensor::Image one = image(2, 2, 0);
    const auto from = both.patches.begin() + static_cast<std::ptrdiff_t>(i * block);
    one.patches.assign(from, from + static_cast<std::ptrdiff_t>(block));
    const std::vector<float> row = rows(model, {&one});
    blocks.insert(blocks.end(), row.begin(), row.end());
  }
  EXPECT_EQ(rows(model, {&both}), blocks);
  EXPECT_NE(blocks, whole);
  model.layers[1].windowed = false;  // and one that sees all of it again
  EXPECT_NE(rows(model, {&both}), blocks);
}

// Rows stay those of the blocks, row by row, and each image's own, whatever windows there are.
TEST_F(VisionTowerTest, WindowsMoveNoRows) {
  VisionTower model = tower(2);
  model.layers[0].branch = merger(0.2);
  const tensor::Image a = image(6, 10, 0.9), b = image(2, 4, 0.4);
  const std::vector<float> plain = rows(model, {&a, &b});
  model.window = 2;  // none of the layers has any
  const std::vector<float> moved = rows(model, {&a, &b});
  ASSERT_EQ(moved.size(), plain.size());
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(moved[i], plain[i], 1e-5) << i;
  model.layers[1].windowed = true;
  std::vector<float> apart = rows(model, {&a});
  const std::vector<float> second = rows(model, {&b});
  apart.insert(apart.end(), second.begin(), second.end());
  EXPECT_EQ(rows(model, {&a, &b}), apart);
}

TEST_F(VisionTowerTest, PatchesComeBlockByBlockOrRowByRow) {
  VisionTower model = tower(1);
  const tensor::Image blocks = image(4, 6, 0.9);
  tensor::Image lines = blocks;
  const std::vector<PatchPlace> places = patch_places(4, 6, 2);
  for (size_t i = 0; i < places.size(); ++i) {
    const auto to = static_cast<size_t>(places[i].row * 6 + places[i].column);
    for (size_t value : {0U, 1U}) lines.patches[2 * to + value] = blocks.patches[2 * i + value];
  }
  const std::vector<float> expected = rows(model, {&blocks});
  model.row_by_row = true;
  EXPECT_EQ(rows(model, {&lines}), expected);
  EXPECT_NE(rows(model, {&blocks}), expected);
}

TEST_F(VisionTowerTest, WhatTheLastLayerGivesMayHaveANorm) {
  VisionTower model = tower(1);
  const tensor::Image a = image(2, 4, 0.9);
  const std::vector<float> plain = rows(model, {&a});
  model.merger->norm =
      testing::norm_of(*ops_, ops::NormWeight::Kind::kLayerNorm, {1, 2, 3, 4}, {0, 1, 0, 1}, 1e-6f);
  const std::vector<float> once = rows(model, {&a});
  EXPECT_NE(once, plain);
  model.last_norm =
      testing::norm_of(*ops_, ops::NormWeight::Kind::kLayerNorm, {4, 3, 2, 1}, {1, 0, 1, 0}, 1e-6f);
  EXPECT_NE(rows(model, {&a}), once);
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
  const std::vector<float> of_patches = testing::values_of(*ops_, made.forward(*ops_, x, 1));
  made.norm = norm(8);
  EXPECT_NE(testing::values_of(*ops_, made.forward(*ops_, x, 1)), of_patches);
}

// Of rows of two patches of two columns: the first column of both patches, then the second.
TEST_F(VisionTowerTest, AMergersReductionReadsColumnByColumn) {
  const Tensor x = ops_->upload(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, 4, 2);
  std::vector<float> unit(16);
  for (size_t i = 0; i < 4; ++i) unit[5 * i] = 1;
  const PatchMerger made{.reduction = linear_of(*ops_, 4, 4, unit)};
  EXPECT_THAT(testing::values_of(*ops_, made.forward(*ops_, x, 2)),
              ::testing::ElementsAre(1, 3, 2, 4, 5, 7, 6, 8));
}

TEST_F(VisionTowerTest, WithoutAMergerEveryPatchHasARow) {
  VisionTower model = tower(1);
  model.merger.reset();
  model.merge = 1;
  const tensor::Image a = image(1, 3, 0.9);
  const std::vector<float> plain = rows(model, {&a});
  EXPECT_EQ(plain.size(), 3U * 4U);
  model.last_norm = norm(4);
  const std::vector<float> normed = rows(model, {&a});
  EXPECT_NE(normed, plain);
  model.projection = linear_of(*ops_, 2, 4, sines(8, 0.3));
  EXPECT_EQ(rows(model, {&a}).size(), 3U * 2U);
  model.first_norm = norm(4);
  model.projection.reset();
  EXPECT_NE(rows(model, {&a}), normed);
}

TEST_F(VisionTowerTest, ARowOfItsOwnSeesThePatchesAndIsLeft) {
  VisionTower model = tower(2);
  model.merger.reset();
  model.rope.reset();
  model.merge = 1;
  model.class_row = {0.5f, -0.25f, 1, 0};
  tensor::Image a = image(2, 3, 0.9);
  const tensor::Image b = image(1, 2, 0.4);
  std::vector<float> apart = rows(model, {&a});
  EXPECT_EQ(apart.size(), 4U);
  const std::vector<float> second = rows(model, {&b});
  apart.insert(apart.end(), second.begin(), second.end());
  EXPECT_EQ(rows(model, {&a, &b}), apart);
  a.patches.back() += 1;
  EXPECT_NE(rows(model, {&a}), std::vector<float>(apart.begin(), apart.begin() + 4));
  model.class_row.front() = 0;
  EXPECT_NE(rows(model, {&b}), second);
}

TEST_F(VisionTowerTest, AMergerPutsPatchesSideBySideOrTakesTheirMean) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8};
  const Tensor x = ops_->upload(values, 4, 2);
  PatchMerger made;
  EXPECT_EQ(testing::values_of(*ops_, made.forward(*ops_, x, 2)), values);
  made.averaged = true;
  EXPECT_THAT(testing::values_of(*ops_, made.forward(*ops_, x, 2)),
              ::testing::ElementsAre(2, 3, 6, 7));
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
