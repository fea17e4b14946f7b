#include "engine/prefix_cache.h"

#include <gmock/gmock.h>

#include <numeric>

namespace vecton {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kPage = PrefixCache::kPageTokens;

// A sequence with its keys.
struct Text {
  std::vector<int32_t> ids;
  std::string salt;
  std::vector<uint64_t> keys;

  Text(std::vector<int32_t> tokens, std::string s = "")
      : ids(std::move(tokens)), salt(std::move(s)), keys(PrefixCache::keys(ids, salt)) {}
  PrefixCache::Prefix prefix() const { return {ids, keys, salt}; }
};

std::vector<int32_t> counting(int64_t tokens, int32_t from = 0) {
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  std::iota(ids.begin(), ids.end(), from);
  return ids;
}

// Takes the pages of a sequence and computes them.
std::vector<int32_t> compute(PrefixCache& cache, const Text& text, int64_t batch = 1) {
  const auto found = cache.find(text.prefix(), batch);
  const auto claimed =
      cache.claim(text.prefix(), found.pages, static_cast<int64_t>(text.ids.size()), batch, true);
  cache.release(found.pages, claimed, true);
  return claimed;
}

TEST(PrefixCache, FindsPagesByTheirTokensAndThoseBefore) {
  PrefixCache cache(8);
  const auto pages = compute(cache, Text(counting(3 * kPage)));
  EXPECT_THAT(pages, SizeIs(3));
  Text same(counting(3 * kPage + 1));
  EXPECT_EQ(cache.find(same.prefix(), 2).pages, pages);
  Text other = same;
  other.ids[0] = 7777;
  other = Text(other.ids);
  EXPECT_THAT(cache.find(other.prefix(), 2).pages, IsEmpty());
  Text parts = same;
  parts.ids[kPage + 3] = 7777;
  parts = Text(parts.ids);
  EXPECT_THAT(cache.find(parts.prefix(), 2).pages, ElementsAre(pages[0]));
}

TEST(PrefixCache, LeavesTheLastTokenToBeComputed) {
  PrefixCache cache(8);
  compute(cache, Text(counting(2 * kPage)));
  EXPECT_THAT(cache.find(Text(counting(2 * kPage)).prefix(), 2).pages, SizeIs(1));
}

TEST(PrefixCache, KeepsSaltsApart) {
  PrefixCache cache(8);
  compute(cache, Text(counting(2 * kPage), "a"));
  EXPECT_THAT(cache.find(Text(counting(3 * kPage), "b").prefix(), 2).pages, IsEmpty());
  EXPECT_THAT(cache.find(Text(counting(3 * kPage), "a").prefix(), 2).pages, SizeIs(2));
}

TEST(PrefixCache, DoesNotTrustAHash) {
  PrefixCache cache(8);
  const Text text(counting(2 * kPage));
  compute(cache, text);
  Text forged(counting(2 * kPage, 1000));
  forged.keys = text.keys;
  EXPECT_THAT(cache.find(forged.prefix(), 2).pages, IsEmpty());
}

TEST(PrefixCache, SharesWhatItsOwnBatchComputesAndLetsOthersWait) {
  PrefixCache cache(8);
  const Text text(counting(2 * kPage + 1));
  const auto claimed = cache.claim(text.prefix(), {}, 2 * kPage, 5, true);
  EXPECT_EQ(cache.find(text.prefix(), 5).pages, claimed);
  const auto elsewhere = cache.find(text.prefix(), 6);
  EXPECT_TRUE(elsewhere.pending);
  EXPECT_THAT(elsewhere.pages, IsEmpty());
  cache.release({}, claimed, true);
  EXPECT_FALSE(cache.find(text.prefix(), 6).pending);
}

TEST(PrefixCache, ForgetsWhatAFailedBatchClaimed) {
  PrefixCache cache(4);
  const Text text(counting(2 * kPage + 1));
  const auto claimed = cache.claim(text.prefix(), {}, 2 * kPage, 5, true);
  const auto found = cache.find(text.prefix(), 5).pages;
  EXPECT_THAT(cache.claim(text.prefix(), found, 2 * kPage, 5, true), IsEmpty());
  cache.release({}, claimed, false);
  cache.release(found, {}, false);
  EXPECT_EQ(cache.used(), 0);
  const auto after = cache.find(text.prefix(), 6);
  EXPECT_FALSE(after.pending);
  EXPECT_THAT(after.pages, IsEmpty());
}

TEST(PrefixCache, EvictsTheLeastRecentlyUsedAndEndsBeforeBeginnings) {
  PrefixCache cache(4);
  const Text a(counting(2 * kPage + 1)), b(counting(2 * kPage + 1, 500));
  compute(cache, a);
  compute(cache, b);
  EXPECT_THAT(cache.find(a.prefix(), 9).pages, SizeIs(2));
  compute(cache, a);  // touches it
  compute(cache, Text(counting(kPage + 1, 900)));
  EXPECT_THAT(cache.find(a.prefix(), 9).pages, SizeIs(2));
  EXPECT_THAT(cache.find(b.prefix(), 9).pages, SizeIs(1));
}

TEST(PrefixCache, DoesNotEvictWhatIsInUse) {
  PrefixCache cache(2);
  const Text a(counting(2 * kPage + 1)), b(counting(2 * kPage + 1, 500));
  const auto claimed = cache.claim(a.prefix(), {}, 2 * kPage, 1, true);
  EXPECT_THAT(cache.claim(b.prefix(), {}, 2 * kPage, 2, true), IsEmpty());
  cache.release({}, claimed, true);
  EXPECT_THAT(cache.claim(b.prefix(), {}, 2 * kPage, 2, true), SizeIs(2));
}

TEST(PrefixCache, KeepsPagesThatComeOnceOnlyWhileItIsNearlyEmpty) {
  PrefixCache cache(64);
  for (int32_t i = 0; i < 20; ++i) {
    const Text text(counting(kPage + 1, 100 * i));
    cache.note(text.prefix());
    cache.release({}, cache.claim(text.prefix(), {}, kPage, 1), true);
  }
  EXPECT_EQ(cache.used(), 64 / 16);
  const Text twice(counting(kPage + 1, 9000));
  cache.note(twice.prefix());
  cache.note(twice.prefix());
  EXPECT_THAT(cache.claim(twice.prefix(), {}, kPage, 1), SizeIs(1));
}

}  // namespace
}  // namespace vecton
