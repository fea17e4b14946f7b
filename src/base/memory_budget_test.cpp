#include "base/memory_budget.h"

#include <gtest/gtest.h>

namespace vecton::base {
namespace {

TEST(MemoryBudget, GivesNoMoreThanThereIs) {
  MemoryBudget budget(100);
  MemoryBudget::Share most = budget.take(70);
  EXPECT_TRUE(most);
  EXPECT_EQ(budget.left(), 30);
  EXPECT_FALSE(budget.take(31));
  EXPECT_TRUE(budget.take(30));  // and given back at once
  EXPECT_EQ(budget.left(), 30);
  const MemoryBudget::Share moved = std::move(most);
  EXPECT_EQ(budget.left(), 30);
  most = MemoryBudget::Share();
  EXPECT_EQ(budget.left(), 30);
}

TEST(MemoryBudget, AShareIsGivenBackWithItsHolder) {
  MemoryBudget budget(100);
  {
    MemoryBudget::Share share = budget.take(70);
    share = budget.take(30);
    EXPECT_EQ(budget.left(), 70);
  }
  EXPECT_EQ(budget.left(), 100);
}

TEST(MemoryBudget, AShareGrowsAsFarAsThereIs) {
  MemoryBudget budget(100);
  MemoryBudget::Share share = budget.take(0);
  ASSERT_TRUE(share);
  EXPECT_TRUE(share.grow(60));
  EXPECT_TRUE(share.grow(40));
  EXPECT_EQ(share.bytes(), 100);
  EXPECT_FALSE(share.grow(1));
  EXPECT_EQ(share.bytes(), 100);  // as before
  EXPECT_TRUE(share.grow(-30));
  EXPECT_EQ(budget.left(), 30);
  share = MemoryBudget::Share();
  EXPECT_EQ(budget.left(), 100);
  EXPECT_FALSE(share.grow(0));  // of nothing
}

TEST(MemoryBudget, CountsWhatIsHeldBeside) {
  int64_t beside = 20;
  MemoryBudget budget(100, [&] { return beside; });
  EXPECT_EQ(budget.left(), 80);
  EXPECT_FALSE(budget.take(81));
  MemoryBudget::Share share = budget.take(70);
  EXPECT_TRUE(share);
  beside = 90;  // more than there is: nothing is taken, what was taken stays
  EXPECT_LT(budget.left(), 0);
  EXPECT_FALSE(budget.take(1));
  EXPECT_FALSE(share.grow(1));
  EXPECT_TRUE(share.grow(-10));
  beside = 0;
  EXPECT_EQ(budget.left(), 40);
  EXPECT_TRUE(budget.take(40));
}

TEST(MemoryBudget, WithoutALimitRefusesNothing) {
  MemoryBudget budget(0);
  EXPECT_TRUE(budget.take(int64_t{1} << 60));
  EXPECT_GT(budget.left(), 0);
}

}  // namespace
}  // namespace vecton::base
