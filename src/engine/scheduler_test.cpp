#include "engine/scheduler.h"

#include <gmock/gmock.h>

#include <numeric>
#include <utility>

#include "engine/sequences_test.h"

namespace vecton::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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

TEST(Scheduler, PutsAllTasksIntoOneBatch) {
  Scheduler scheduler({});
  std::vector<Sequence> sequences;
  const Task tasks[] = {Task::kEmbed, Task::kTokenEmbed, Task::kScore, Task::kTokenEmbed};
  for (size_t i = 0; i < 4; ++i) sequences.push_back(sequence(5, i, tasks[i]));
  scheduler.push(std::move(sequences));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(0, 1, 2, 3));
}

TEST(Scheduler, ReturnsCancelledSequencesApart) {
  Scheduler scheduler({});
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < 3; ++i) sequences.push_back(sequence(5, i));
  sequences[1].group->cancelled = true;
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

void push(Scheduler& scheduler, size_t index, int64_t priority, int64_t tokens = 10) {
  std::vector<Sequence> one;
  one.push_back(sequence(tokens, index));
  one.back().priority = priority;
  scheduler.push(std::move(one));
}

TEST(SchedulerPriorities, LowerOnesComeFirstAndEqualOnesInTheirOrder) {
  Scheduler scheduler({.max_batch_tokens = 30, .min_batch_tokens = 30});
  const int64_t priorities[] = {0, 5, -1, 0, 5, -1, -7};
  for (size_t i = 0; i < std::size(priorities); ++i) push(scheduler, i, priorities[i]);
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(6, 2, 5));
  push(scheduler, 7, -2);
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(7, 0, 3));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(1, 4));
  EXPECT_THAT(scheduler.next().batch, IsEmpty());
}

TEST(SchedulerPriorities, OneThatDoesNotFitIsNotOvertaken) {
  Scheduler scheduler({.max_batch_tokens = 30, .min_batch_tokens = 30});
  push(scheduler, 0, 0, 20);
  push(scheduler, 1, 1, 20);
  push(scheduler, 2, 2, 5);
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(0));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(1, 2));
}

TEST(SchedulerTurns, AQueryPassesTheBulkBeforeIt) {
  Scheduler scheduler({.max_batch_tokens = 100, .min_batch_tokens = 20});
  push(scheduler, std::vector<int64_t>(200, 10));
  push(scheduler, std::vector<int64_t>(200, 10));
  EXPECT_THAT(scheduler.next().batch, SizeIs(10));
  push(scheduler, 1000, 0, 8);
  // Beside it goes no more of the bulk than is worth a worker.
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(1000, 10));
  EXPECT_THAT(scheduler.next().batch, SizeIs(10));
}

TEST(SchedulerTurns, WhatHasPassedNothingLongFillsTheBatch) {
  Scheduler scheduler({.max_batch_tokens = 100, .min_batch_tokens = 20});
  push(scheduler, {30, 30, 30});
  push(scheduler, 7, 0, 8);
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(7, 0, 1, 2));
}

TEST(SchedulerTurns, RequestsOfOneLengthComeInTheirOrder) {
  Scheduler scheduler({.max_batch_tokens = 100});
  for (size_t request = 0; request < 3; ++request) {
    std::vector<Sequence> sequences;
    for (size_t i = 0; i < 4; ++i) sequences.push_back(sequence(50, 10 * request + i));
    scheduler.push(std::move(sequences));
  }
  for (const size_t first : {0, 2, 10, 12, 20, 22})
    EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(first, first + 1));
}

// As many queries as can be computed, for ever: the bulk is done all the same.
TEST(SchedulerTurns, NoNumberOfQueriesKeepsTheBulkWaiting) {
  Scheduler scheduler({.max_batch_tokens = 100, .min_batch_tokens = 100});
  push(scheduler, std::vector<int64_t>(10, 100));
  int64_t bulk = 0, queries = 0;
  for (int step = 0; bulk < 10; ++step) {
    ASSERT_LT(step, 200);
    push(scheduler, 1000, 0, 100);
    const Scheduler::Step next = scheduler.next();
    for (const Sequence& s : next.batch) ++(s.index < 1000 ? bulk : queries);
  }
  EXPECT_GT(queries, 0);
}

