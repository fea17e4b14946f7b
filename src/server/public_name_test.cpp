#include "server/public_name.h"

#include <gtest/gtest.h>

namespace vecton::server {
namespace {

TEST(PublicName, IsTheHubsOrNoPath) {
  ServerOptions options;
  options.engine.model = "org/name";
  EXPECT_EQ(public_name(options), "org/name");
  options.engine.model = "tests/golden/bert-embed-mean/model/";
  EXPECT_EQ(public_name(options), "model");
  options.engine.model = "tests/golden/bert-embed-mean";
  EXPECT_EQ(public_name(options), "bert-embed-mean");
  options.engine.model = "tests/golden/gguf-bert-q80/model/tiny-bert-Q8_0.gguf";
  EXPECT_EQ(public_name(options), "tiny-bert-Q8_0.gguf");
  options.engine.model = "org/name:Q4_K_M";
  EXPECT_EQ(public_name(options), "org/name:Q4_K_M");
  options.engine.model = "tests/golden/bert-embed-mean";
  options.served_model_names = {"tiny", "small"};
  EXPECT_EQ(public_name(options), "tiny");
}

TEST(PublicName, MayHaveOllamasTag) {
  EXPECT_EQ(without_tag("org/name:latest"), "org/name");
  EXPECT_EQ(without_tag("org/name:Q4_K_M"), "org/name:Q4_K_M");
  EXPECT_EQ(without_tag("latest"), "latest");
}

TEST(PublicName, StandsForPathsInTexts) {
  EXPECT_EQ(without_paths("Model \"/data/m\": /data/m/config.json, /cache/m/snapshots/1/x",
                          "/data/m", "/cache/m/snapshots/1", "tiny"),
            "Model \"tiny\": tiny/config.json, tiny/x");
  EXPECT_EQ(without_paths("org/name is large", "org/name", "/cache/1", "org/name"),
            "org/name is large");
  EXPECT_EQ(without_paths("model and models", "model", "model", "tiny"), "model and models");
}

}  // namespace
}  // namespace vecton::server
