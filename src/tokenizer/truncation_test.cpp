#include "tokenizer/truncation.h"

#include <gtest/gtest.h>

#include <numeric>

namespace vecton::tokenizer {

namespace {

using Ids = std::vector<int32_t>;
using Truncation = EncodeOptions::Truncation;

Tokens tokens(int32_t from, int32_t count) {
  Tokens out;
  out.ids.resize(count);
  std::iota(out.ids.begin(), out.ids.end(), from);
  return out;
}

std::pair<size_t, size_t> sizes(int32_t first, int32_t second, int64_t most,
                                Truncation strategy = Truncation::kLongestFirst) {
  Tokens a = tokens(0, first), b = tokens(0, second);
  truncate(a, &b, strategy, most, 0, false);
  return {a.ids.size(), b.ids.size()};
}

TEST(Truncation, LongestFirstCutsTheLongerThenBoth) {
  EXPECT_EQ(sizes(0, 8, 7), std::pair(size_t{0}, size_t{7}));
  EXPECT_EQ(sizes(2, 8, 7), std::pair(size_t{2}, size_t{5}));
  EXPECT_EQ(sizes(8, 2, 7), std::pair(size_t{5}, size_t{2}));
  EXPECT_EQ(sizes(4, 4, 7), std::pair(size_t{3}, size_t{4}));
  EXPECT_EQ(sizes(8, 4, 7), std::pair(size_t{4}, size_t{3}));
  EXPECT_EQ(sizes(8, 9, 7), std::pair(size_t{3}, size_t{4}));
  EXPECT_EQ(sizes(3, 4, 7), std::pair(size_t{3}, size_t{4}));
}

TEST(Truncation, OnlyOneSide) {
  EXPECT_EQ(sizes(8, 4, 7, Truncation::kOnlyFirst), std::pair(size_t{3}, size_t{4}));
  EXPECT_EQ(sizes(3, 9, 7, Truncation::kOnlySecond), std::pair(size_t{3}, size_t{4}));
  EXPECT_THROW(sizes(3, 9, 7, Truncation::kOnlyFirst), Error);
  Tokens alone = tokens(0, 9);
  EXPECT_THROW(truncate(alone, nullptr, Truncation::kOnlySecond, 7, 0, false), Error);
}

TEST(Truncation, KeepsTheWantedEndAndCounts) {
  Tokens left = tokens(0, 6), right = tokens(0, 6);
  EXPECT_EQ(truncate(left, nullptr, Truncation::kLongestFirst, 5, 2, true), 3);
  EXPECT_EQ(left.ids, (Ids{3, 4, 5}));
  EXPECT_EQ(truncate(right, nullptr, Truncation::kLongestFirst, 5, 2, false), 3);
  EXPECT_EQ(right.ids, (Ids{0, 1, 2}));
  EXPECT_EQ(truncate(right, nullptr, Truncation::kLongestFirst, 2, 2, false), 3);
  EXPECT_TRUE(right.ids.empty());
  EXPECT_THROW(truncate(left, nullptr, Truncation::kLongestFirst, 1, 2, false), Error);
}

TEST(Padding, FillsEitherEnd) {
  Encoding row;
  row.ids = {1, 2};
  row.type_ids = {1, 1};
  row.attention_mask = {1, 1};
  row.special_tokens_mask = {0, 0};
  Encoding left = row;
  pad(row, 4, 9, false);
  EXPECT_EQ(row.ids, (Ids{1, 2, 9, 9}));
  EXPECT_EQ(row.type_ids, (Ids{1, 1, 0, 0}));
  EXPECT_EQ(row.attention_mask, (Ids{1, 1, 0, 0}));
  EXPECT_EQ(row.special_tokens_mask, (std::vector<uint8_t>{0, 0, 1, 1}));
  EXPECT_TRUE(row.offsets.empty());
  pad(left, 4, 9, true);
  EXPECT_EQ(left.ids, (Ids{9, 9, 1, 2}));
  EXPECT_EQ(round_up(5, 8), 8);
  EXPECT_EQ(round_up(5, 0), 5);
}

}  // namespace

}  // namespace vecton::tokenizer