TEST(SchedulerTurns, WhatIsGivenUpTakesNoTurns) {
  Scheduler scheduler({.max_batch_tokens = 100});
  for (int times = 0; times < 3; ++times) {
    std::vector<Sequence> bulk;
    for (size_t i = 0; i < 100; ++i) bulk.push_back(sequence(100, i));
    const auto group = std::make_shared<Group>();
    for (Sequence& s : bulk) s.group = group;
    scheduler.push(std::move(bulk));
    EXPECT_THAT(scheduler.next().batch, SizeIs(1));
    scheduler.cancel(*group);
    EXPECT_THAT(scheduler.next().cancelled, SizeIs(99));
    push(scheduler, 7, 0, 8);
    EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(7));
    EXPECT_THAT(scheduler.next().batch, IsEmpty());
  }
}

// As many priorities as sequences: each is looked at once more than it is taken at most.
TEST(SchedulerPriorities, ManyOfThemAreNotSearched) {
  constexpr size_t kMany = 65536;
  Scheduler scheduler(
      {.max_batch_tokens = 100, .min_batch_tokens = 100, .max_queue_tokens = 1 << 30});
  const auto group = std::make_shared<Group>();
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < kMany; ++i) {
    sequences.push_back(sequence(10, i));
    sequences.back().group = group;
    sequences.back().priority = static_cast<int64_t>(i * 7919 % kMany);
  }
  scheduler.push(std::move(sequences));
  int64_t last = -1, batches = 0;
  for (Scheduler::Step step = scheduler.next(); !step.batch.empty(); step = scheduler.next()) {
    for (const Sequence& s : step.batch) EXPECT_GT(s.priority, std::exchange(last, s.priority));
    ++batches;
  }
  EXPECT_EQ(scheduler.waiting(), 0);
  EXPECT_LE(scheduler.looks(), static_cast<int64_t>(kMany) + batches);
}

TEST(SchedulerPriorities, WhatIsLeftAtTheEndIsOfAll) {
  Scheduler scheduler({});
  for (size_t i = 0; i < 5; ++i) push(scheduler, i, static_cast<int64_t>(i) % 3);
  EXPECT_EQ(scheduler.clear().size(), 5u);
  EXPECT_EQ(scheduler.waiting(), 0);
}

TEST(SchedulerWithCache, WhoWaitsForAPageIsLookedAtOnceUntilItIsThere) {
  constexpr size_t kMany = 65536;
  Scheduler scheduler({.max_batch_tokens = 64, .max_queue_tokens = 1 << 30, .cache_pages = 4096});
  scheduler.push(with_prefixes(3 * kPage, kMany));
  Scheduler::Step first = scheduler.next();
  ASSERT_FALSE(first.batch.empty());
  // A batch of another kind of sequence, and then nothing, as long as the first is under way.
  while (scheduler.next().more) continue;
  const int64_t looks = scheduler.looks();
  EXPECT_LE(looks, static_cast<int64_t>(kMany) + 1);
  for (int times = 0; times < 1000; ++times) {
    EXPECT_THAT(scheduler.next().batch, IsEmpty());
    EXPECT_EQ(scheduler.ready_batches(), 0);
  }
  EXPECT_EQ(scheduler.looks(), looks);
  scheduler.finish(first.batch, true);
  EXPECT_GT(scheduler.ready_batches(), 0);
  EXPECT_EQ(scheduler.looks(), looks);
  // From now on each look is a sequence that goes into a batch, but for the one that does not fit.
  const size_t before = static_cast<size_t>(scheduler.waiting());
  size_t batches = 0;
  for (Scheduler::Step step = scheduler.next(); !step.batch.empty(); step = scheduler.next()) {
    scheduler.finish(step.batch, true);
    ++batches;
  }
  EXPECT_EQ(scheduler.waiting(), 0);
  EXPECT_LE(scheduler.looks() - looks, static_cast<int64_t>(before + batches));
}

