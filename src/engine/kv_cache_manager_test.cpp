#include "engine/kv_cache_manager.h"

#include <gmock/gmock.h>

#include "engine/prefix_test.h"

namespace vecton::engine {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// A batch takes the pages of a text ...
struct Taken {
  std::vector<int32_t> found, taken;
};
Taken take(KvCacheManager& cache, const Prompt& text, int64_t batch) {
  Taken pages{cache.find(text.prefix(), batch).pages, {}};
  cache.refer(pages.found);
  pages.taken =
      cache.allocate(text.prefix(), pages.found, static_cast<int64_t>(text.ids.size()), batch);
  return pages;
}

// ... and is done with them.
void finish(KvCacheManager& cache, const Taken& pages, bool computed = true) {
  cache.set_computed(pages.taken, computed);
  cache.release(pages.taken);
  cache.release(pages.found);
}

// The text has come twice, so that its pages are worth keeping.
void note_twice(KvCacheManager& cache, const Prompt& text) {
  cache.note(text.prefix());
  cache.note(text.prefix());
}

Taken compute(KvCacheManager& cache, const Prompt& text) {
  note_twice(cache, text);
  const Taken pages = take(cache, text, 1);
  finish(cache, pages);
  return pages;
}

TEST(KvCacheManager, WhatABatchHasComputedIsFound) {
  KvCacheManager cache(8);
  const Prompt text(counting(2 * kPage + 1));
  EXPECT_THAT(compute(cache, text).taken, SizeIs(2));
  EXPECT_THAT(cache.find(text.prefix(), 9).pages, SizeIs(2));
  EXPECT_THAT(compute(cache, text).taken, IsEmpty());
}

TEST(KvCacheManager, ForgetsWhatAFailedBatchTook) {
  KvCacheManager cache(4);
  const Prompt text(counting(2 * kPage + 1));
  note_twice(cache, text);
  const Taken first = take(cache, text, 5), second = take(cache, text, 5);
  EXPECT_THAT(first.taken, SizeIs(2));
  EXPECT_EQ(second.found, first.taken);
  EXPECT_THAT(second.taken, IsEmpty());
  finish(cache, first, false);
  finish(cache, second, false);
  EXPECT_EQ(cache.used(), 0);
  EXPECT_EQ(cache.find(text.prefix(), 6).pending, -1);
  EXPECT_THAT(cache.find(text.prefix(), 6).pages, IsEmpty());
}

TEST(KvCacheManager, EvictsTheLeastRecentlyUsedAndEndsBeforeBeginnings) {
  KvCacheManager cache(4);
  const Prompt a(counting(2 * kPage + 1)), b(counting(2 * kPage + 1, 500));
  compute(cache, a);
  compute(cache, b);
  compute(cache, a);  // touches it
  compute(cache, Prompt(counting(kPage + 1, 900)));
  EXPECT_THAT(cache.find(a.prefix(), 9).pages, SizeIs(2));
  EXPECT_THAT(cache.find(b.prefix(), 9).pages, SizeIs(1));
}

TEST(KvCacheManager, DoesNotEvictWhatIsInUse) {
  KvCacheManager cache(2);
  const Prompt a(counting(2 * kPage + 1)), b(counting(2 * kPage + 1, 500));
  note_twice(cache, a);
  note_twice(cache, b);
  const Taken in_use = take(cache, a, 1);
  EXPECT_THAT(take(cache, b, 2).taken, IsEmpty());
  finish(cache, in_use);
  EXPECT_THAT(take(cache, b, 2).taken, SizeIs(2));
}

TEST(KvCacheManager, KeepsPagesThatComeOnceOnlyWhileItIsNearlyEmpty) {
  KvCacheManager cache(64);
  for (int32_t i = 0; i < 20; ++i) {
    const Prompt text(counting(kPage + 1, 100 * i));
    cache.note(text.prefix());
    finish(cache, take(cache, text, 1));
  }
  EXPECT_EQ(cache.used(), 64 / 16);
  const Prompt twice(counting(kPage + 1, 9000));
  note_twice(cache, twice);
  EXPECT_THAT(take(cache, twice, 1).taken, SizeIs(1));
}

TEST(KvCacheManager, WhatIsReservedOthersCannotTake) {
  KvCacheManager cache(4);
  const Prompt a(counting(3 * kPage + 1)), b(counting(3 * kPage + 1, 500));
  note_twice(cache, b);
  int64_t reserved = 3;
  ASSERT_TRUE(cache.reserve(reserved));
  EXPECT_THAT(take(cache, b, 1).taken, SizeIs(1));
  const std::vector<int32_t> pages =
      cache.allocate_reserved(a.prefix(), {}, 3 * kPage, 2, reserved);
  EXPECT_THAT(pages, SizeIs(3));
  EXPECT_EQ(reserved, 0);
}

}  // namespace
}  // namespace vecton::engine
