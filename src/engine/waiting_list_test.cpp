#include "engine/waiting_list.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace vecton::engine {
namespace {

using Key = WaitingList::Key;

Sequence sequence(size_t index, int64_t tokens = 1) {
  Sequence result;
  result.ids.resize(static_cast<size_t>(tokens));
  result.index = index;
  return result;
}

TEST(WaitingList, GivesByPriorityThenByNumber) {
  WaitingList list;
  EXPECT_EQ(list.first(), nullptr);
  list.insert({1, 1}, sequence(1));
  list.insert({0, 2}, sequence(2, 7));
  list.insert({0, 3}, sequence(3));
  EXPECT_EQ(list.tokens(), 9);
  EXPECT_EQ(list.first()->index, 2u);
  EXPECT_EQ(list.take_first().index, 2u);
  EXPECT_EQ(list.take_first().index, 3u);
  EXPECT_EQ(list.take_first().index, 1u);
  EXPECT_EQ(list.size(), 0);
  EXPECT_EQ(list.tokens(), 0);
}

TEST(WaitingList, TheParkedAreNotReadyUntilTheirBlockIs) {
  WaitingList list;
  list.insert({0, 1}, sequence(1));
  list.insert({0, 2}, sequence(2));
  list.park_first(5);
  list.park_first(6);
  EXPECT_FALSE(list.has_ready());
  EXPECT_EQ(list.size(), 2);
  list.unpark(7);
  EXPECT_FALSE(list.has_ready());
  list.unpark(6);
  EXPECT_EQ(list.first()->index, 2u);
  list.unpark(5);
  EXPECT_EQ(list.first()->index, 1u);
}

TEST(WaitingList, OneInTheMiddleCanBeRemoved) {
  WaitingList list;
  for (size_t i = 1; i < 7; ++i) list.insert({0, i}, sequence(i));
  for (int i = 0; i < 3; ++i) list.park_first(5);
  EXPECT_EQ(list.remove({0, 2})->index, 2u);
  list.unpark(5);
  EXPECT_EQ(list.remove({0, 1})->index, 1u);  // the first of a list that was parked
  EXPECT_EQ(list.remove({0, 5})->index, 5u);
  EXPECT_FALSE(list.remove({0, 5}));
  EXPECT_EQ(list.take_first().index, 3u);
  EXPECT_EQ(list.take_first().index, 4u);
  EXPECT_EQ(list.take_first().index, 6u);
}

TEST(WaitingList, IsAsAPlainListWouldBe) {
  std::mt19937 random(1);
  WaitingList list;
  std::set<Key> ready;
  std::map<int32_t, std::set<Key>> parked;
  uint64_t number = 0;
  for (int step = 0; step < 20000; ++step) {
    const auto block = static_cast<int32_t>(random() % 5);
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        const Key key{static_cast<int64_t>(random() % 3), ++number};
        list.insert(key, sequence(key.second));
        ready.insert(key);
        break;
      }
      case 3:
        list.unpark(block);
        ready.merge(parked[block]);
        break;
      case 4: {
        const Key key{static_cast<int64_t>(random() % 3), 1 + random() % (number + 1)};
        size_t there = ready.erase(key);
        for (auto& [of, keys] : parked) there += keys.erase(key);
        ASSERT_EQ(list.remove(key).has_value(), there == 1);
        break;
      }
      case 5:
        if (ready.empty()) break;
        ASSERT_EQ(list.take_first().index, ready.begin()->second);
        ready.erase(ready.begin());
        break;
      default:
        if (ready.empty()) break;
        list.park_first(block);
        parked[block].insert(ready.extract(ready.begin()));
    }
    ASSERT_EQ(list.has_ready(), !ready.empty());
    const Sequence* first = list.first();
    ASSERT_EQ(first ? first->index : 0, ready.empty() ? 0 : ready.begin()->second);
    int64_t all = std::ssize(ready);
    for (const auto& [of, keys] : parked) all += std::ssize(keys);
    ASSERT_EQ(list.size(), all);
    ASSERT_EQ(list.tokens(), all);
  }
  const int64_t left = list.size();
  EXPECT_EQ(std::ssize(list.clear()), left);
  EXPECT_EQ(list.size(), 0);
}

}  // namespace
}  // namespace vecton::engine