TEST(SchedulerWithCache, OneCallLooksAtABoundedNumber) {
  Scheduler scheduler({.max_batch_tokens = 64, .max_queue_tokens = 1 << 30, .cache_pages = 4096});
  scheduler.push(with_prefixes(3 * kPage, 10000));
  const Scheduler::Step first = scheduler.next();
  const int64_t looks = scheduler.looks();
  const Scheduler::Step second = scheduler.next();
  EXPECT_TRUE(second.more);
  EXPECT_LE(scheduler.looks() - looks, 256);
}

TEST(SchedulerWithCache, WhoWaitedComesBeforeThoseWhoCameLater) {
  Scheduler scheduler({.max_batch_tokens = 60, .cache_pages = 256});
  scheduler.push(with_prefixes(3 * kPage, 4));
  Scheduler::Step first = scheduler.next();
  ASSERT_THAT(indices(first.batch), ElementsAre(0, 1, 2, 3));  // of one batch they share
  scheduler.finish(first.batch, true);
  std::vector<Sequence> fresh;
  for (size_t i = 0; i < 3; ++i) fresh.push_back(with_prefix(5 * kPage, 2, i));
  scheduler.push(std::move(fresh));
  Scheduler::Step second = scheduler.next();
  ASSERT_THAT(indices(second.batch), ElementsAre(0, 1, 2));
  std::vector<Sequence> late;
  late.push_back(sequence(50, 9));
  scheduler.push(std::move(late));
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(9));
}

TEST(SchedulerWithCache, WhoWaitedForAPageKeepsItsPriority) {
  Scheduler scheduler({.max_batch_tokens = 200, .cache_pages = 256});
  scheduler.push(with_prefixes(3 * kPage, 1));
  Scheduler::Step first = scheduler.next();
  std::vector<Sequence> parked = with_prefixes(3 * kPage, 3);
  for (size_t i = 0; i < parked.size(); ++i) parked[i].priority = 2 - static_cast<int64_t>(i);
  scheduler.push(std::move(parked));
  EXPECT_THAT(scheduler.next().batch, IsEmpty());
  push(scheduler, 8, 0, 60);  // longer, or it would pass
  push(scheduler, 9, 3, 5);
  scheduler.finish(first.batch, true);
  EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(2, 8, 1, 0, 9));
}

TEST(SchedulerWithCache, ALongSequenceThatHasBegunLetsAHigherPriorityPass) {
  Scheduler scheduler({.max_batch_tokens = 2 * kPage, .min_batch_tokens = 1, .cache_pages = 256});
  std::vector<Sequence> sequences;
  sequences.push_back(with_prefix(7 * kPage, 5, 0));
  scheduler.push(std::move(sequences));
  Scheduler::Step step = scheduler.next();
  ASSERT_TRUE(step.batch.front().is_chunk());
  scheduler.finish(step.batch, true);
  for (size_t i = 1; i < 4; ++i) push(scheduler, i, -1, 2 * kPage);
  for (size_t i = 1; i < 4; ++i) EXPECT_THAT(indices(scheduler.next().batch), ElementsAre(i));
  step = scheduler.next();
  ASSERT_THAT(indices(step.batch), ElementsAre(0));
  EXPECT_EQ(step.batch.front().cached(), 2 * kPage);
}

TEST(SchedulerWithCache, FindsTheCancelledWithoutLooking) {
  Scheduler scheduler({.max_batch_tokens = 64, .max_queue_tokens = 1 << 30, .cache_pages = 4096});
  std::vector<Sequence> sequences = with_prefixes(3 * kPage, 5000);
  const auto group = sequences[4000].group = std::make_shared<Group>();
  scheduler.push(std::move(sequences));
  const Scheduler::Step first = scheduler.next();
  while (scheduler.next().more) continue;
  const int64_t looks = scheduler.looks();
  group->cancelled = true;
  scheduler.cancel(*group);
  EXPECT_THAT(indices(scheduler.next().cancelled), ElementsAre(4000));
  EXPECT_EQ(scheduler.looks(), looks);
  EXPECT_THAT(scheduler.next().cancelled, IsEmpty());
}

