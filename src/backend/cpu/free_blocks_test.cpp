#include "backend/cpu/free_blocks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace vecton::cpu {
namespace {

constexpr size_t kMuch = size_t{1} << 30;

// A pass that needs blocks of these sizes at once.
void pass(FreeBlocks& blocks, const std::vector<size_t>& floats) {
  std::vector<FreeBlocks::Block> taken;
  for (const size_t size : floats) {
    taken.push_back(blocks.take(size));
    taken.back().at[0] = taken.back().at[size - 1] = 1;
  }
  for (const FreeBlocks::Block& block : taken) blocks.give(block);
}

TEST(FreeBlocks, GivesAlignedBlocksOfEverySize) {
  FreeBlocks blocks(kMuch);
  for (const size_t floats : {1, 15, 1000, 65535, 65536, 1 << 20, (1 << 21) + 5}) {
    const FreeBlocks::Block block = blocks.take(floats);
    EXPECT_GE(block.floats, floats);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.at) % 64, 0u);
    for (size_t i = 0; i < floats; i += 512) block.at[i] = 1;
    block.at[floats - 1] = 1;
    blocks.give(block);
  }
}

TEST(FreeBlocks, SeveralCountTogetherWhatTheyHold) {
  const auto counter = std::make_shared<std::atomic<int64_t>>(0);
  FreeBlocks first(kMuch, counter), second(kMuch, counter);
  const auto held = [&] { return static_cast<size_t>(counter->load()); };
  const FreeBlocks::Block block = first.take(1000);
  EXPECT_EQ(held(), first.bytes());
  pass(second, {100000, 5});
  EXPECT_EQ(held(), first.bytes() + second.bytes());
  second.give_back();
  EXPECT_EQ(held(), first.bytes());
  first.give(block);
  EXPECT_EQ(held(), first.bytes());  // kept for the next pass
  first.give_back();
  EXPECT_EQ(held(), 0u);
}

TEST(FreeBlocks, WhatIsThrownAwayAtOnceIsNotCounted) {
  const auto counter = std::make_shared<std::atomic<int64_t>>(0);
  {
    FreeBlocks few(0, counter);
    pass(few, {1000, 300000});
    EXPECT_EQ(*counter, 0);
    FreeBlocks many(kMuch, counter);
    pass(many, {1000, 300000});
    EXPECT_GT(*counter, 1200000);
  }
  EXPECT_EQ(*counter, 0);  // blocks go with their list
}

TEST(FreeBlocks, TheNextPassOfALikeSizeAllocatesNothing) {
  FreeBlocks blocks(kMuch);
  pass(blocks, {1000, 300000, 4000});
  const size_t bytes = blocks.bytes();
  const FreeBlocks::Block first = blocks.take(300000);
  blocks.give(first);
  const FreeBlocks::Block again = blocks.take(290000);
  EXPECT_EQ(again.at, first.at);
  blocks.give(again);
  EXPECT_EQ(blocks.bytes(), bytes);
}

TEST(FreeBlocks, HoldsNoMoreThanTwiceWhatThePassesNeed) {
  FreeBlocks blocks(kMuch);
  std::mt19937 random(1);
  size_t most = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<size_t> sizes;
    size_t bytes = 0;
    for (int j = 0; j < 8; ++j) {
      sizes.push_back(1 + random() % 200000);
      bytes += (sizes.back() + 1024) * 2 * sizeof(float);  // a block may be twice as large
    }
    pass(blocks, sizes);
    most = std::max(most, bytes);
    ASSERT_LE(blocks.bytes(), 2 * most);
  }
}

TEST(FreeBlocks, ForgetsALongPassInTime) {
  FreeBlocks blocks(kMuch);
  pass(blocks, {10 << 20});
  EXPECT_GE(blocks.bytes(), size_t{40} << 20);
  for (int i = 0; i < 500; ++i) pass(blocks, {1000});
  EXPECT_LE(blocks.bytes(), size_t{1} << 20);
}

TEST(FreeBlocks, KeepsNoMoreThanItsBound) {
  FreeBlocks blocks(1 << 20);
  pass(blocks, {200000, 200000, 10 << 20});
  EXPECT_LE(blocks.bytes(), size_t{1} << 20);
}

TEST(FreeBlocks, GivesAllBackThatIsNotInUse) {
  FreeBlocks blocks(kMuch);
  const FreeBlocks::Block kept = blocks.take(1000);
  pass(blocks, {500000, 2000});
  blocks.give_back();
  EXPECT_EQ(blocks.bytes(), kept.floats * sizeof(float));
  kept.at[999] = 1;
  blocks.give(kept);
  blocks.give_back();
  EXPECT_EQ(blocks.bytes(), 0u);
}

}  // namespace
}  // namespace vecton::cpu
