#include "engine/page_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace vecton::engine {
namespace {

TEST(PagePool, GivesEveryPageOnce) {
  PagePool pool(3);
  EXPECT_EQ(pool.take(), 0);
  EXPECT_EQ(pool.take(), 1);
  EXPECT_EQ(pool.take(), 2);
  EXPECT_EQ(pool.take(), std::nullopt);
  EXPECT_EQ(pool.used(), 3);
}

TEST(PagePool, KeepsWhatNobodyRefersToUntilItsPlaceIsNeeded) {
  PagePool pool(3);
  for (int i = 0; i < 3; ++i) pool.take();
  pool.release(1);
  pool.release(0);
  EXPECT_EQ(pool.used(), 3);
  EXPECT_EQ(pool.in_use(), 1);
  EXPECT_EQ(pool.available(), 2);
  pool.refer(1);
  EXPECT_EQ(pool.take(), 0);
  EXPECT_EQ(pool.take(), std::nullopt);
}

TEST(PagePool, CountsReferences) {
  PagePool pool(1);
  pool.take();
  pool.refer(0);
  pool.release(0);
  EXPECT_EQ(pool.take(), std::nullopt);
  pool.release(0);
  EXPECT_EQ(pool.take(), 0);
}

TEST(PagePool, WhatIsWorthlessIsFree) {
  PagePool pool(2);
  pool.take();
  pool.discard(0);
  pool.release(0);
  EXPECT_EQ(pool.used(), 0);
  EXPECT_EQ(pool.take(), 0);
  pool.release(0);  // worth something again
  EXPECT_EQ(pool.used(), 1);
}

TEST(PagePool, WhatIsOwedIsThereWhateverOthersTake) {
  PagePool pool(4);
  EXPECT_FALSE(pool.reserve(5));
  ASSERT_TRUE(pool.reserve(3));
  EXPECT_FALSE(pool.reserve(2));
  EXPECT_TRUE(pool.take());
  EXPECT_EQ(pool.take(), std::nullopt);
  pool.take_reserved();
  pool.take_reserved();
  EXPECT_EQ(pool.take(), std::nullopt);
  pool.unreserve(1);
  EXPECT_TRUE(pool.take());
}

// Random taking, referring and releasing, against a plain count of who refers to what.
TEST(PagePool, IsWhatAPlainCountSays) {
  std::mt19937 random(3);
  for (const int64_t size : {1, 2, 5, 40}) {
    PagePool pool(size);
    std::vector<int> references(static_cast<size_t>(size));
    std::vector<int32_t> kept;  // who was released first is first
    std::vector<bool> fresh(static_cast<size_t>(size), true), worthless(fresh.size());
    int64_t owed = 0;
    const auto free_pages = [&] { return std::count(fresh.begin(), fresh.end(), true); };
    const auto take = [&](int32_t page) {
      if (free_pages() > 0) {
        EXPECT_TRUE(fresh[static_cast<size_t>(page)]);
        fresh[static_cast<size_t>(page)] = false;
      } else {
        ASSERT_FALSE(kept.empty());
        EXPECT_EQ(page, kept.front()) << "who was released first is taken first";
        kept.erase(kept.begin());
      }
      EXPECT_EQ(references[static_cast<size_t>(page)]++, 0);
      worthless[static_cast<size_t>(page)] = false;
    };
    for (int step = 0; step < 5000 && !testing::Test::HasFailure(); ++step) {
      const int64_t available = free_pages() + static_cast<int64_t>(kept.size()) - owed;
      ASSERT_EQ(pool.available(), available);
      ASSERT_EQ(pool.used(), size - free_pages());
      ASSERT_EQ(pool.in_use(), size - std::count(references.begin(), references.end(), 0));
      const auto page = static_cast<int32_t>(random() % static_cast<uint32_t>(size));
      const auto at = static_cast<size_t>(page);
      switch (random() % 6) {
        case 0:
          if (const auto taken = pool.take()) {
            EXPECT_GT(available, 0);
            take(*taken);
          } else {
            EXPECT_LE(available, 0);
          }
          break;
        case 1: {
          const int64_t pages = static_cast<int64_t>(random() % 4);
          const bool reserved = pool.reserve(pages);
          EXPECT_EQ(reserved, pages <= available);
          if (reserved) owed += pages;
          break;
        }
        case 2:
          if (owed == 0) break;
          --owed;
          if (random() % 2) {
            pool.unreserve(1);
          } else {
            take(pool.take_reserved());
          }
          break;
        case 3:  // of what is in use or kept; a kept page that is owed to somebody is not referred
                 // to
          if (references[at] == 0 && (fresh[at] || available <= 0)) break;
          if (references[at]++ == 0) std::erase(kept, page);
          pool.refer(page);
          break;
        default:
          if (references[at] == 0) break;
          if (random() % 8 == 0) {
            pool.discard(page);
            worthless[at] = true;
          }
          pool.release(page);
          if (--references[at] > 0) break;
          if (worthless[at]) {
            fresh[at] = true;
          } else {
            kept.push_back(page);
          }
      }
    }
  }
}

}  // namespace
}  // namespace vecton::engine
