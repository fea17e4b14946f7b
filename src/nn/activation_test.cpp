#include "nn/activation.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "checkpoint/test_files.h"

namespace vecton::nn {
namespace {

checkpoint::Config config_of(const std::string& text) {
  return checkpoint::Config(json::parse(text).as_object(), "config.json");
}

ops::Activation named(const std::string& name) {
  return activation(config_of(R"({"hidden_act": ")" + name + "\"}"), "hidden_act", "gelu");
}

// What transformers' ACT2FN makes of each name.
TEST(ActivationName, IsTransformers) {
  for (const char* name : {"gelu", "gelu_python"})
    EXPECT_EQ(named(name), ops::Activation::kGelu) << name;
  for (const char* name :
       {"gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_python_tanh", "gelu_accurate"})
    EXPECT_EQ(named(name), ops::Activation::kGeluTanh) << name;
  for (const char* name : {"silu", "swish"}) EXPECT_EQ(named(name), ops::Activation::kSilu) << name;
  EXPECT_EQ(named("relu"), ops::Activation::kRelu);
  EXPECT_EQ(named("tanh"), ops::Activation::kTanh);
  EXPECT_EQ(named("sigmoid"), ops::Activation::kSigmoid);
  EXPECT_EQ(named("linear"), ops::Activation::kIdentity);
}

TEST(ActivationName, MissingOrNullIsTheFallback) {
  EXPECT_EQ(activation(config_of("{}"), "hidden_act", "silu"), ops::Activation::kSilu);
  EXPECT_EQ(activation(config_of(R"({"hidden_act": null})"), "hidden_act", "relu"),
            ops::Activation::kRelu);
}

TEST(ActivationName, MarksItsKeyAsRead) {
  const checkpoint::Config config = config_of(R"({"hidden_act": "relu", "other": 1})");
  activation(config, "hidden_act", "gelu");
  EXPECT_EQ(config.unread(), std::vector<std::string>{"other"});
}

TEST(ActivationName, AnUnknownOneIsRefusedWithThoseThatAreKnown) {
  EXPECT_REFUSED(named("quick_gelu"), ErrorCode::kUnsupported, "config.json",
                 "hidden_act \"quick_gelu\"", "gelu_pytorch_tanh", "swish");
  EXPECT_REFUSED(named(""), ErrorCode::kUnsupported, "hidden_act \"\"");
  EXPECT_REFUSED(named("GELU"), ErrorCode::kUnsupported, "\"GELU\"");
  EXPECT_REFUSED(activation(config_of(R"({"act": 1})"), "act", "gelu"), ErrorCode::kCorrupt, "act",
                 "string");
}

}  // namespace
}  // namespace vecton::nn
