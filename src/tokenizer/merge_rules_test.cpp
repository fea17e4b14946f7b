#include "tokenizer/merge_rules.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

std::string listed(const std::vector<std::string>& tokens, MergeUnit unit, MergeOrder order) {
  std::string out;
  for (const auto& [left, right] : merge_rules(tokens, unit, order, "test"))
    out.append(left).append("+").append(right).append(" ");
  return out;
}

TEST(MergeRules, AreAllWaysToJoinTwoTokens) {
  const std::vector<std::string> tokens = {"c", "b", "a", "bc", "ab", "abc", "aé", "é", "\xc3"};
  EXPECT_EQ(listed(tokens, MergeUnit::kCharacters, MergeOrder::kByLength),
            "b+c a+b a+bc ab+c a+é ");
  EXPECT_EQ(listed({"a", "aa", "aaa"}, MergeUnit::kBytes, MergeOrder::kByRank), "a+a a+aa aa+a ");
  EXPECT_EQ(listed({"aaa", "aa", "a"}, MergeUnit::kBytes, MergeOrder::kByRank), "aa+a a+aa a+a ");
}

TEST(MergeRules, BoundTheLengthOfTokens) {
  const std::vector<std::string> tokens = {std::string(kLongestMergedToken + 1, 'a')};
  EXPECT_THROW(merge_rules(tokens, MergeUnit::kBytes, MergeOrder::kByRank, "test"), Error);
}

TEST(Base64, GoesThereAndBack) {
  for (const std::string text : {"", "a", "ab", "abc", "\xff\x00\xfe!"}) {
    EXPECT_EQ(base::decode_base64(base::encode_base64(text)), text);
  }
  EXPECT_EQ(base::encode_base64("ab"), "YWI=");
  EXPECT_FALSE(base::decode_base64("a b"));
}

}  // namespace

}  // namespace vecton::tokenizer
