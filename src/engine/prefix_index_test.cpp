#include "engine/prefix_index.h"

#include <gmock/gmock.h>

#include "engine/prefix_test.h"

namespace vecton::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Pages 0, 1, ... for the text, which `batch` computes.
void add(PrefixIndex& index, const PrefixText& text, int64_t batch, bool computed = true) {
  int32_t before = -1;
  for (size_t i = 0; i < text.keys.size(); ++i) {
    const auto page = static_cast<int32_t>(i);
    EXPECT_TRUE(index.add(text.prefix(), i, before, page, batch));
    if (computed) index.set_computed(page);
    before = page;
  }
}

TEST(PrefixIndex, FindsPagesByTheirTokensAndThoseBefore) {
  PrefixIndex index(8);
  add(index, PrefixText(counting(3 * kPage)), 1);
  const PrefixText same(counting(3 * kPage + 1));
  EXPECT_THAT(index.find(same.prefix(), 2).blocks, ElementsAre(0, 1, 2));
  std::vector<int32_t> ids = same.ids;
  ids[kPage + 3] = 7777;
  EXPECT_THAT(index.find(PrefixText(ids).prefix(), 2).blocks, ElementsAre(0));
  ids[0] = 7777;
  EXPECT_THAT(index.find(PrefixText(ids).prefix(), 2).blocks, IsEmpty());
}

TEST(PrefixIndex, LeavesTheLastTokenToBeComputed) {
  PrefixIndex index(8);
  add(index, PrefixText(counting(2 * kPage)), 1);
  EXPECT_THAT(index.find(PrefixText(counting(2 * kPage)).prefix(), 2).blocks, ElementsAre(0));
}

TEST(PrefixIndex, KeepsSaltsApart) {
  PrefixIndex index(8);
  add(index, PrefixText(counting(2 * kPage), "a"), 1);
  EXPECT_THAT(index.find(PrefixText(counting(3 * kPage), "b").prefix(), 2).blocks, IsEmpty());
  EXPECT_THAT(index.find(PrefixText(counting(3 * kPage), "a").prefix(), 2).blocks,
              ElementsAre(0, 1));
}

TEST(PrefixIndex, DoesNotTrustAHash) {
  PrefixIndex index(8);
  const PrefixText text(counting(2 * kPage));
  add(index, text, 1);
  PrefixText forged(counting(2 * kPage, 1000));
  forged.keys = text.keys;
  EXPECT_THAT(index.find(forged.prefix(), 2).blocks, IsEmpty());
}

TEST(PrefixIndex, SharesWhatItsOwnBatchComputesAndNamesWhatOthersDo) {
  PrefixIndex index(8);
  const PrefixText text(counting(2 * kPage + 1));
  add(index, text, 5, false);
  EXPECT_THAT(index.find(text.prefix(), 5).blocks, ElementsAre(0, 1));
  EXPECT_THAT(index.find(text.prefix(), 6).blocks, IsEmpty());
  EXPECT_EQ(index.find(text.prefix(), 6).pending, 0);
  index.set_computed(0);
  EXPECT_THAT(index.find(text.prefix(), 6).blocks, ElementsAre(0));
  EXPECT_EQ(index.find(text.prefix(), 6).pending, 1);
}

TEST(PrefixIndex, KnowsATextOnceAndForgetsIt) {
  PrefixIndex index(8);
  const PrefixText text(counting(kPage + 1));
  add(index, text, 1);
  EXPECT_FALSE(index.add(text.prefix(), 0, -1, 7, 2));
  index.forget(0);
  index.forget(0);
  EXPECT_THAT(index.find(text.prefix(), 2).blocks, IsEmpty());
  EXPECT_TRUE(index.add(text.prefix(), 0, -1, 7, 2));
}

// A page that was used again is not the one that others go on from.
TEST(PrefixIndex, WhatFollowsAForgottenPageIsNotFoundByANewOne) {
  PrefixIndex index(8);
  const PrefixText text(counting(2 * kPage + 1));
  add(index, text, 1);
  index.forget(0);
  EXPECT_TRUE(index.add(text.prefix(), 0, -1, 0, 2));
  index.set_computed(0);
  EXPECT_THAT(index.find(text.prefix(), 3).blocks, ElementsAre(0));
}

TEST(PrefixIndex, NotesWhatHasComeTwice) {
  PrefixIndex index(8);
  const PrefixText text(counting(kPage));
  index.note(text.prefix());
  EXPECT_FALSE(index.often(text.keys[0]));
  index.note(text.prefix());
  EXPECT_TRUE(index.often(text.keys[0]));
}

}  // namespace
}  // namespace vecton::engine
