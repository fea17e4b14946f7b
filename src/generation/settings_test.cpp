#include "generation/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "vecton/error.h"

namespace vecton::generation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SettingsTest : public ::testing::Test {
 protected:
  Settings settings(const Generate& asked, int64_t prompt = 10) {
    return decide(asked, defaults_, *tokenizer_, limits_, prompt);
  }
  // The field that is refused.
  std::string refused(const Generate& asked) {
    try {
      settings(asked);
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr(e.field()));
      return e.field();
    }
    return "";
  }

  std::shared_ptr<const Tokenizer> tokenizer_ = Tokenizer::open("tests/golden/emb-qwen3/model");
  Defaults defaults_{.eos_token_ids = {7, 8, 9}};
  Limits limits_{.vocab = 300, .max_model_len = 100, .max_logprobs = 20};
};

TEST_F(SettingsTest, ARequestWinsOverTheDefaults) {
  defaults_.temperature = 0.6;
  defaults_.top_k = 20;
  defaults_.max_new_tokens = 30;
  EXPECT_EQ(settings({}).sampling.temperature, 0.6);
  EXPECT_EQ(settings({}).sampling.top_k, 20);
  EXPECT_EQ(settings({}).max_tokens, 30);
  EXPECT_EQ(settings({.temperature = 1.5, .top_k = -1}).sampling.temperature, 1.5);
  EXPECT_EQ(settings({.top_k = -1}).sampling.top_k, 0);
  EXPECT_EQ(settings({.max_tokens = 50}).max_tokens, 50);
}

// What a request may not name, a checkpoint may have.
TEST_F(SettingsTest, DefaultsAreTakenAsTheyAre) {
  defaults_.temperature = 2.5;
  defaults_.top_p = 0;
  defaults_.presence_penalty = -3;
  EXPECT_EQ(settings({}).sampling.temperature, 2.5);
  EXPECT_EQ(settings({}).sampling.top_p, 0);
  EXPECT_EQ(settings({}).sampling.presence_penalty, -3);
  EXPECT_EQ(settings({.temperature = 2}).sampling.temperature, 2);
  EXPECT_EQ(refused({.temperature = 2.5}), "temperature");
  EXPECT_EQ(refused({.top_p = 0}), "top_p");
  EXPECT_EQ(refused({.presence_penalty = -3}), "presence_penalty");
}

TEST_F(SettingsTest, TheModelsLengthBoundsTheCompletion) {
  EXPECT_EQ(settings({}).max_tokens, 90);
  EXPECT_EQ(settings({.max_tokens = 1000}).max_tokens, 90);
  EXPECT_EQ(settings({.max_tokens = 5}, 99).max_tokens, 1);
}

TEST_F(SettingsTest, SmallTemperatures) {
  EXPECT_TRUE(settings({.temperature = 0}).sampling.greedy());
  EXPECT_TRUE(settings({.temperature = 1e-6}).sampling.greedy());
  EXPECT_EQ(settings({.temperature = 0.001}).sampling.temperature, 0.01);
}

TEST_F(SettingsTest, Ends) {
  const Settings s = settings({.stop_token_ids = {3}});
  EXPECT_EQ(s.eos, 7);
  EXPECT_THAT(s.stop_token_ids, ElementsAre(3, 8, 9));
  EXPECT_TRUE(s.ends(7) && s.ends(8) && s.ends(3) && !s.ends(4));
  const Settings ignored = settings({.stop_token_ids = {3}, .ignore_eos = true});
  EXPECT_FALSE(ignored.eos);
  EXPECT_THAT(ignored.ends(), ElementsAre(3));
}

TEST_F(SettingsTest, BiasIsBounded) {
  EXPECT_THAT(settings({.logit_bias = {{1, 500.0f}, {2, -500.0f}}}).sampling.logit_bias,
              ElementsAre(std::pair(1, 100.0f), std::pair(2, -100.0f)));
}

TEST_F(SettingsTest, BadWordsAreReadWithAndWithoutASpace) {
  const auto ids = [&](const char* text) {
    return tokenizer_->encode(text, {.add_special_tokens = false}).ids;
  };
  const std::vector<std::vector<int32_t>> words =
      settings({.bad_words = {"  the"}}).sampling.bad_words;
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words.front(), ids("the"));
  if (words.size() > 1) {
    EXPECT_EQ(words.back(), ids(" the"));
  }
}

