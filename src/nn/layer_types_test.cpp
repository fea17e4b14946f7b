#include "nn/layer_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "checkpoint/test_files.h"

namespace vecton::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

checkpoint::Config config_of(const std::string& text) {
  return checkpoint::Config(json::parse(text).as_object(), "config.json");
}

constexpr const char* kMixed =
    R"({"layer_types": ["sliding_attention", "full_attention", "sliding_attention"]})";

bool odd(int64_t layer) { return layer % 2 == 1; }

TEST(LayerTypes, AreTheFilesInOrder) {
  EXPECT_THAT(layer_types(config_of(kMixed), 3, {"full_attention", "sliding_attention"}),
              ElementsAre("sliding_attention", "full_attention", "sliding_attention"));
  EXPECT_THAT(layer_types(config_of(R"({"layer_types": ["conv"]})"), 1, {"conv"}),
              ElementsAre("conv"));
}

TEST(LayerTypes, AreNoneWhereTheFileHasNone) {
  for (const char* text : {"{}", R"({"layer_types": null})"})
    EXPECT_THAT(layer_types(config_of(text), 3, {"full_attention"}), IsEmpty()) << text;
}

TEST(LayerTypes, ThereIsOneForEveryLayer) {
  for (const int64_t layers : {1, 2, 4}) {
    EXPECT_REFUSED(layer_types(config_of(kMixed), layers, {"full_attention", "sliding_attention"}),
                   ErrorCode::kCorrupt, "config.json: layer_types",
                   "expected " + std::to_string(layers) + " entries, found 3");
  }
}

TEST(LayerTypes, UnknownOnesAreNamedWithThoseThatAreKnown) {
  EXPECT_REFUSED(
      layer_types(config_of(R"({"layer_types": ["full_attention", "linear_attention"]})"), 2,
                  {"full_attention", "conv"}),
      ErrorCode::kUnsupported, "layer_types \"linear_attention\"",
      "one of full_attention, conv is");
  EXPECT_REFUSED(layer_types(config_of(kMixed), 3, {"full_attention"}), ErrorCode::kUnsupported,
                 "\"sliding_attention\"");
  EXPECT_REFUSED(layer_types(config_of(R"({"layer_types": "full_attention"})"), 1, {"conv"}),
                 ErrorCode::kCorrupt, "layer_types");
  EXPECT_REFUSED(layer_types(config_of(R"({"layer_types": [1]})"), 1, {"conv"}),
                 ErrorCode::kCorrupt, "layer_types");
}

TEST(SlidingLayers, AreThoseThatTheFileNames) {
  EXPECT_THAT(sliding_layers(config_of(kMixed), 3, odd), ElementsAre(true, false, true));
}

TEST(SlidingLayers, AreDecidedByTheFamilyWhereTheFileSaysNothing) {
  EXPECT_THAT(sliding_layers(config_of("{}"), 4, odd), ElementsAre(false, true, false, true));
  EXPECT_THAT(sliding_layers(config_of("{}"), 0, odd), IsEmpty());
}

}  // namespace
}  // namespace vecton::nn
