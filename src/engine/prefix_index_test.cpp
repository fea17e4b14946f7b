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

// The tokens of all images are the same.
TEST(PrefixIndex, KeepsPicturesApartAndSharesTheSame) {
  const auto with_image = [](uint64_t digest, int64_t begin, int64_t end) {
    PrefixText text(std::vector<int32_t>(static_cast<size_t>(3 * kPage + 1), 9));
    text.images = {{begin, end, {digest, digest}}};
    text.keys = PrefixIndex::keys(text.ids, "", text.images);
    return text;
  };
  PrefixIndex index(8);
  add(index, with_image(1, kPage + 15, 2 * kPage), 1);  // one token of block 1
  EXPECT_THAT(index.find(with_image(1, kPage + 15, 2 * kPage).prefix(), 2).blocks,
              ElementsAre(0, 1, 2));
  EXPECT_THAT(index.find(with_image(2, kPage + 15, 2 * kPage).prefix(), 2).blocks, ElementsAre(0));
  PrefixText forged = with_image(2, kPage + 15, 2 * kPage);
  forged.keys = with_image(1, kPage + 15, 2 * kPage).keys;
  EXPECT_THAT(index.find(forged.prefix(), 2).blocks, ElementsAre(0)) << "digests are compared";
}

// As a generation grows, its keys are those that a prompt of the same tokens has.
TEST(PrefixIndex, ExtendsKeysOfPictures) {
  const std::vector<int32_t> ids(static_cast<size_t>(3 * kPage), 9);
  const std::vector<heads::ImageTokens> images = {{2, kPage + 3, {1, 2}}};
  std::vector<uint64_t> keys = PrefixIndex::keys(std::span(ids).first(kPage + 1), "s", images);
  PrefixIndex::extend(keys, ids, "s", images);
  EXPECT_EQ(keys, PrefixIndex::keys(ids, "s", images));
  EXPECT_NE(keys, PrefixIndex::keys(ids, "s"));
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
