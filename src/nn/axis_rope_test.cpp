// Rotary positions on three axes: which pair is of which, and how rows turn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "nn/rope.h"

namespace vecton::nn {
namespace {

using ::testing::ElementsAre;
using Axes = RopeOptions::Axes;

checkpoint::Config config_of(const std::string& parameters) {
  return checkpoint::Config(
      base::parse_json(R"({"rope_parameters": {"rope_theta": 100)" + parameters + "}}",
                       "config.json")
          .as_object(),
      "config.json");
}

std::vector<uint8_t> axes(const std::string& parameters, int64_t head_dim, Axes how) {
  return rope_frequencies(config_of(parameters), head_dim, {.axes = how}).axes;
}

TEST(RopeAxes, AreRunsOrTakeTurns) {
  EXPECT_THAT(axes(R"(, "mrope_section": [2, 1, 3])", 12, Axes::kInRuns),
              ElementsAre(0, 0, 1, 2, 2, 2));
  EXPECT_THAT(axes(R"(, "mrope_section": [4, 2, 2])", 16, Axes::kInterleaved),
              ElementsAre(0, 1, 2, 0, 1, 2, 0, 0));
  EXPECT_THAT(
      axes(R"(, "mrope_section": [4, 3, 1], "mrope_interleaved": true)", 16, Axes::kInterleaved),
      ElementsAre(0, 1, 2, 0, 1, 0, 0, 1));
  EXPECT_THAT(axes("", 8, Axes::kNone), ElementsAre());
}

TEST(RopeAxes, MakeAPlainTypeOfTheNameThatOlderFilesHave) {
  EXPECT_THAT(axes(R"(, "type": "mrope", "mrope_section": [1, 1, 2])", 8, Axes::kInRuns),
              ElementsAre(0, 1, 2, 2));
  EXPECT_REFUSED(axes(R"(, "type": "mrope")", 8, Axes::kNone), ErrorCode::kUnsupported, "mrope");
}

TEST(RopeAxes, RefuseSectionsThatDoNotShareThePairsOut) {
  for (const char* section : {"", R"(, "mrope_section": [2, 2])", R"(, "mrope_section": [2, 1, 2])",
                              R"(, "mrope_section": [5, -1, 0])"}) {
    EXPECT_REFUSED(axes(section, 8, Axes::kInRuns), ErrorCode::kCorrupt, "mrope_section");
  }
  EXPECT_REFUSED(
      axes(R"(, "mrope_section": [2, 1, 1], "mrope_interleaved": true)", 8, Axes::kInRuns),
      ErrorCode::kUnsupported, "mrope_interleaved");
}

class AxisRotation : public ::testing::Test {
 protected:
  // What becomes of two rows of ones, of which the second is wanted alone.
  std::vector<float> turned(const std::vector<int32_t>& positions, Axes how) {
    tensor::Batch batch{.ids = {0, 0},
                        .rows = {.offsets = {0, 2}, .index = {0, 1}},
                        .wanted = {.offsets = {0, 1}, .index = {1}}};
    batch.axis_positions = positions;
    const ForwardPass pass(*ops_, batch);
    const Rope rope(config_of(R"(, "mrope_section": [2, 1, 1])"), 8, {.axes = how});
    const Rotation turn = rope.rotation(pass);
    const LayerRows last = pass.rows_of(0, 1);
    const Tensor ones = ops_->upload(std::vector<float>(16, 1), 2, 8);
    const std::vector<float> all =
        testing::values_of(*ops_, ops_->rope(ones, 8, turn.all, *turn.table));
    const std::vector<float> wanted = testing::values_of(
        *ops_, ops_->rope(last.of(*ops_, ones), 8, turn.positions(last), *turn.table));
    EXPECT_EQ(wanted, std::vector<float>(all.begin() + 8, all.end()));
    return all;
  }
  // Pair `pair` of row 1.
  static float at(const std::vector<float>& rows, size_t pair) { return rows[8 + pair]; }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(AxisRotation, EqualPositionsTurnAsThePlacesDo) {
  const std::vector<float> plain = turned({}, Axes::kInterleaved);
  EXPECT_EQ(turned({0, 1, 0, 1, 0, 1}, Axes::kInterleaved), plain);
  EXPECT_EQ(turned({0, 1, 0, 1, 0, 1}, Axes::kInRuns), plain);
  EXPECT_EQ(turned({}, Axes::kNone), plain);
}

TEST_F(AxisRotation, EachPairTurnsByItsAxis) {
  const std::vector<float> still = turned({0, 0, 0, 0, 0, 0}, Axes::kInRuns);
  const auto moved = [&](const std::vector<int32_t>& positions, Axes how) {
    const std::vector<float> rows = turned(positions, how);
    std::vector<size_t> pairs;
    for (size_t pair = 0; pair < 4; ++pair) {
      if (at(rows, pair) != at(still, pair)) pairs.push_back(pair);
    }
    return pairs;
  };
  EXPECT_THAT(moved({0, 5, 0, 0, 0, 0}, Axes::kInRuns), ElementsAre(0, 1));
  EXPECT_THAT(moved({0, 0, 0, 5, 0, 0}, Axes::kInRuns), ElementsAre(2));
  EXPECT_THAT(moved({0, 0, 0, 0, 0, 5}, Axes::kInRuns), ElementsAre(3));
  EXPECT_THAT(moved({0, 5, 0, 0, 0, 0}, Axes::kInterleaved), ElementsAre(0, 3));
  EXPECT_THAT(moved({0, 0, 0, 5, 0, 0}, Axes::kInterleaved), ElementsAre(1));
  EXPECT_THAT(moved({0, 0, 0, 0, 0, 5}, Axes::kInterleaved), ElementsAre(2));
}

}  // namespace
}  // namespace vecton::nn