TEST_F(SettingsTest, SeedsOfOnesOwnAreRandom) {
  EXPECT_NE(settings({}).sampling.seed, settings({}).sampling.seed);
  EXPECT_EQ(settings({.seed = 3}).sampling.seed, 3u);
}

TEST_F(SettingsTest, WhatLeavesNoTokenIsRefusedByName) {
  const int32_t word = tokenizer_->encode("o", {.add_special_tokens = false}).ids.front();
  const auto allowed = [](std::vector<int32_t> ids) { return std::optional(std::move(ids)); };
  EXPECT_EQ(refused({.bad_words = {"o"}, .allowed_token_ids = allowed({word})}),
            "allowed_token_ids");
  EXPECT_EQ(refused({.bad_words = {"o"}, .allowed_token_ids = allowed({word, 5})}), "");
  EXPECT_EQ(refused({.min_tokens = 1, .allowed_token_ids = allowed({7, 9})}), "min_tokens");
  EXPECT_EQ(refused({.allowed_token_ids = allowed({7, 9})}), "");
  EXPECT_EQ(refused({.min_tokens = 1, .allowed_token_ids = allowed({7, 5})}), "");
  EXPECT_EQ(refused({.min_tokens = 1, .allowed_token_ids = allowed({7}), .ignore_eos = true}), "");
  EXPECT_EQ(refused({.min_tokens = 1, .bad_words = {"o"}, .allowed_token_ids = allowed({word, 7})}),
            "min_tokens");
}

TEST_F(SettingsTest, NonsenseIsRefusedByName) {
  EXPECT_EQ(refused({}), "");
  EXPECT_EQ(refused({.max_tokens = 0}), "max_tokens");
  EXPECT_EQ(refused({.min_tokens = -1}), "min_tokens");
  EXPECT_EQ(refused({.max_tokens = 3, .min_tokens = 4}), "min_tokens");
  for (const double t : {-0.1, 2.1, double{NAN}, HUGE_VAL})
    EXPECT_EQ(refused({.temperature = t}), "temperature");
  EXPECT_EQ(refused({.top_k = -2}), "top_k");
  for (const double p : {0.0, 1.1, double{NAN}}) EXPECT_EQ(refused({.top_p = p}), "top_p");
  EXPECT_EQ(refused({.min_p = 1.1}), "min_p");
  EXPECT_EQ(refused({.repetition_penalty = 0}), "repetition_penalty");
  EXPECT_EQ(refused({.repetition_context_size = 0}), "repetition_context_size");
  EXPECT_EQ(refused({.presence_penalty = 2.5}), "presence_penalty");
  EXPECT_EQ(refused({.frequency_penalty = -2.5}), "frequency_penalty");
  EXPECT_EQ(refused({.logit_bias = {{300, 1.0f}}}), "logit_bias");
  EXPECT_EQ(refused({.bad_words = {" "}}), "bad_words");
  EXPECT_EQ(refused({.allowed_token_ids = std::vector<int32_t>{}}), "allowed_token_ids");
  EXPECT_EQ(refused({.allowed_token_ids = std::vector<int32_t>{-1}}), "allowed_token_ids");
  EXPECT_EQ(refused({.stop = {""}}), "stop");
  EXPECT_EQ(refused({.stop_token_ids = {300}}), "stop_token_ids");
  EXPECT_EQ(refused({.n = 0}), "n");
  EXPECT_EQ(refused({.temperature = 0, .n = 2}), "n");
  EXPECT_EQ(refused({.logprobs = 21}), "logprobs");
  EXPECT_EQ(refused({.logprobs = -1}), "logprobs");
  EXPECT_EQ(refused({.prompt_logprobs = -2}), "prompt_logprobs");
  EXPECT_EQ(refused({.skip_special_tokens = false, .spaces_between_special_tokens = false}),
            "spaces_between_special_tokens");
  limits_.max_logprobs = -1;
  EXPECT_EQ(refused({.logprobs = -1}), "");
}

}  // namespace
}  // namespace vecton::generation
