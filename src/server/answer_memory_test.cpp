#include "server/answer_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace vecton::server {
namespace {

constexpr size_t kLarge = 1 << 20;

TEST(AnswerMemory, WhatIsWrittenServesTheNext) {
  std::string first = "[";
  reserve_answer(first, kLarge);
  EXPECT_EQ(first, "[");
  ASSERT_GE(first.capacity(), kLarge);
  const char* const memory = first.data();
  give_back_answer(first);
  EXPECT_TRUE(first.empty());
  EXPECT_LT(first.capacity(), kLarge);
  std::string second = "{\"a\":";
  reserve_answer(second, kLarge);
  EXPECT_EQ(second.data(), memory);
  EXPECT_EQ(second, "{\"a\":");
  std::string third;
  reserve_answer(third, kLarge);  // none is left
  EXPECT_NE(third.data(), memory);
  EXPECT_GE(third.capacity(), kLarge);
}

TEST(AnswerMemory, TheSmallestThatHasRoom) {
  std::string small, large;
  reserve_answer(small, 2 * kLarge);
  reserve_answer(large, 6 * kLarge);
  const char *const of_small = small.data(), *const of_large = large.data();
  give_back_answer(large);
  give_back_answer(small);
  std::string body;
  reserve_answer(body, kLarge);
  EXPECT_EQ(body.data(), of_small);
  std::string other;
  reserve_answer(other, 5 * kLarge);
  EXPECT_EQ(other.data(), of_large);
}

TEST(AnswerMemory, NoMoreThanSixteenMebibytesAreKept) {
  std::vector<std::string> bodies(40);
  for (std::string& body : bodies) reserve_answer(body, kLarge);
  std::vector<const char*> memory;
  for (std::string& body : bodies) {
    memory.push_back(body.data());
    give_back_answer(body);
  }
  // The last ones, since those before had to go.
  size_t again = 0;
  for (std::string& body : bodies) {
    reserve_answer(body, kLarge);
    again += std::count(memory.end() - 14, memory.end(), body.data()) > 0;
  }
  EXPECT_EQ(again, 14u);
}

TEST(AnswerMemory, AnyThread) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (size_t n = 0; n < 300; ++n) {
        std::string body(1, static_cast<char>('a' + i));
        reserve_answer(body, (n % 7 + 1) * 100000);
        body.append(n * 100, static_cast<char>('a' + i));
        EXPECT_EQ(body.find_first_not_of(static_cast<char>('a' + i)), std::string::npos);
        give_back_answer(body);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace vecton::server