TEST(SchedulerWithCache, ALongSequenceGoesInChunksAndLetsOthersBetween) {
  Scheduler scheduler({.max_batch_tokens = 2 * kPage, .min_batch_tokens = 1, .cache_pages = 256});
  std::vector<Sequence> sequences;
  sequences.push_back(with_prefix(7 * kPage, 5, 0));
  sequences.push_back(sequence(kPage, 1));
  sequences.push_back(sequence(kPage, 2));
  sequences.push_back(sequence(2 * kPage, 3));
  scheduler.push(std::move(sequences));
  std::vector<std::vector<size_t>> batches;
  int64_t computed = 0;
  for (Scheduler::Step step = scheduler.next(); !step.batch.empty(); step = scheduler.next()) {
    batches.push_back(indices(step.batch));
    if (step.batch.front().index == 0) {
      EXPECT_EQ(step.batch.front().cached(), computed);
      computed = step.batch.front().end;
    }
    scheduler.finish(step.batch, true);
  }
  using Batch = std::vector<size_t>;
  EXPECT_THAT(batches, ElementsAre(Batch{0}, Batch{1, 2}, Batch{0}, Batch{3}, Batch{0}));
  EXPECT_EQ(computed, 7 * kPage + 5);
  EXPECT_EQ(scheduler.waiting(), 0);
}

TEST(SchedulerWithCache, NothingIsComputedBeyondTheEnd) {
  Scheduler scheduler({.max_batch_tokens = 1, .cache_pages = 256});
  std::vector<Sequence> sequences;
  for (size_t i = 0; i < 70; ++i)
    sequences.push_back(with_prefix(0, static_cast<int64_t>(i) + 1, i));
  scheduler.push(std::move(sequences));
  size_t answered = 0;
  for (Scheduler::Step step = scheduler.next(); !step.batch.empty(); step = scheduler.next()) {
    for (const Sequence& s : step.batch) ASSERT_LE(s.end, s.tokens());
    scheduler.finish(step.batch, true);
    answered += step.batch.size();
  }
  EXPECT_EQ(answered, 70u);
}

TEST(SchedulerWithCache, WhoHasBegunIsOwedAllItsPages) {
  Scheduler scheduler({.max_batch_tokens = 2 * kPage, .min_batch_tokens = 1, .cache_pages = 16});
  std::vector<Sequence> sequences;
  sequences.push_back(with_prefix(12 * kPage, 5, 0));
  sequences.push_back(with_prefix(0, 12 * kPage, 1));
  scheduler.push(std::move(sequences));
  Scheduler::Step begun = scheduler.next();
  ASSERT_TRUE(begun.batch.front().is_chunk());
  // The other finds no room for its own and is computed in one piece.
  Scheduler::Step whole = scheduler.next();
  ASSERT_THAT(indices(whole.batch), ElementsAre(1));
  EXPECT_FALSE(whole.batch.front().is_chunk());
  scheduler.finish(whole.batch, true);
  int64_t end = 0;
  while (!begun.batch.empty()) {
    EXPECT_EQ(begun.batch.front().cached(), end);
    end = begun.batch.front().end;
    scheduler.finish(begun.batch, true);
    begun = scheduler.next();
  }
  EXPECT_EQ(end, 12 * kPage + 5);
}

