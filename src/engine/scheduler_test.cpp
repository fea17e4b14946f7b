#include "engine/scheduler.h"

#include <gmock/gmock.h>

#include <numeric>

namespace vecton {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Sequence sequence(int64_t tokens, size_t index, Task task = Task::kEmbed) {
  Sequence s{.tasks = {task}};
  s.ids.resize(static_cast<size_t>(tokens));
  s.index = index;
  s.group = std::make_shared<Group>();
  return s;
}

std::vector<size_t> indices(const std::vector<Sequence>& sequences) {
  std::vector<size_t> result;
  for (const Sequence& s : sequences) result.push_back(s.index);
  return result;
}

void push(Scheduler& scheduler, std::vector<int64_t> lengths) {
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < lengths.size(); ++i) sequences.push_back(sequence(lengths[i], i));
  scheduler.push(std::move(sequences));
}

TEST(Scheduler, GivesNothingWhenNothingWaits) {
  Scheduler scheduler({});
  EXPECT_THAT(scheduler.next().batch, IsEmpty());
}

TEST(Scheduler, FillsABatchInOrderUpToTheBudget) {
  Scheduler scheduler({.max_batch_tokens = 100});
  push(scheduler, {40, 50, 20, 90});
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(0, 1));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(2));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(3));
  EXPECT_EQ(scheduler.waiting_tokens(), 0);
}

TEST(Scheduler, GivesALongSequenceABatchOfItsOwn) {
  Scheduler scheduler({.max_batch_tokens = 100});
  push(scheduler, {5000, 10});
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(0));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(1));
}

TEST(Scheduler, SharesWhatWaitsAmongTheWorkers) {
  Scheduler scheduler({.max_batch_tokens = 1000, .min_batch_tokens = 50, .workers = 2});
  push(scheduler, std::vector<int64_t>(8, 50));
  EXPECT_EQ(scheduler.next().batch.size(), 4u);
}

TEST(Scheduler, DoesNotCutASmallRestIntoShares) {
  Scheduler scheduler({.max_batch_tokens = 1000, .min_batch_tokens = 64, .workers = 4});
  push(scheduler, {16, 16, 16});
  EXPECT_EQ(scheduler.next().batch.size(), 3u);
}

TEST(Scheduler, KeepsTasksApartAndInOrder) {
  Scheduler scheduler({});
  std::vector<Sequence> sequences;
  const Task tasks[] = {Task::kEmbed, Task::kTokenEmbed, Task::kEmbed, Task::kTokenEmbed};
  for (size_t i = 0; i < 4; ++i) sequences.push_back(sequence(5, i, tasks[i]));
  scheduler.push(std::move(sequences));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(0, 2));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(1, 3));
}

TEST(Scheduler, ReturnsCancelledSequencesApart) {
  Scheduler scheduler({});
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < 3; ++i) sequences.push_back(sequence(5, i));
  sequences[1].group->cancelled->store(true);
  scheduler.push(std::move(sequences));
  const Scheduler::Step step = scheduler.next();
  EXPECT_THAT(indices(step.batch), ElementsAre(0, 2));
  EXPECT_THAT(indices(step.cancelled), ElementsAre(1));
  EXPECT_EQ(scheduler.waiting(), 0);
  EXPECT_EQ(scheduler.waiting_tokens(), 0);
}

TEST(Scheduler, HasRoomUpToItsTokensAndForAnythingWhenEmpty) {
  Scheduler scheduler({.max_queue_tokens = 100});
  EXPECT_TRUE(scheduler.has_room(1000));
  push(scheduler, {60});
  EXPECT_TRUE(scheduler.has_room(40));
  EXPECT_FALSE(scheduler.has_room(41));
}

TEST(Scheduler, LosesNothing) {
  Scheduler scheduler({.max_batch_tokens = 64, .min_batch_tokens = 8, .workers = 3});
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < 200; ++i) {
    sequences.push_back(sequence(static_cast<int64_t>(1 + i * 7 % 90), i,
                                 i % 3 == 0 ? Task::kTokenEmbed : Task::kEmbed));
  }
  scheduler.push(std::move(sequences));
  std::vector<int> seen(200);
  for (Scheduler::Step step = scheduler.next(); !step.batch.empty(); step = scheduler.next()) {
    for (const Sequence& s : step.batch) ++seen[s.index];
  }
  EXPECT_EQ(seen, std::vector<int>(200, 1));
  EXPECT_EQ(scheduler.waiting_tokens(), 0);
}

}  // namespace
}  // namespace vecton
