#include "engine/page_pool.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace vecton::engine
