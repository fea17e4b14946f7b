#include "nn/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"

namespace vecton::nn {
namespace {

checkpoint::Config config_of(const std::string& text) {
  return checkpoint::Config(json::parse(text).as_object(), "config.json");
}

RopeFrequencies read(const std::string& text, int64_t head_dim, const RopeOptions& options = {}) {
  return rope_frequencies(config_of(text), head_dim, options);
}

void expect_near(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 2e-6 * std::abs(expected[i])) << "pair " << i;
}

TEST(RopeFrequencies, ArePowersOfTheBase) {
  expect_near(read("{}", 8).of_position, {1, 0.1, 0.01, 0.001});
  expect_near(read(R"({"rope_theta": 100})", 4).of_position, {1, 0.1});
  expect_near(
      read(R"({"rope_parameters": {"rope_type": "default", "rope_theta": 100}})", 4).of_position,
      {1, 0.1});
}

TEST(RopeFrequencies, LongRopeMayHaveAnAmplitudeOfLongSequences) {
  const std::string text = R"({"max_position_embeddings": 64,
      "original_max_position_embeddings": 16, "rope_scaling": {"type": "longrope",
      "short_factor": [1, 2], "long_factor": [4, 8], "short_mscale": 1.25, "long_mscale": 1.5}})";
  const RopeFrequencies f = read(text, 4, {.amplitudes = true});
  expect_near(f.of_position, {1, 0.005});
  EXPECT_EQ(f.of_position_long, f.of_position);
  EXPECT_EQ(f.amplitude, 1.25f);
  EXPECT_EQ(f.amplitude_long, 1.5f);
  EXPECT_EQ(f.long_after, 16);
  EXPECT_REFUSED(read(text, 4), ErrorCode::kUnsupported, "short_mscale");
}

// As files of Phi-3 have it.
TEST(RopeFrequencies, WithoutAScalingKnowNoLongSequences) {
  const checkpoint::Config config = config_of(
      R"({"max_position_embeddings": 64, "rope_scaling": null,
          "original_max_position_embeddings": 16})");
  EXPECT_EQ(rope_frequencies(config, 4, {.theta = 10000}).long_after, 0);
  EXPECT_THAT(config.unread(),
              ::testing::Not(::testing::Contains("original_max_position_embeddings")));
}

TEST(RopeFrequencies, OfAPartOfTheHead) {
  const RopeFrequencies half = read(R"({"partial_rotary_factor": 0.5})", 8);
  expect_near(half.of_position, {1, 0.01});
  EXPECT_EQ(half.rotary_dim(), 4);
  expect_near(read(R"({"rope_parameters": {"partial_rotary_factor": 0.25}})", 8).of_position, {1});
  EXPECT_REFUSED(read(R"({"partial_rotary_factor": 0.4})", 8), ErrorCode::kCorrupt, "3 columns");
  EXPECT_REFUSED(read(R"({"partial_rotary_factor": 2})", 8), ErrorCode::kCorrupt,
                 "partial_rotary_factor");
}

TEST(RopeFrequencies, LinearScalingDividesThem) {
  for (const char* key : {"type", "rope_type"}) {
    const std::string text =
        std::string(R"({"rope_scaling": {")") + key + R"(": "linear", "factor": 4}})";
    expect_near(read(text, 4).of_position, {0.25, 0.0025});
  }
}

// Wave lengths 2 pi, 20 pi, 200 pi: shorter than 64/4, between, longer than 64.
TEST(RopeFrequencies, Llama3KeepsFastOnesAndStretchesSlowOnes) {
  const std::string numbers =
      R"("factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64)";
  const double smooth = (64 / (20 * M_PI) - 1) / 3;
  const std::vector<double> expected = {1, (1 - smooth) * 0.1 / 8 + smooth * 0.1, 0.00125};
  expect_near(
      read(R"({"rope_theta": 1000, "rope_scaling": {"rope_type": "llama3", )" + numbers + "}}", 6)
          .of_position,
      expected);
  expect_near(
      read(R"({"rope_parameters": {"rope_theta": 1000, "rope_type": "llama3", )" + numbers + "}}",
           6)
          .of_position,
      expected);
}

