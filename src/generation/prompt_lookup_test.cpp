#include "generation/prompt_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecton/error.h"

namespace vecton::generation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refusal_of(std::string_view text) {
  try {
    read_speculative_config(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(e.field(), "speculative_config");
    return e.what();
  }
  return "";
}

TEST(PromptLookup, IsReadAsVllmReadsIt) {
  EXPECT_FALSE(read_speculative_config(""));
  const auto all = read_speculative_config(
      R"({"method": "ngram", "num_speculative_tokens": 5, "prompt_lookup_max": 4,
          "prompt_lookup_min": 2})");
  EXPECT_EQ(all->num_speculative_tokens, 5);
  EXPECT_EQ(all->prompt_lookup_max, 4);
  EXPECT_EQ(all->prompt_lookup_min, 2);
  const auto read = [](const std::string& more) {
    const auto lookup =
        read_speculative_config(R"({"method": "ngram", "num_speculative_tokens": 3)" + more + "}");
    return std::pair(lookup->prompt_lookup_min, lookup->prompt_lookup_max);
  };
  EXPECT_EQ(read(""), std::pair(int64_t{5}, int64_t{5}));
  EXPECT_EQ(read(R"(, "prompt_lookup_max": 3)"), std::pair(int64_t{3}, int64_t{3}));
  EXPECT_EQ(read(R"(, "prompt_lookup_min": 2)"), std::pair(int64_t{2}, int64_t{2}));
  EXPECT_EQ(read(R"(, "model": null, "prompt_lookup_min": null)"),
            std::pair(int64_t{5}, int64_t{5}));
}

TEST(PromptLookup, WhatIsNotThereIsRefusedByName) {
  EXPECT_THAT(refusal_of("["), HasSubstr("speculative_config"));
  EXPECT_THAT(refusal_of("[]"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(refusal_of("{}"), HasSubstr("method"));
  EXPECT_THAT(refusal_of(R"({"method": "eagle3"})"), HasSubstr("ngram"));
  EXPECT_THAT(refusal_of(R"({"method": "ngram"})"), HasSubstr("num_speculative_tokens"));
  EXPECT_THAT(refusal_of(R"({"method": "ngram", "num_speculative_tokens": 0})"),
              HasSubstr("num_speculative_tokens: expected a whole number"));
  EXPECT_THAT(refusal_of(R"({"method": "ngram", "num_speculative_tokens": 2, "model": "x/y"})"),
              HasSubstr("model is not supported"));
  EXPECT_THAT(refusal_of(R"({"method": "ngram", "num_speculative_tokens": 2,
                             "prompt_lookup_max": 2, "prompt_lookup_min": 3})"),
              HasSubstr("prompt_lookup_min"));
}

std::vector<int32_t> draft(std::vector<int32_t> ids, int64_t least, int64_t longest,
                           int64_t count = 3, int64_t most = 100) {
  return Drafter({.num_speculative_tokens = count,
                  .prompt_lookup_min = least,
                  .prompt_lookup_max = longest})
      .draft(ids, most);
}

TEST(Drafter, GoesOnAsItDidBefore) {
  EXPECT_THAT(draft({1, 2, 3, 4, 5, 9, 1, 2}, 2, 2), ElementsAre(3, 4, 5));
  EXPECT_THAT(draft({1, 2, 3, 4, 5, 9, 1, 2}, 2, 2, 3, 1), ElementsAre(3));
  EXPECT_THAT(draft({1, 2, 3, 4, 5, 9, 1, 2}, 2, 2, 3, 0), IsEmpty());
  EXPECT_THAT(draft({1, 2, 3, 4, 5, 9, 1, 2}, 2, 2, 3, -1), IsEmpty());
}

TEST(Drafter, WantsTheLongestAndOfThoseTheLast) {
  EXPECT_THAT(draft({7, 1, 2, 5, 8, 1, 2, 6, 7, 1, 2}, 1, 3), ElementsAre(5, 8, 1));
  EXPECT_THAT(draft({7, 1, 2, 5, 8, 1, 2, 6, 7, 1, 2}, 1, 2), ElementsAre(6, 7, 1));
}

TEST(Drafter, FindsNothingWhereTooLittleIsTheSame) {
  EXPECT_THAT(draft({1, 2, 3, 9, 2}, 2, 3), IsEmpty());
  EXPECT_THAT(draft({1, 2, 3, 4}, 1, 3), IsEmpty());
  EXPECT_THAT(draft({1}, 1, 3), IsEmpty());
  EXPECT_THAT(draft({}, 1, 3), IsEmpty());
  // What is before the first token is no match for anything.
  EXPECT_THAT(draft({2, 3, 1, 2}, 2, 2), IsEmpty());
}

TEST(Drafter, WhatRepeatsGoesOnRepeating) {
  EXPECT_THAT(draft({4, 4}, 1, 1, 4), ElementsAre(4, 4, 4, 4));
  EXPECT_THAT(draft({1, 2, 3, 1, 2, 3}, 2, 3, 7), ElementsAre(1, 2, 3, 1, 2, 3, 1));
}

TEST(Drafter, IsAsLongAsTheLastWereGood) {
  Drafter drafter({.num_speculative_tokens = 4, .prompt_lookup_min = 1, .prompt_lookup_max = 1});
  const std::vector<int32_t> ids{4, 4};
  const auto length = [&] { return drafter.draft(ids, 100).size(); };
  EXPECT_EQ(length(), 4u);
  drafter.note(0, 0);
  EXPECT_EQ(length(), 4u);
  drafter.note(4, 1);
  EXPECT_EQ(length(), 2u);
  drafter.note(2, 0);
  EXPECT_EQ(length(), 1u);
  drafter.note(1, 1);
  EXPECT_EQ(length(), 4u);
}

}  // namespace
}  // namespace vecton::generation
