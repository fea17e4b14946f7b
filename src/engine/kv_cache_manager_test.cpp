#include "engine/kv_cache_manager.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <utility>

#include "engine/prefix_test.h"

namespace vecton::engine {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// A batch takes the blocks of a text ...
struct Taken {
  BlockList found;
  std::vector<int32_t> taken;
};
Taken take(KvCacheManager& cache, const PrefixText& text, int64_t batch) {
  Taken blocks{cache.refer(cache.find(text.prefix(), batch).blocks), {}};
  blocks.taken = cache.allocate(text.prefix(), blocks.found.blocks,
                                static_cast<int64_t>(text.ids.size()), batch);
  return blocks;
}

template <class Blocks>
std::vector<int32_t> tables_of(const KvCacheManager& cache, const Blocks& blocks) {
  std::vector<int32_t> tables{-1};  // of an earlier batch
  cache.block_tables(blocks, tables);
  return tables;
}

// ... and is done with them.
void finish(KvCacheManager& cache, Taken blocks, bool computed = true) {
  cache.set_computed(blocks.taken, computed);
  cache.extend(blocks.found, blocks.taken);
  cache.release(blocks.found);
}

// The text has come twice, so that its pages are worth keeping.
void note_twice(KvCacheManager& cache, const PrefixText& text) {
  cache.note(text.prefix());
  cache.note(text.prefix());
}

Taken compute(KvCacheManager& cache, const PrefixText& text) {
  note_twice(cache, text);
  const Taken blocks = take(cache, text, 1);
  finish(cache, blocks);
  return blocks;
}

TEST(KvCacheManager, WhatABatchHasComputedIsFound) {
  KvCacheManager cache(8, {0});
  const PrefixText text(counting(2 * kPage + 1));
  EXPECT_THAT(compute(cache, text).taken, SizeIs(2));
  EXPECT_THAT(cache.find(text.prefix(), 9).blocks, SizeIs(2));
  EXPECT_THAT(compute(cache, text).taken, IsEmpty());
}

TEST(KvCacheManager, ForgetsWhatAFailedBatchTook) {
  KvCacheManager cache(4, {0});
  const PrefixText text(counting(2 * kPage + 1));
  note_twice(cache, text);
  const Taken first = take(cache, text, 5), second = take(cache, text, 5);
  EXPECT_THAT(first.taken, SizeIs(2));
  EXPECT_EQ(second.found.blocks, first.taken);
  EXPECT_THAT(second.taken, IsEmpty());
  finish(cache, first, false);
  finish(cache, second, false);
  EXPECT_EQ(cache.used(), 0);
  EXPECT_EQ(cache.find(text.prefix(), 6).pending, -1);
  EXPECT_THAT(cache.find(text.prefix(), 6).blocks, IsEmpty());
}

TEST(KvCacheManager, EvictsTheLeastRecentlyUsedAndEndsBeforeBeginnings) {
  KvCacheManager cache(4, {0});
  const PrefixText a(counting(2 * kPage + 1)), b(counting(2 * kPage + 1, 500));
  compute(cache, a);
  compute(cache, b);
  compute(cache, a);  // touches it
  compute(cache, PrefixText(counting(kPage + 1, 900)));
  EXPECT_THAT(cache.find(a.prefix(), 9).blocks, SizeIs(2));
  EXPECT_THAT(cache.find(b.prefix(), 9).blocks, SizeIs(1));
}

TEST(KvCacheManager, DoesNotEvictWhatIsInUse) {
  KvCacheManager cache(2, {0});
  const PrefixText a(counting(2 * kPage + 1)), b(counting(2 * kPage + 1, 500));
  note_twice(cache, a);
  note_twice(cache, b);
  const Taken in_use = take(cache, a, 1);
  EXPECT_THAT(take(cache, b, 2).taken, IsEmpty());
  finish(cache, in_use);
  EXPECT_THAT(take(cache, b, 2).taken, SizeIs(2));
}

TEST(KvCacheManager, KeepsPagesThatComeOnceOnlyWhileItIsNearlyEmpty) {
  KvCacheManager cache(64, {0});
  for (int32_t i = 0; i < 20; ++i) {
    const PrefixText text(counting(kPage + 1, 100 * i));
    cache.note(text.prefix());
    finish(cache, take(cache, text, 1));
  }
  EXPECT_EQ(cache.used(), 64 / 16);
  const PrefixText twice(counting(kPage + 1, 9000));
  note_twice(cache, twice);
  EXPECT_THAT(take(cache, twice, 1).taken, SizeIs(1));
}

// A page that is kept is one of those that are owed, until somebody refers to it.
TEST(KvCacheManager, WhatIsReservedIsNotFoundByOthers) {
  KvCacheManager cache(4, {0});
  const PrefixText text(counting(2 * kPage + 1));
  compute(cache, text);
  ASSERT_TRUE(cache.reserve(3));
  EXPECT_THAT(cache.find(text.prefix(), 9).blocks, SizeIs(1));
  const BlockList held = cache.refer(cache.find(text.prefix(), 9).blocks);
  EXPECT_THAT(cache.find(text.prefix(), 9).blocks, SizeIs(1));  // which is in use already
  cache.release(held);
  cache.unreserve(3);
  EXPECT_THAT(cache.find(text.prefix(), 9).blocks, SizeIs(2));
}

TEST(KvCacheManager, WhatIsReservedOthersCannotTake) {
  KvCacheManager cache(4, {0});
  const PrefixText a(counting(3 * kPage + 1)), b(counting(3 * kPage + 1, 500));
  note_twice(cache, b);
  int64_t reserved = 3;
  ASSERT_TRUE(cache.reserve(reserved));
  EXPECT_THAT(take(cache, b, 1).taken, SizeIs(1));
  const std::vector<int32_t> pages =
      cache.allocate_reserved(a.prefix(), {}, 3 * kPage, 2, reserved);
  EXPECT_THAT(pages, SizeIs(3));
  EXPECT_EQ(reserved, 0);
}

// Two groups: one sees all, the other a page and a half.
constexpr int64_t kWindow = kPage + kPage / 2;

TEST(KvCacheManager, ABlockHasAPageOfEachGroup) {
  KvCacheManager cache(8, {0, kWindow});
  const PrefixText text(counting(3 * kPage + 1));
  note_twice(cache, text);
  const Taken blocks = take(cache, text, 1);
  EXPECT_THAT(blocks.taken, SizeIs(3));
  EXPECT_EQ(cache.used(), 6);
  std::vector<int32_t> pages = tables_of(cache, blocks.taken);
  EXPECT_THAT(pages, SizeIs(6));
  std::ranges::sort(pages);
  EXPECT_EQ(std::ranges::adjacent_find(pages), pages.end());  // no page twice
}

TEST(KvCacheManager, TakesWholeBlocksOrNone) {
  KvCacheManager cache(5, {0, kWindow});
  const PrefixText text(counting(3 * kPage + 1));
  note_twice(cache, text);
  EXPECT_THAT(take(cache, text, 1).taken, SizeIs(2));
  EXPECT_EQ(cache.used(), 4);
}

// After four blocks a token sees 24 back: the third block in part and the fourth.
TEST(KvCacheManager, PagesOutOfSightAreReleased) {
  KvCacheManager cache(8, {0, kWindow});
  const PrefixText text(counting(4 * kPage + 1)), other(counting(kPage + 1, 900));
  note_twice(cache, text);
  note_twice(cache, other);
  Taken blocks = take(cache, text, 1);
  ASSERT_THAT(blocks.taken, SizeIs(4));
  EXPECT_THAT(take(cache, other, 1).taken, IsEmpty());
  cache.set_computed(blocks.taken, true);
  cache.extend(blocks.found, blocks.taken);  // goes on; it refers to 4 + 2 pages now
  EXPECT_THAT(blocks.found.first, ::testing::ElementsAre(0, 2));
  const Taken next = take(cache, other, 2);
  EXPECT_THAT(next.taken, SizeIs(1));

  // What it sees is there as before; in the place of what it does not see is what it sees.
  const std::vector<int32_t> tables = tables_of(cache, blocks.found);
  ASSERT_THAT(tables, SizeIs(8));
  EXPECT_EQ(tables[4], tables[6]);
  EXPECT_EQ(tables[5], tables[6]);
  EXPECT_NE(tables[6], tables[7]);
  EXPECT_THAT(cache.find(text.prefix(), 3).blocks, SizeIs(4));  // and others can go on from it
}

// Of 20 blocks, 3 at a time: all of them in a group that sees all; in the other 3 and the 2 that
// are seen of those before, less those that are there already.
TEST(KvCacheManager, WhatIsNotSeenAtOnceIsNotOwed) {
  const KvCacheManager both(64, {0, kWindow}), window(64, {kWindow}), all(64, {0});
  EXPECT_EQ(all.pages_owed({}, 20, 3), 20);
  EXPECT_EQ(window.pages_owed({}, 20, 3), 5);
  EXPECT_EQ(both.pages_owed({}, 20, 3), 25);
  EXPECT_EQ(window.pages_owed({.blocks = {1, 2, 3, 4}, .first = {3}}, 20, 3), 4);
  EXPECT_EQ(window.pages_owed({.blocks = {1, 2, 3, 4}, .first = {2}}, 20, 3), 3);
  EXPECT_EQ(window.pages_owed({}, 4, 3), 4);  // never more than blocks
}

TEST(KvCacheManager, FindsAsManyBlocksAsEveryGroupCanGoOnFrom) {
  KvCacheManager cache(8, {0, kWindow});
  const PrefixText text(counting(4 * kPage + 1)), half(counting(2 * kPage + 1));
  compute(cache, text);
  EXPECT_THAT(cache.find(half.prefix(), 9).blocks, SizeIs(2));
  // The pages of the first two blocks that the window has left were released first.
  compute(cache, PrefixText(counting(kPage + 1, 900)));
  EXPECT_THAT(cache.find(half.prefix(), 9).blocks, IsEmpty());
  EXPECT_THAT(cache.find(text.prefix(), 9).blocks, SizeIs(4));
}

TEST(KvCacheManager, ATextIsComputedWithWhatIsLeftOfManyOthers) {
  constexpr int64_t kPages = 24;
  KvCacheManager cache(kPages, {0, kWindow, 1});
  std::vector<PrefixText> texts;
  for (int32_t i = 0; i < 12; ++i) texts.emplace_back(counting((i % 5 + 1) * kPage + 3, 40 * i));
  for (int round = 0; round < 60; ++round) {
    const PrefixText& text = texts[static_cast<size_t>(round * 7 % 12)];
    note_twice(cache, text);
    Taken blocks = take(cache, text, round);
    // Whatever a group sees of a block that was found is not where a new one is written.
    const std::vector<int32_t> read = tables_of(cache, blocks.found);
    for (const int32_t page : tables_of(cache, blocks.taken)) {
      EXPECT_EQ(std::ranges::count(read, page), 0);
      EXPECT_GE(page, 0);
      EXPECT_LT(page, kPages);
    }
    finish(cache, std::move(blocks), round % 9 != 4);
  }
  int64_t reserved = kPages;
  EXPECT_TRUE(cache.reserve(reserved));  // nothing is referred to any more
}

}  // namespace
}  // namespace vecton::engine