// d = 8, base 10^4, 64 positions: 32 turns at pair -0.497, 1 turn at pair 1.00799.
TEST(RopeFrequencies, YarnMixesAlongARamp) {
  const std::string start =
      R"({"rope_scaling": {"type": "yarn", "factor": 4, "original_max_position_embeddings": 64)";
  const RopeFrequencies whole = read(start + "}}", 8);
  expect_near(whole.of_position, {1, (0.1 + 0.025) / 2, 0.0025, 0.00025});
  EXPECT_NEAR(whole.amplitude, 0.1 * std::log(4) + 1, 1e-6);

  const double end = 8 * std::log(64 / (2 * M_PI)) / (2 * std::log(1e4)), kept = 1 - 1 / end;
  expect_near(read(start + R"(, "truncate": false}})", 8).of_position,
              {1, 0.1 * kept + 0.025 * (1 - kept), 0.0025, 0.00025});

  EXPECT_NEAR(read(start + R"(, "mscale": 1, "mscale_all_dim": 0.5}})", 8).amplitude,
              (0.1 * std::log(4) + 1) / (0.05 * std::log(4) + 1), 1e-6);
  EXPECT_EQ(read(start + R"(, "attention_factor": 1.5}})", 8).amplitude, 1.5f);
}

TEST(RopeFrequencies, YarnStretchesToTheModelsLengthWhereNoFactorIsGiven) {
  const RopeFrequencies f = read(
      R"({"max_position_embeddings": 256,
          "rope_scaling": {"type": "yarn", "original_max_position_embeddings": 64}})",
      8);
  expect_near(f.of_position, {1, (0.1 + 0.025) / 2, 0.0025, 0.00025});
}

TEST(RopeFrequencies, LongropeHasOneListPerLength) {
  const std::string text = R"({"max_position_embeddings": 64, "rope_scaling": {
      "type": "longrope", "short_factor": [1, 2], "long_factor": [4, 8]},
      "original_max_position_embeddings": 16})";
  const RopeFrequencies f = read(text, 4);
  expect_near(f.of_position, {1, 0.005});
  expect_near(f.of_position_long, {0.25, 0.00125});
  EXPECT_EQ(f.long_after, 16);
  EXPECT_NEAR(f.amplitude, std::sqrt(1.5), 1e-6);
  EXPECT_REFUSED(read(text, 8), ErrorCode::kCorrupt, "short_factor", "4 numbers");
}

TEST(RopeFrequencies, ProportionalOnesKeepTheLayoutOfTheWholeHead) {
  expect_near(
      read(R"({"rope_parameters": {"rope_type": "proportional", "partial_rotary_factor": 0.5}})", 8)
          .of_position,
      {1, 0.1, 0, 0});
}

TEST(RopeFrequencies, DynamicOnesArePlainUpToTheModelsLength) {
  expect_near(read(R"({"rope_scaling": {"type": "dynamic", "factor": 2}})", 4).of_position,
              {1, 0.01});
}

// d = 4, factor 16: the last of two pairs is 16 times as slow.
TEST(RopeFrequencies, NtkSlowsTheLastPairMost) {
  const std::string start = R"({"rope_theta": 100, "rope_scaling": {"type": "ntk", "factor": 16)";
  expect_near(read(start + "}}", 4).of_position, {0.25, 0.1 / 16});
  expect_near(read(start + R"(, "mixed_b": 2}})", 4).of_position, {0.5, 0.1 / 16});
}

TEST(RopeFrequencies, OfAKindOfLayer) {
  const std::string nested = R"({"rope_parameters": {
      "full_attention": {"rope_type": "linear", "factor": 2, "rope_theta": 100},
      "sliding_attention": {"rope_type": "default"}}})";
  expect_near(read(nested, 4, {.layer_type = "full_attention"}).of_position, {0.5, 0.05});
  expect_near(read(nested, 4, {.theta = 10000, .layer_type = "sliding_attention"}).of_position,
              {1, 0.01});

  const std::string older = R"({"rope_theta": 100, "rope_local_base_freq": 10000,
      "rope_scaling": {"rope_type": "linear", "factor": 2}})";
  expect_near(read(older, 4, {.layer_type = "full_attention"}).of_position, {0.5, 0.05});
  expect_near(
      read(
          older, 4,
          {.theta_key = "rope_local_base_freq", .layer_type = "sliding_attention", .scaled = false})
          .of_position,
      {1, 0.01});
}

TEST(RopeFrequencies, RefusesWhatItDoesNotKnow) {
  EXPECT_REFUSED(read(R"({"rope_scaling": {"type": "xpos"}})", 4), ErrorCode::kUnsupported,
                 "\"xpos\"", "llama3");
  EXPECT_REFUSED(read(R"({"rope_scaling": {"type": "linear"}})", 4), ErrorCode::kCorrupt,
                 "rope_scaling.factor");
  EXPECT_REFUSED(read(R"({"rope_scaling": {"type": "linear", "factor": 0}})", 4),
                 ErrorCode::kCorrupt, "factor");
  EXPECT_REFUSED(read(R"({"rope_theta": -1})", 4), ErrorCode::kCorrupt, "rope_theta");
  EXPECT_REFUSED(read("{}", 5), ErrorCode::kCorrupt, "head_dim");
  EXPECT_REFUSED(read("{}", int64_t{1} << 31), ErrorCode::kCorrupt, "2147483648 columns");
}

