#include "generation/defaults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "vecton/error.h"

namespace vecton::generation {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kModel[] = "tests/golden/emb-qwen3/model";

class DefaultsTest : public ::testing::Test {
 protected:
  void write(const std::string& text) {
    std::ofstream(folder_.path() / "generation_config.json") << text;
  }
  Defaults read(const std::string& source = "auto", const std::string& overrides = "{}",
                const std::string& config = "{}") {
    return read_defaults(folder_.path(), source, json::parse(overrides).as_object(), *tokenizer_,
                         checkpoint::Config(json::parse(config).as_object(), "config.json"));
  }
  std::string refusal(const std::string& text) {
    write(text);
    try {
      read();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  base::TemporaryFolder folder_;
  std::shared_ptr<const Tokenizer> tokenizer_ = Tokenizer::open(kModel);
};

TEST_F(DefaultsTest, AreVllmsWithoutAFile) {
  const Defaults d = read();
  EXPECT_EQ(d.temperature, 1);
  EXPECT_EQ(d.top_k, 0);
  EXPECT_EQ(d.top_p, 1);
  EXPECT_EQ(d.min_p, 0);
  EXPECT_EQ(d.repetition_penalty, 1);
  EXPECT_FALSE(d.max_new_tokens);
  EXPECT_TRUE(d.skip_special_tokens);
  EXPECT_THAT(d.notes, ElementsAre());
}

TEST_F(DefaultsTest, EveryKeyIsTaken) {
  write(R"({"temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.1, "do_sample": false,
            "repetition_penalty": 1.05, "presence_penalty": 0.5, "frequency_penalty": -0.5,
            "max_new_tokens": 77, "skip_special_tokens": false, "max_length": 20,
            "transformers_version": "5.0", "bos_token_id": 1, "pad_token_id": 2})");
  const Defaults d = read();
  EXPECT_EQ(d.temperature, 0.6);
  EXPECT_EQ(d.top_k, 20);
  EXPECT_EQ(d.top_p, 0.95);
  EXPECT_EQ(d.min_p, 0.1);
  EXPECT_EQ(d.repetition_penalty, 1.05);
  EXPECT_EQ(d.presence_penalty, 0.5);
  EXPECT_EQ(d.frequency_penalty, -0.5);
  EXPECT_EQ(d.max_new_tokens, 77);
  EXPECT_FALSE(d.skip_special_tokens);
  EXPECT_THAT(d.notes, ElementsAre());
}

TEST_F(DefaultsTest, OtherSourcesAndOverrides) {
  write(R"({"temperature": 0.6, "top_k": 20})");
  EXPECT_EQ(read("vllm").temperature, 1);
  EXPECT_EQ(read("vllm", R"({"temperature": 0.2})").temperature, 0.2);
  const Defaults d = read("auto", R"({"temperature": 0.2})");
  EXPECT_EQ(d.temperature, 0.2);
  EXPECT_EQ(d.top_k, 20);
  EXPECT_EQ(read(folder_.path().string()).top_k, 20);
  EXPECT_THROW(read("tests/golden"), Error);
}

TEST_F(DefaultsTest, WhatWouldChangeTheTokensIsRefused) {
  EXPECT_THAT(refusal(R"({"num_beams": 4})"), HasSubstr("num_beams"));
  EXPECT_THAT(refusal(R"({"no_repeat_ngram_size": 3})"), HasSubstr("no_repeat_ngram_size"));
  EXPECT_THAT(refusal(R"({"suppress_tokens": [1]})"), HasSubstr("suppress_tokens"));
  EXPECT_THAT(refusal(R"({"top_p": -0.5})"), HasSubstr("top_p"));
  EXPECT_THAT(refusal(R"({"top_p": 1.5})"), HasSubstr("top_p: 1.500000 is out of"));
  EXPECT_THAT(refusal(R"({"temperature": -1})"),
              AllOf(HasSubstr("generation_config.json"), HasSubstr("temperature: -1.000000")));
  EXPECT_THAT(refusal(R"({"temperature": 1e999})"), HasSubstr("generation_config.json"));
  EXPECT_THAT(refusal(R"({"temperature": NaN})"), HasSubstr("generation_config.json"));
  EXPECT_THAT(refusal(R"({"top_k": -2})"), HasSubstr("top_k"));
  EXPECT_THAT(refusal(R"({"min_p": 2})"), HasSubstr("min_p"));
  EXPECT_THAT(refusal(R"({"max_new_tokens": 0})"), HasSubstr("max_new_tokens"));
  EXPECT_THAT(refusal(R"({"repetition_penalty": 0})"), HasSubstr("repetition_penalty"));
  EXPECT_THAT(refusal(R"({"eos_token_id": "x"})"), HasSubstr("eos_token_id"));
  EXPECT_EQ(refusal(R"({"num_beams": 1, "typical_p": 1.0, "suppress_tokens": null})"), "");
}

// vLLM opens such a checkpoint, too; what a request may name is settings_test.cpp's.
TEST_F(DefaultsTest, NumbersThatNoRequestMayNameAreTaken) {
  write(R"({"temperature": 2.5, "top_p": 0, "top_k": 5000000000, "presence_penalty": -3,
            "frequency_penalty": 2.5, "max_new_tokens": 1000000000000})");
  const Defaults d = read();
  EXPECT_EQ(d.temperature, 2.5);
  EXPECT_EQ(d.top_p, 0);
  EXPECT_EQ(d.top_k, 5000000000);
  EXPECT_EQ(d.presence_penalty, -3);
  EXPECT_EQ(d.frequency_penalty, 2.5);
  EXPECT_EQ(d.max_new_tokens, 1000000000000);
  EXPECT_THAT(d.notes, ElementsAre());
}

TEST_F(DefaultsTest, WhatARequestSaysByAFieldOfItsOwnIsTold) {
  write(R"({"min_new_tokens": 5, "num_return_sequences": 2, "stop_strings": ["end"],
            "bad_words_ids": [[1]], "min_length": 3})");
  EXPECT_THAT(read().notes,
              ElementsAre(HasSubstr("min_length 3 is not used, as in vLLM: a request's min_tokens"),
                          HasSubstr("min_new_tokens 5"), HasSubstr("a request's n says it"),
                          HasSubstr(R"(stop_strings ["end"])"), HasSubstr("bad_words_ids")));
  write(R"({"min_new_tokens": 0, "num_return_sequences": 1, "stop_strings": [], "min_length": null,
            "suppress_tokens": []})");
  EXPECT_THAT(read().notes, ElementsAre());
}

