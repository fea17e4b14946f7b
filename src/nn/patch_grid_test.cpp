// The order of an image's patches, and positions and rotations by their places.
#include "nn/patch_grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"

namespace vecton::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::Pointwise;

using Places = std::vector<PatchPlace>;

TEST(PatchPlaces, AreRowByRowOrBlockByBlock) {
  EXPECT_EQ(patch_places(2, 3, 1), (Places{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}}));
  EXPECT_EQ(patch_places(2, 4, 2),
            (Places{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}}));
  const Places tall = patch_places(4, 2, 2);
  EXPECT_EQ(tall.at(4), (PatchPlace{2, 0}));
  EXPECT_EQ(tall.back(), (PatchPlace{3, 1}));
}

TEST(GridWindows, HoldWhatThereIsAtTheEdges) {
  const GridWindows windows = grid_windows(3, 5, 2);
  EXPECT_THAT(windows.places, ElementsAre(0, 1, 5, 6, 2, 3, 7, 8, 4, 9, 10, 11, 12, 13, 14));
  EXPECT_THAT(windows.offsets, ElementsAre(0, 4, 8, 10, 12, 14, 15));
  EXPECT_THAT(grid_windows(2, 2, 4).places, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(grid_windows(2, 2, 4).offsets, ElementsAre(0, 4));
}

std::vector<float> drawn(const PatchPositions& positions, int64_t rows, int64_t columns) {
  std::vector<float> values;
  positions.append(rows, columns, patch_places(rows, columns, 1), values);
  return values;
}

// Of a square of three places a side, the number of row and column: 10 row + column.
const PatchPositions kSquare{.table = {0, 1, 2, 10, 11, 12, 20, 21, 22}, .side = 3, .width = 1};

TEST(PatchPositions, OfAGridOfTheirOwnSizeAreTheTable) {
  EXPECT_EQ(drawn(kSquare, 3, 3), kSquare.table);
  PatchPositions edges = kSquare;
  edges.resize = PatchPositions::Resize::kEdges;
  EXPECT_EQ(drawn(edges, 3, 3), kSquare.table);
}

TEST(PatchPositions, HaveTheTablesCornersInTheGrids) {
  EXPECT_THAT(drawn(kSquare, 2, 5),
              Pointwise(FloatEq(), {0.f, 0.5f, 1.f, 1.5f, 2.f, 20.f, 20.5f, 21.f, 21.5f, 22.f}));
  EXPECT_THAT(drawn(kSquare, 1, 1), ElementsAre(0));
}

TEST(PatchPositions, OrTheEdgesOfItsPlaces) {
  PatchPositions edges = kSquare;
  edges.resize = PatchPositions::Resize::kEdges;
  EXPECT_THAT(drawn(edges, 1, 6),
              Pointwise(FloatNear(1e-5f), {10.f, 10.25f, 10.75f, 11.25f, 11.75f, 12.f}));
  EXPECT_THAT(drawn(edges, 1, 1), Pointwise(FloatNear(1e-5f), {11.f}));
}

// As torch's interpolate with antialias has it: of a side of four, two places cover 2.5 each.
TEST(PatchPositions, OrOfAllThatAPlaceCovers) {
  PatchPositions line{.table = {}, .side = 4, .width = 1};
  line.resize = PatchPositions::Resize::kAntialias;
  for (int i = 0; i < 16; ++i) line.table.push_back(static_cast<float>(i % 4));
  const auto near = [](std::vector<float> values) {
    return Pointwise(FloatNear(1e-5f), std::move(values));
  };
  EXPECT_EQ(drawn(line, 4, 4), line.table);
  EXPECT_THAT(drawn(line, 1, 2), near({0.7142857f, 2.2857144f}));
  EXPECT_THAT(drawn(line, 1, 3), near({0.3f, 1.5f, 2.7f}));
  EXPECT_THAT(drawn(line, 1, 8), near({0.f, 0.25f, 0.75f, 1.25f, 1.75f, 2.25f, 2.75f, 3.f}));
}

TEST(PatchPositions, OfOneSizeAreOfNoOther) {
  PatchPositions square = kSquare;
  square.resize = PatchPositions::Resize::kNever;
  EXPECT_EQ(drawn(square, 3, 3), kSquare.table);
  EXPECT_REFUSED(drawn(square, 3, 2), ErrorCode::kCorrupt, "3 x 2 patches");
}

TEST(PatchPositions, AreInTheOrderOfThePlacesAndBehindWhatIsThere) {
  PatchPositions wide = kSquare;
  wide.table.insert(wide.table.begin(), 9, 0);
  for (size_t i = 0; i < 9; ++i) wide.table[2 * i] = wide.table[2 * i + 1] = kSquare.table[i];
  wide.width = 2;
  std::vector<float> values = {-1};
  wide.append(3, 3, {{2, 1}, {0, 2}}, values);
  EXPECT_THAT(values, ElementsAre(-1, 21, 21, 2, 2));
}

// Columns 0 and 1 turn by the row, 2 and 3 by the column, each with its partner half a head away.
TEST(PatchRope, TurnsByRowAndColumn) {
  const auto ops = backend::make_ref_ops();
  const PatchRope rope{.head_dim = 8, .theta = 100};
  const Rotation turn = rope.rotation(*ops, {{0, 0}, {3, 0}, {0, 2}});
  const std::vector<float> ones = {1, 1, 1, 1, 0, 0, 0, 0};
  std::vector<float> rows;
  for (int i = 0; i < 3; ++i) rows.insert(rows.end(), ones.begin(), ones.end());
  const std::vector<float> y =
      testing::values_of(*ops, ops->rope(ops->upload(rows, 3, 8), 8, turn.all, *turn.table));
  const auto row = [&](int64_t i) {
    return std::vector<float>(y.begin() + 8 * i, y.begin() + 8 * i + 8);
  };
  const auto c = [](double x) { return static_cast<float>(std::cos(x)); };
  const auto s = [](double x) { return static_cast<float>(std::sin(x)); };
  EXPECT_EQ(row(0), ones);
  EXPECT_THAT(row(1),
              Pointwise(FloatNear(1e-6f), {c(3), c(0.3), 1.f, 1.f, s(3), s(0.3), 0.f, 0.f}));
  EXPECT_THAT(row(2),
              Pointwise(FloatNear(1e-6f), {1.f, 1.f, c(2), c(0.2), 0.f, 0.f, s(2), s(0.2)}));
}

// The speeds of a rope of 8 columns and base 10^4 are 1, 0.1, 0.01 and 0.001.
TEST(PatchRope, GivesRowsAndColumnsTheSpeedsByTurns) {
  const auto ops = backend::make_ref_ops();
  const PatchRope rope{.head_dim = 8, .theta = 1e4, .alternating = true};
  const Rotation turn = rope.rotation(*ops, {{3, 2}});
  const std::vector<float> cos = testing::values_of(*ops, turn.table->cos);
  const auto c = [](double x) { return static_cast<float>(std::cos(x)); };
  EXPECT_THAT(cos, Pointwise(FloatNear(1e-6f), {c(3), c(0.03), c(0.2), c(0.002)}));
}

TEST(PatchRope, HasItsBaseInEitherPlace) {
  const auto theta_of = [](const std::string& settings) {
    const auto document = base::parse_json(settings, "config.json");
    return patch_rope(checkpoint::Config(document.as_object(), "config.json"), 8).theta;
  };
  EXPECT_EQ(theta_of("{}"), 1e4);
  EXPECT_EQ(theta_of(R"({"rope_theta": 500})"), 500);
  EXPECT_EQ(theta_of(R"({"rope_parameters": {"rope_type": "axial", "rope_theta": 600}})"), 600);
  EXPECT_REFUSED(theta_of(R"({"rope_theta": 0})"), ErrorCode::kCorrupt, "rope_theta");
  EXPECT_REFUSED(theta_of(R"({"rope_parameters": {"rope_type": "yarn"}})"), ErrorCode::kUnsupported,
                 "rope_type");
}

}  // namespace
}  // namespace vecton::nn