// 40 blocks of which a token sees two at most, by pieces of up to four: six pages are enough.
TEST(SchedulerWithCache, WhoSeesNotFarIsOwedWhatItSees) {
  for (const int64_t pages : {6, 5}) {
    Scheduler scheduler({.max_batch_tokens = 2 * kPage,
                         .cache_pages = pages,
                         .cache_windows = {kPage + kPage / 2}});
    std::vector<Sequence> sequences;
    sequences.push_back(with_prefix(40 * kPage, 5, 0));
    scheduler.push(std::move(sequences));
    int64_t end = 0, pieces = 0;
    for (Scheduler::Step step = scheduler.next(); !step.batch.empty(); step = scheduler.next()) {
      ASSERT_EQ(step.batch.front().cached(), end);
      end = step.batch.front().end;
      ++pieces;
      scheduler.finish(step.batch, true);
    }
    EXPECT_EQ(end, 40 * kPage + 5);
    EXPECT_EQ(pieces, pages == 6 ? 20 : 1);
  }
}

// What others share is not given back: the rest is computed in one piece, and nobody waits.
TEST(SchedulerWithCache, WhoIsOwedNothingMoreGoesOnInOnePiece) {
  Scheduler scheduler({.max_batch_tokens = 2 * kPage,
                       .min_batch_tokens = 1,
                       .cache_pages = 8,
                       .cache_windows = {kPage + kPage / 2}});
  std::vector<Sequence> sequences;
  sequences.push_back(with_prefix(40 * kPage, 5, 0));
  scheduler.push(std::move(sequences));
  Scheduler::Step first = scheduler.next();
  ASSERT_TRUE(first.batch.front().is_chunk());
  scheduler.finish(first.batch, true);
  // Two go on from its first blocks, and take pages of their own.
  sequences.clear();
  for (const size_t i : {1, 2}) sequences.push_back(with_prefix(2 * kPage, 2 * kPage, i));
  scheduler.push(std::move(sequences));
  std::vector<Scheduler::Step> running;
  size_t answered = 0, steps = 0;
  for (; answered < 3 && steps < 100; ++steps) {
    running.push_back(scheduler.next());
    if (running.back().batch.empty() || running.size() == 2) {
      std::vector<Sequence>& done = running.front().batch;
      scheduler.finish(done, true);
      answered += done.size();
      running.erase(running.begin());
    }
  }
  EXPECT_EQ(answered, 3u);
}

TEST(SchedulerWithCache, AFailedChunkIsComputedInOnePiece) {
  Scheduler scheduler({.max_batch_tokens = 2 * kPage, .cache_pages = 256});
  std::vector<Sequence> sequences;
  sequences.push_back(with_prefix(9 * kPage, 5, 0));
  scheduler.push(std::move(sequences));
  Scheduler::Step step = scheduler.next();
  scheduler.finish(step.batch, true);
  EXPECT_THAT(step.batch, IsEmpty());
  step = scheduler.next();
  EXPECT_TRUE(step.batch.front().is_chunk());
  scheduler.finish(step.batch, false);
  step = scheduler.next();
  ASSERT_THAT(indices(step.batch), ElementsAre(0));
  EXPECT_FALSE(step.batch.front().is_chunk());
  scheduler.finish(step.batch, true);
  EXPECT_THAT(indices(step.batch), ElementsAre(0));
}

TEST(SchedulerWithCache, ACancelledChunkGivesItsPagesBack) {
  Scheduler scheduler({.max_batch_tokens = 2 * kPage, .cache_pages = 10});
  for (int times = 0; times < 5; ++times) {
    std::vector<Sequence> sequences;
    sequences.push_back(with_prefix(0, 9 * kPage + 1, static_cast<size_t>(times)));
    const std::shared_ptr<Group> group = sequences.front().group;
    scheduler.push(std::move(sequences));
    Scheduler::Step step = scheduler.next();
    ASSERT_TRUE(step.batch.front().is_chunk()) << times;  // there is room to reserve
    group->cancelled = true;
    scheduler.cancel(*group);
    scheduler.finish(step.batch, true);
    EXPECT_THAT(step.batch, IsEmpty());
    EXPECT_THAT(scheduler.next().cancelled, ::testing::SizeIs(1));
  }
}

}  // namespace
}  // namespace vecton::engine