TEST_F(DefaultsTest, UnknownKeysAreTold) {
  write(R"({"some_new_key": 1})");
  EXPECT_THAT(read().notes, ElementsAre(HasSubstr("some_new_key")));
}

TEST_F(DefaultsTest, EndsAreThoseOfGenerationConfig) {
  write(R"({"eos_token_id": [5, 6]})");
  EXPECT_THAT(read("auto", "{}", R"({"eos_token_id": 6})").eos_token_ids, ElementsAre(6, 5));
  EXPECT_THAT(read("auto", "{}", R"({"text_config": {"eos_token_id": [9]}})").eos_token_ids,
              ElementsAre(9, 5, 6));
}

TEST_F(DefaultsTest, TheTokenizersEndComesFirstWhereItIsOne) {
  const int32_t own = tokenizer_->special_token_id("eos_token").value();
  EXPECT_THAT(read("vllm").eos_token_ids, ElementsAre(own));
  EXPECT_THAT(read("vllm", "{}", R"({"eos_token_id": 6})").eos_token_ids, ElementsAre(own, 6));
  write(R"({"eos_token_id": [5, )" + std::to_string(own) + "]}");
  EXPECT_THAT(read().eos_token_ids, ElementsAre(own, 5));
}

}  // namespace
}  // namespace vecton::generation
