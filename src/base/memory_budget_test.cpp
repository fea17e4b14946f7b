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

TEST(MemoryBudget, WithoutALimitRefusesNothing) {
  MemoryBudget budget(0);
  EXPECT_TRUE(budget.take(int64_t{1} << 60));
  EXPECT_GT(budget.left(), 0);
}

}  // namespace
}  // namespace vecton::base
