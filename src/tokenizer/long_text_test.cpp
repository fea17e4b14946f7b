#include "tokenizer/long_text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "vecton/tokenizer.h"

namespace vecton::tokenizer {
namespace {

using Ids = std::vector<int32_t>;

constexpr size_t kLong = 200000;  // bytes

// Words of several scripts and lengths, numbers, marks and spaces; the same for a seed.
std::string prose(uint32_t seed) {
  const char* const words[] = {
      "the",   "capital", "of",        "France,",  "it's",  "12345678",
      "\n\n",  "  ",      "straße",    "東京都は", "наука", "e-mail@x.org",
      "don't", "😀",       "Tokenizer", "café",     "(see)", "antidisestablishment"};
  std::string text;
  for (uint32_t i = seed; text.size() < kLong; ++i) {
    text += words[(i * 2654435761u >> 16) % std::size(words)];
    text += ' ';
  }
  return text;
}

class LongText : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const Tokenizer> tokenizer_ =
      Tokenizer::open(std::string("tests/golden/") + GetParam() + "/model");

  Encoding cut(const std::string& text, int64_t size, bool left, bool offsets) const {
    return tokenizer_->encode(
        text, {.add_special_tokens = false,
               .truncation = EncodeOptions::Truncation::kLongestFirst,
               .max_length = size,
               .truncation_side = left ? EncodeOptions::Side::kLeft : EncodeOptions::Side::kRight,
               .offsets = offsets});
  }
};

TEST_P(LongText, WhatACutLeavesIsWhatTheWholeTextGives) {
  for (const uint32_t seed : {1u, 7u, 23u}) {
    const std::string text = prose(seed);
    const Encoding whole = tokenizer_->encode(text, {.add_special_tokens = false, .offsets = true});
    ASSERT_FALSE(whole.partial);
    for (const int64_t size : {1, 48, 700}) {
      const Encoding head = cut(text, size, false, true), tail = cut(text, size, true, true);
      EXPECT_TRUE(head.partial && tail.partial);
      EXPECT_TRUE(head.truncated > 0 && tail.truncated > 0);
      EXPECT_EQ(head.ids, Ids(whole.ids.begin(), whole.ids.begin() + size));
      EXPECT_EQ(tail.ids, Ids(whole.ids.end() - size, whole.ids.end()));
      EXPECT_EQ(head.offsets.back(), whole.offsets[static_cast<size_t>(size) - 1]);
      EXPECT_EQ(tail.offsets.front(), whole.offsets[whole.ids.size() - static_cast<size_t>(size)]);
      EXPECT_EQ(tail.char_offsets.back(), whole.char_offsets.back());
    }
  }
}

TEST_P(LongText, ThatIsNotCutIsReadUntilItIsTooLong) {
  const Encoding some = tokenizer_->encode(prose(3), {.at_most = 100});
  EXPECT_TRUE(some.partial);
  EXPECT_GT(some.ids.size(), 100u);
  EXPECT_LT(some.ids.size(), 20000u);
  const std::string text = "the capital of France";
  const Encoding whole = tokenizer_->encode(text, {.at_most = 3});
  EXPECT_FALSE(whole.partial);  // short texts are read whole
  EXPECT_EQ(whole.ids, tokenizer_->encode(text).ids);
}

TEST_P(LongText, WithoutSpacesIsCutBetweenCharacters) {
  std::string text;
  while (text.size() < kLong) text += "東京";
  const Encoding head = cut(text, 20, false, false);
  const Encoding whole = tokenizer_->encode(text, {.add_special_tokens = false});
  EXPECT_EQ(head.ids, Ids(whole.ids.begin(),
                          whole.ids.begin() + std::min<std::ptrdiff_t>(20, std::ssize(whole.ids))));
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, LongText,
                         testing::Values("tok-minilm-real", "tok-modernbert", "tok-mistral",
                                         "tok-llama3", "emb-e5-mistral", "tok-qwen3-embedding",
                                         "cls-gemma2-reward", "colbert-jina", "tok-albert-unigram",
                                         "tok-xlmr-metaspace", "tok-gpt2", "tok-llama2-legacy"));

TEST(LongPairs, TheLongerSideIsCutFirst) {
  const auto tokenizer = Tokenizer::open("tests/golden/tok-minilm-real/model");
  const std::string text = prose(1);
  const EncodeOptions options{.add_special_tokens = false,
                              .truncation = EncodeOptions::Truncation::kLongestFirst,
                              .max_length = 31};
  const Ids whole = tokenizer->encode(text, {.add_special_tokens = false}).ids;
  const Encoding query = tokenizer->encode("what is it", text, options);
  EXPECT_EQ(query.ids.size(), 31u);
  EXPECT_TRUE(std::equal(query.ids.begin() + 3, query.ids.end(), whole.begin()));
  // Both are too long: the one with more bytes has the odd token.
  const Encoding both = tokenizer->encode(text, text + text, options);
  EXPECT_EQ(std::count(both.sequences.begin(), both.sequences.end(), 0), 15);
  EXPECT_EQ(std::count(both.sequences.begin(), both.sequences.end(), 1), 16);
}

}  // namespace
}  // namespace vecton::tokenizer