TEST(Rope, TablesHoldTheAnglesOfEveryPosition) {
  const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  const Rope rope(config_of("{}"), 4, 10000.0);
  const auto table = rope.table(*ops, 300);
  ASSERT_GE(table->positions(), 300);
  EXPECT_EQ(table->rotary_dim(), 4);
  EXPECT_NEAR(testing::values_of(*ops, table->cos)[299 * 2 + 1], std::cos(2.99), 1e-6);
  EXPECT_NEAR(testing::values_of(*ops, table->sin)[299 * 2 + 1], std::sin(2.99), 1e-6);
  EXPECT_EQ(rope.table(*ops, 100), table);
  EXPECT_EQ(rope.long_after(), 0);
}

// Divisors that are the same for all lengths: what a prefix keeps stands for it.
TEST(Rope, EqualFactorsDoNotDependOnTheLength) {
  const Rope rope(config_of(R"({"max_position_embeddings": 64, "rope_scaling": {
      "type": "longrope", "short_factor": [1, 4], "long_factor": [1, 4], "attention_factor": 1,
      "factor": 1}})"),
                  4, 10000.0);
  EXPECT_EQ(rope.long_after(), 0);
  const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  const std::vector<float> cosines = testing::values_of(*ops, rope.table(*ops, 64)->cos);
  EXPECT_NEAR(cosines[50 * 2], std::cos(50.0), 1e-5);
  EXPECT_NEAR(cosines[50 * 2 + 1], std::cos(50.0 / 400), 1e-6);
}

TEST(Rope, LongSequencesOfABatchTurnLikeLongOnesAlone) {
  const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  const Rope rope(config_of(R"({"max_position_embeddings": 64, "rope_scaling": {
      "type": "longrope", "short_factor": [1, 1], "long_factor": [2, 2], "attention_factor": 1},
      "original_max_position_embeddings": 3})"),
                  4, 10000.0);
  EXPECT_GT(rope.long_after(), 0);
  tensor::Batch batch;
  batch.ids.resize(7);
  batch.rows = {.offsets = {0, 3, 7}, .index = {0, 1, 2, 0, 1, 2, 3}};
  batch.wanted = {.offsets = {0, 1, 2}, .index = {2, 3}};
  const Rotation rotation = rope.rotation(ForwardPass(*ops, batch));
  EXPECT_EQ(ops->download_indices(rotation.all), (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(ops->download_indices(rotation.wanted), (std::vector<int32_t>{2, 6}));
  const std::vector<float> cosines = testing::values_of(*ops, rotation.table->cos);
  EXPECT_NEAR(cosines[2 * 2], std::cos(2.0), 1e-6);
  EXPECT_NEAR(cosines[6 * 2], std::cos(1.5), 1e-6);
}

// The first rows of one, far from where it becomes long.
TEST(Rope, TablesHaveTheRowsOfSequencesThatWillBeLong) {
  const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  const Rope rope(config_of(R"({"max_position_embeddings": 2048, "rope_scaling": {
      "type": "longrope", "short_factor": [1, 1], "long_factor": [2, 2], "attention_factor": 1},
      "original_max_position_embeddings": 1000})"),
                  4, 10000.0);
  tensor::Batch batch;
  batch.ids.resize(2);
  batch.rows = {.offsets = {0, 2}, .index = {0, 1}};
  batch.wanted = {.offsets = {0, 1}, .index = {1}};
  batch.lengths = {1200};
  const Rotation rotation = rope.rotation(ForwardPass(*ops, batch));
  EXPECT_EQ(ops->download_indices(rotation.all), (std::vector<int32_t>{1000, 1001}));
  const std::vector<float> cosines = testing::values_of(*ops, rotation.table->cos);
  ASSERT_GT(cosines.size(), 1001 * 2u);
  EXPECT_NEAR(cosines[1001 * 2], std::cos(0.5), 1e-6);
}

TEST(TableRows, FollowTheLengthThatASequenceWillHave) {
  tensor::Batch batch;
  batch.rows = {.offsets = {0, 2, 4, 4}, .index = {0, 1, 3, 4}};
  EXPECT_EQ(table_rows(batch.rows, batch, 0), (std::vector<int32_t>{0, 1, 3, 4}));
  EXPECT_EQ(table_rows(batch.rows, batch, 4), (std::vector<int32_t>{0, 1, 7, 8}));
  EXPECT_EQ(table_rows(batch.rows, batch, 5), (std::vector<int32_t>{0, 1, 3, 4}));
  batch.lengths = {9, 5, 1};
  EXPECT_EQ(table_rows(batch.rows, batch, 5), (std::vector<int32_t>{5, 6, 3, 4}));
}

}  // namespace
}  // namespace vecton::nn
