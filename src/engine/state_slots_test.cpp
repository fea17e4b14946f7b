#include "engine/state_slots.h"

#include <gtest/gtest.h>

namespace vecton::engine {
namespace {

constexpr int32_t kA = 10, kB = 11, kC = 12;  // blocks

TEST(StateSlots, AreGivenOnce) {
  StateSlots slots(2);
  const int32_t first = slots.take().value(), second = slots.take().value();
  EXPECT_NE(first, second);
  EXPECT_GT(first, 0);
  EXPECT_EQ(slots.take(), std::nullopt);
  slots.give_back(first);
  EXPECT_EQ(slots.take(), first);
}

TEST(StateSlots, TheSnapshotThatWasUsedLeastRecentlyGoesFirst) {
  StateSlots slots(2);
  slots.keep(kA, slots.take().value());
  slots.keep(kB, slots.take().value());
  slots.refer(kA);
  slots.release(kA);
  EXPECT_TRUE(slots.take());
  EXPECT_TRUE(slots.has(kA));
  EXPECT_FALSE(slots.has(kB));
}

TEST(StateSlots, WhatIsReadStays) {
  StateSlots slots(1);
  const int32_t slot = slots.take().value();
  slots.keep(kA, slot);
  EXPECT_EQ(slots.refer(kA), slot);
  EXPECT_EQ(slots.refer(kA), slot);
  EXPECT_EQ(slots.take(), std::nullopt);
  slots.release(kA);
  EXPECT_EQ(slots.take(), std::nullopt);
  slots.release(kA);
  EXPECT_EQ(slots.take(), slot);
  EXPECT_FALSE(slots.has(kA));
}

TEST(StateSlots, AForgottenOneGoesWithItsLastReader) {
  StateSlots slots(1);
  slots.keep(kA, slots.take().value());
  slots.refer(kA);
  slots.forget(kA);
  EXPECT_EQ(slots.take(), std::nullopt);
  slots.release(kA);
  EXPECT_FALSE(slots.has(kA));
  EXPECT_TRUE(slots.take());
  slots.forget(kB);  // there is none
}

TEST(StateSlots, ASecondSnapshotOfABlockIsNotKept) {
  StateSlots slots(2);
  const int32_t first = slots.take().value(), second = slots.take().value();
  slots.keep(kA, first);
  slots.keep(kA, second);
  EXPECT_EQ(slots.refer(kA), first);
  EXPECT_EQ(slots.take(), second);
}

TEST(StateSlots, TheLastKnownStateIsTheBeginning) {
  StateSlots slots(2);
  const std::vector<int32_t> blocks{kA, kB, kC};
  EXPECT_EQ(slots.usable(blocks), 0);
  slots.keep(kA, slots.take().value());
  EXPECT_EQ(slots.usable(blocks), 1);
  slots.keep(kB, slots.take().value());
  EXPECT_EQ(slots.usable(blocks), 2);
  slots.forget(kB);
  EXPECT_EQ(slots.usable(blocks), 1);
}

}  // namespace
}  // namespace vecton::engine
