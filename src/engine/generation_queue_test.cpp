#include "engine/generation_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "engine/images.h"
#include "engine/scheduler.h"

namespace vecton::engine {
namespace {

// A scheduler and a model that always writes token 1.
class GenerationQueueTest : public ::testing::Test {
 protected:
  void open(int64_t pages, int64_t max_batch_tokens = 64, int64_t max_num_seqs = 256,
            int64_t chunk = 32, std::vector<int64_t> windows = {0}, int64_t state_slots = 0,
            int64_t long_after = 0) {
    scheduler_.emplace(Scheduler::Limits{.max_batch_tokens = max_batch_tokens,
                                         .min_batch_tokens = 1,
                                         .cache_pages = pages,
                                         .cache_windows = std::move(windows),
                                         .generates = true,
                                         .generation = {.max_num_seqs = max_num_seqs,
                                                        .chunk = chunk,
                                                        .state_slots = state_slots,
                                                        .long_after = long_after}});
    long_after_ = long_after;
  }

  // A prompt of `tokens` tokens, none of which others have, that `count` more are written after.
  size_t push(int64_t tokens, int64_t count, int64_t priority = 0) {
    std::vector<int32_t> ids(static_cast<size_t>(tokens));
    std::iota(ids.begin(), ids.end(), next_id_ += 1000);
    return push(ids, count, priority);
  }
  size_t push(const std::vector<int32_t>& ids, int64_t count, int64_t priority = 0) {
    auto group = std::make_shared<Group>();
    group->results.resize(1);
    Sequence sequence;
    sequence.tasks = {Generate{}};
    sequence.ids = ids;
    if (long_after_ > 0) sequence.salt_by_length(long_after_);
    sequence.page_keys = PrefixIndex::keys(ids, sequence.cache_salt);
    sequence.priority = priority;
    sequence.group = group;
    generation::Settings settings;
    settings.sampling.temperature = 0;
    settings.max_tokens = count;
    const generation::History prompt(ids, settings.sampling);
    sequence.generating = std::make_shared<Generating>(
        Generating{.writer = generation::Writer(settings, prompt, 0, tokenizer_, nullptr),
                   .stream = std::make_shared<Stream>(),
                   .prompt_tokens = std::ssize(ids),
                   .shares = true});
    sequence.index = 0;
    if (image_) {
      sequence.images = {*image_};
      sequence.pictures = std::make_shared<SequenceImages>();
      sequence.pictures->both_ways = true;
    }
    sequence.generating->stream->request = groups_.size();
    groups_.push_back(group);
    std::vector<Sequence> one;
    one.push_back(std::move(sequence));
    scheduler_->push(std::move(one));
    return groups_.size() - 1;
  }
  // The same with an image at the tokens begin .. end, which see each other.
  size_t push_with_image(int64_t tokens, int64_t begin, int64_t end) {
    image_ = heads::ImageTokens{begin, end, {7, 7}};
    const size_t name = push(tokens, 1);
    image_.reset();
    return name;
  }
  static size_t name_of(const Sequence& sequence) { return sequence.generating->stream->request; }

  // What a batch computes: of each sequence its name and its tokens.
  using Batch = std::vector<std::pair<size_t, int64_t>>;
  Batch next() {
    step_ = scheduler_->next();
    Batch batch;
    for (const Sequence& s : step_.batch) batch.emplace_back(name_of(s), s.end - s.cached());
    return batch;
  }
  void finish(bool computed = true) {
    for (Sequence& sequence : step_.batch) {
      if (!computed) sequence.generating->error = Error(ErrorCode::kInternal, "failed");
      if (!computed || sequence.is_chunk()) continue;
      sequence.generating->logits = {0, 1, 0};
      write_tokens(sequence);
      sequence.generating->writer.take_delta();
      if (sequence.generating->stream->given_up) sequence.generating->writer.abort();
    }
    scheduler_->finish(step_.batch, computed);
    for (const Sequence& sequence : step_.batch) answered_.push_back(name_of(sequence));
  }
  // Runs to the end; the number of steps.
  int run() {
    int steps = 0;
    for (; !next().empty(); ++steps) {
      finish();
      if (steps > 100000) ADD_FAILURE() << "it never ends";
      if (steps > 100000) break;
    }
    return steps;
  }

  // Nobody writes a slot that somebody else writes or reads.
  static void expect_slots_of_their_own(const std::vector<Scheduler::Step>& running) {
    std::set<int32_t> written, read;
    for (const Scheduler::Step& step : running) {
      for (const Sequence& s : step.batch) {
        for (const int32_t slot : {s.state_slot, s.snapshot_slot})
          EXPECT_TRUE(slot == 0 || written.insert(slot).second) << slot;
        read.insert(s.read_slot);
      }
    }
    for (const int32_t slot : read) EXPECT_FALSE(written.contains(slot)) << slot;
  }

  std::shared_ptr<const Tokenizer> tokenizer_ = Tokenizer::open("tests/golden/emb-qwen3/model");
  std::optional<Scheduler> scheduler_;
  std::vector<std::shared_ptr<Group>> groups_;
  Scheduler::Step step_;
  std::vector<size_t> answered_;
  std::vector<Sequence> members_;
  int32_t next_id_ = 0;
  int64_t long_after_ = 0;
  std::optional<heads::ImageTokens> image_;  // of what is pushed
};

TEST_F(GenerationQueueTest, OneThatBecomesLongBeginsAnewOnce) {
  open(100, 64, 256, 32, {0}, 0, 40);
  std::vector<int32_t> ids(38);
  std::iota(ids.begin(), ids.end(), 100);
  const size_t a = push(ids, 8);
  EXPECT_EQ(next(), (Batch{{a, 38}}));
  finish();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(next(), (Batch{{a, 1}}));
    finish();
  }
  EXPECT_EQ(next(), (Batch{{a, 41}}));  // all of it
  finish();
  EXPECT_EQ(next(), (Batch{{a, 1}}));
  finish();
  run();
  EXPECT_EQ(answered_, (std::vector<size_t>{a}));
  EXPECT_EQ(scheduler_->cache_stats().preemptions, 0);  // for want of pages
  // Two blocks of each kind are there, for others of the kind.
  EXPECT_EQ(scheduler_->cache_stats().used, 4);
  EXPECT_EQ(scheduler_->cache_stats().in_use, 0);
  const size_t b = push(ids, 1);
  EXPECT_EQ(next(), (Batch{{b, 6}}));
  finish();
  ids.resize(50, 7);
  const size_t c = push(ids, 1);
  EXPECT_EQ(next(), (Batch{{c, 18}}));
  finish();
  // A prompt that is long from the beginning is so once, also where a chunk ends at the switch.
  open(100, 16, 256, 16, {0}, 0, 32);
  const size_t d = push(33, 3);
  const int steps = run();
  EXPECT_EQ(steps, 5);
  EXPECT_EQ(answered_.back(), d);
}

TEST_F(GenerationQueueTest, ThosethatGoOnComeFirstThenPrompts) {
  open(100);
  const size_t a = push(10, 9), b = push(20, 9);
  EXPECT_EQ(next(), (Batch{{a, 10}, {b, 20}}));
  finish();
  const size_t c = push(100, 9);
  EXPECT_EQ(next(), (Batch{{a, 1}, {b, 1}, {c, 32}}));  // a chunk beside them
  finish();
  EXPECT_EQ(next(), (Batch{{a, 1}, {b, 1}, {c, 32}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 1}, {b, 1}, {c, 32}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 1}, {b, 1}, {c, 4}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 1}, {b, 1}, {c, 1}}));
}

TEST_F(GenerationQueueTest, APromptAloneFillsTheBudget) {
  open(100);
  const size_t a = push(150, 2);
  EXPECT_EQ(next(), (Batch{{a, 64}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 64}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 22}}));
}

TEST_F(GenerationQueueTest, AnImageThatSeesItselfBothWaysIsComputedWhole) {
  open(100);
  const size_t a = push_with_image(150, 20, 120);  // more than a batch takes, and than a chunk
  EXPECT_EQ(next(), (Batch{{a, 20}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 100}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 30}}));
  finish();
}

TEST_F(GenerationQueueTest, AnImageDoesNotWaitForThoseThatGoOnToEnd) {
  open(100);
  const size_t a = push(10, 50);
  EXPECT_EQ(next(), (Batch{{a, 10}}));
  finish();
  const size_t b = push_with_image(60, 0, 50), c = push(30, 1);
  EXPECT_EQ(next(), (Batch{{a, 1}, {b, 50}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 1}, {b, 10}, {c, 16}}));
  finish();
}

TEST_F(GenerationQueueTest, OneBatchHasAllThatGoOn) {
  open(100);
  const size_t a = push(10, 9);
  next();
  finish();
  push(10, 9);
  EXPECT_EQ(next().front(), std::pair(a, int64_t{1}));
  Scheduler::Step first = std::move(step_);
  EXPECT_EQ(next(), Batch());  // another worker: nothing, and not those of the first batch
  std::swap(step_, first);
  finish();
  EXPECT_EQ(next().size(), 2u);
}

TEST_F(GenerationQueueTest, PriorityDecidesWhoBegins) {
  open(100, 64, 1);
  const size_t late = push(10, 1, 5), soon = push(10, 1, -5);
  EXPECT_EQ(next(), (Batch{{soon, 10}}));
  finish();
  EXPECT_EQ(next(), (Batch{{late, 10}}));
}

TEST_F(GenerationQueueTest, WhoCameLastGivesItsPagesBack) {
  open(4);  // 64 tokens
  const size_t a = push(30, 34), b = push(30, 20);
  EXPECT_EQ(next().size(), 2u);
  finish();
  while (scheduler_->cache_stats().preemptions == 0) {
    ASSERT_FALSE(next().empty());
    finish();
  }
  run();
  EXPECT_EQ(answered_, (std::vector<size_t>{a, b}));
  EXPECT_EQ(scheduler_->cache_stats().preemptions, 1);
}

TEST_F(GenerationQueueTest, SequencesShareWhatIsBeingComputed) {
  open(100);
  std::vector<int32_t> ids(40);
  std::iota(ids.begin(), ids.end(), 1);
  const size_t a = push(ids, 3), b = push(ids, 3);
  EXPECT_EQ(next(), (Batch{{a, 40}, {b, 8}}));  // of the same batch
  finish();
  run();
  const size_t c = push(ids, 3);
  EXPECT_EQ(next(), (Batch{{c, 8}}));
}

TEST_F(GenerationQueueTest, WaitsForWhatAnotherBatchComputes) {
  open(100);
  std::vector<int32_t> ids(40);
  std::iota(ids.begin(), ids.end(), 1);
  push(ids, 3);
  next();
  Scheduler::Step first = std::move(step_);
  const size_t b = push(ids, 3), c = push(7, 3);
  EXPECT_EQ(next(), (Batch{{c, 7}}));  // others need not wait
  std::swap(step_, first);
  finish();
  std::swap(step_, first);
  finish();
  const Batch batch = next();
  EXPECT_EQ(std::ranges::count(batch, std::pair(b, int64_t{8})), 1);
}

TEST_F(GenerationQueueTest, AFailedBatchLeavesNothing) {
  open(10);
  const size_t a = push(40, 3);
  next();
  finish(false);
  EXPECT_EQ(answered_, (std::vector<size_t>{a}));
  std::vector<int32_t> ids(40);
  std::iota(ids.begin(), ids.end(), 1000);
  const size_t b = push(ids, 3);  // the same: nobody finds what was not computed
  EXPECT_EQ(next(), (Batch{{b, 40}}));
}

TEST_F(GenerationQueueTest, CancelledOnesGoAtOnce) {
  open(100, 64, 1);
  const size_t a = push(10, 100), b = push(10, 100);
  next();
  groups_[b]->cancelled = true;
  scheduler_->cancel(*groups_[b]);
  groups_[a]->cancelled = true;
  finish();
  EXPECT_EQ(next(), Batch());
  EXPECT_EQ(step_.cancelled.size(), 2u);
  EXPECT_EQ(scheduler_->waiting(), 0);
}

TEST_F(GenerationQueueTest, ThoseThatAreGivenUpEnd) {
  open(100, 64, 1);
  push(10, 100);
  const size_t b = push(10, 100);
  Scheduler::Step step = scheduler_->next();
  step.batch.front().generating->stream->given_up = true;
  step_ = std::move(step);
  finish();
  EXPECT_EQ(answered_.size(), 1u);
  EXPECT_EQ(next(), (Batch{{b, 10}}));
}

TEST_F(GenerationQueueTest, WithoutACacheAllIsComputedEachTime) {
  open(0);
  const size_t a = push(10, 3);
  EXPECT_EQ(next(), (Batch{{a, 10}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 11}}));
  finish();
  const size_t b = push(100, 1);
  EXPECT_EQ(next(), (Batch{{a, 12}}));
  finish();
  EXPECT_EQ(next(), (Batch{{b, 100}}));  // more than the budget
}

// An embedding waits for what a generation computes, and the other way round.
TEST_F(GenerationQueueTest, OtherTasksWaitForTheSameBlocks) {
  open(100);
  std::vector<int32_t> ids(40);
  std::iota(ids.begin(), ids.end(), 1);
  const auto embedding = [&] {
    std::vector<Sequence> one(1);
    one[0].tasks = {Embed{}};
    one[0].ids = ids;
    one[0].page_keys = PrefixIndex::keys(ids, "");
    one[0].group = std::make_shared<Group>();
    return one;
  };
  push(ids, 1);
  next();
  Scheduler::Step first = std::move(step_);
  scheduler_->push(embedding());
  EXPECT_TRUE(scheduler_->next().batch.empty());
  std::swap(step_, first);
  finish();
  Scheduler::Step step = scheduler_->next();
  ASSERT_EQ(step.batch.size(), 1u);
  EXPECT_EQ(step.batch[0].cached(), 32);

  std::iota(ids.begin(), ids.end(), 500);
  scheduler_->finish(step.batch, true);
  scheduler_->push(embedding());
  step = scheduler_->next();
  ASSERT_EQ(step.batch.size(), 1u);
  const size_t b = push(ids, 1);
  EXPECT_EQ(next(), Batch());
  EXPECT_EQ(scheduler_->ready_batches(), 0);
  scheduler_->finish(step.batch, true);
  EXPECT_EQ(scheduler_->ready_batches(), 1);
  EXPECT_EQ(next(), (Batch{{b, 8}}));
}

TEST_F(GenerationQueueTest, WhoWaitsForABlockIsLookedAtOnceUntilItIsThere) {
  constexpr int64_t kMany = 8192;
  open(100, 64, 64);
  std::vector<int32_t> ids(33);
  std::iota(ids.begin(), ids.end(), 1);
  push(ids, 1);
  next();
  Scheduler::Step first = std::move(step_);
  for (int64_t i = 0; i < kMany; ++i) push(ids, 1);
  do next();
  while (step_.more);
  EXPECT_EQ(scheduler_->looks(), 1 + kMany);
  EXPECT_EQ(scheduler_->waiting_tokens(), 33 * kMany);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(next(), Batch());
  EXPECT_EQ(scheduler_->ready_batches(), 0);
  const size_t last = push(7, 1);
  EXPECT_EQ(next(), (Batch{{last, 7}}));  // nobody stands before it
  finish();
  EXPECT_EQ(scheduler_->looks(), 2 + kMany);
  // From now on each look is a sequence that begins, but for the one that does not fit.
  std::swap(step_, first);
  finish();
  for (int i = 0; i < 10; ++i) {
    next();
    finish();
  }
  EXPECT_GE(answered_.size(), 300u);
  EXPECT_LE(scheduler_->looks() - (2 + kMany), static_cast<int64_t>(answered_.size()) + 10);
  EXPECT_EQ(std::ssize(scheduler_->clear()) + std::ssize(answered_), kMany + 2);
}

TEST_F(GenerationQueueTest, OneCallLooksAtABoundedNumber) {
  open(100);
  std::vector<int32_t> ids(33);
  std::iota(ids.begin(), ids.end(), 1);
  push(ids, 1);
  next();
  Scheduler::Step first = std::move(step_);
  for (int i = 0; i < 1000; ++i) push(ids, 1);
  next();
  EXPECT_TRUE(step_.more);
  EXPECT_EQ(scheduler_->looks(), 1 + 256);
}

TEST_F(GenerationQueueTest, WhoWaitedForABlockKeepsItsPlace) {
  open(100, 64, 3);
  std::vector<int32_t> ids(33);
  std::iota(ids.begin(), ids.end(), 1);
  push(ids, 1);
  next();
  Scheduler::Step first = std::move(step_);
  const size_t later = push(ids, 1, 1), sooner = push(ids, 1);
  EXPECT_EQ(next(), Batch());
  const size_t between = push(50, 1), urgent = push(40, 1, -1);
  std::swap(step_, first);
  finish();
  EXPECT_EQ(next(), (Batch{{urgent, 40}, {sooner, 1}, {between, 16}}));
  finish();
  EXPECT_EQ(next(), (Batch{{between, 34}, {later, 1}}));
}

// All completions of a request end where its caller wants no more: those that run, that wait and
// that are parked; nobody else's.
TEST_F(GenerationQueueTest, GivenUpStreamsEndEverywhere) {
  open(100, 64, 2);
  std::vector<int32_t> ids(33);
  std::iota(ids.begin(), ids.end(), 1);
  const auto group = std::make_shared<Group>();
  const auto stream = std::make_shared<Stream>();
  std::vector<Sequence> all;
  for (int i = 0; i < 4; ++i) {
    push(ids, 100);
    all = scheduler_->clear();
    all[0].group = group;
    if (i < 3) all[0].generating->stream = stream;
    members_.push_back(std::move(all[0]));
  }
  scheduler_->push(std::move(members_));
  next();  // two of them
  ASSERT_EQ(step_.batch.size(), 2u);
  finish();
  next();
  stream->given_up = true;
  finish();
  EXPECT_EQ(answered_.size(), 2u);
  next();
  EXPECT_EQ(step_.ended.size(), 1u);
  ASSERT_EQ(step_.batch.size(), 1u);
  EXPECT_NE(step_.batch[0].generating->stream, stream);
}

// With states.
class StateQueueTest : public GenerationQueueTest {
 protected:
  void open(int64_t slots) { GenerationQueueTest::open(100, 256, 256, 256, {0}, slots); }
  size_t push_counting(int64_t tokens, int64_t count = 1, std::vector<int32_t> more = {}) {
    std::vector<int32_t> ids(static_cast<size_t>(tokens));
    std::iota(ids.begin(), ids.end(), 1);
    ids.insert(ids.end(), more.begin(), more.end());
    return push(ids, count);
  }
  const Sequence& first() const { return step_.batch.front(); }
};

TEST_F(StateQueueTest, APromptBeginsWithASnapshotOfItsLastBlock) {
  open(8);
  const size_t a = push_counting(40);
  EXPECT_EQ(next(), (Batch{{a, 32}}));
  const int32_t snapshot = first().snapshot_slot;
  EXPECT_GT(snapshot, 0);
  EXPECT_NE(snapshot, first().state_slot);
  finish();
  EXPECT_EQ(next(), (Batch{{a, 8}}));
  EXPECT_EQ(first().snapshot_slot, 0);
  EXPECT_EQ(first().read_slot, 0);
  finish();
  const size_t b = push_counting(40, 2);
  EXPECT_EQ(next(), (Batch{{b, 8}}));
  EXPECT_EQ(first().read_slot, snapshot);
  EXPECT_NE(first().state_slot, snapshot);
  EXPECT_EQ(first().generating->cached_tokens, 32);
  finish();
  EXPECT_EQ(next(), (Batch{{b, 1}}));
  EXPECT_EQ(first().read_slot, 0);  // its own from now on
}

TEST_F(StateQueueTest, WhereOnePartsFromOthersItLeavesASnapshot) {
  open(8);
  push_counting(100);
  run();
  // Four blocks are alike, and the state is known of none or six.
  const size_t b = push_counting(64, 1, std::vector<int32_t>(20, 7));
  EXPECT_EQ(next(), (Batch{{b, 64}}));
  EXPECT_TRUE(first().new_pages.empty());  // their keys and values are there
  EXPECT_TRUE(first().block_tables.empty());
  EXPECT_EQ(first().stored, 64);
  EXPECT_GT(first().snapshot_slot, 0);
  finish();
  EXPECT_EQ(next(), (Batch{{b, 16}}));
  EXPECT_EQ(first().block_tables.size(), 4u);
  EXPECT_EQ(first().new_pages.size(), 1u);
  run();
  const size_t c = push_counting(64, 1, std::vector<int32_t>(10, 9));
  EXPECT_EQ(next(), (Batch{{c, 10}}));
}

TEST_F(StateQueueTest, ABatchThatFailsLeavesTheBlocksOfOthers) {
  open(8);
  push_counting(100);
  run();
  push_counting(64, 1, std::vector<int32_t>(20, 7));
  next();
  finish(false);
  const size_t c = push_counting(100);
  EXPECT_EQ(next(), (Batch{{c, 4}}));
}

TEST_F(StateQueueTest, WhatWasWrittenIsThereForTheNextTurn) {
  open(8);
  push_counting(30, 40);
  run();  // the last block that it filled ends at 64
  std::vector<int32_t> answer(40, 1);
  answer.push_back(5);
  const size_t b = push_counting(30, 1, answer);
  EXPECT_EQ(next(), (Batch{{b, 7}}));
  EXPECT_EQ(first().generating->cached_tokens, 64);
}

TEST_F(StateQueueTest, SequencesOfOneBatchDoNotShareStates) {
  open(8);
  const size_t a = push_counting(40, 2), b = push_counting(40, 2);
  EXPECT_EQ(next(), (Batch{{a, 32}}));
  finish();
  EXPECT_EQ(next(), (Batch{{a, 8}, {b, 8}}));
}

TEST_F(StateQueueTest, SnapshotsHaveTheSlotsThatNobodyNeeds) {
  open(2);
  const size_t a = push_counting(20, 50);
  EXPECT_EQ(next(), (Batch{{a, 16}}));
  finish();
  const size_t b = push(3, 50);  // takes the snapshot's slot
  EXPECT_EQ(next(), (Batch{{a, 4}, {b, 3}}));
  finish();
  const size_t c = push(3, 2);  // has to wait
  EXPECT_EQ(next(), (Batch{{a, 1}, {b, 1}}));
  finish();
  run();
  EXPECT_EQ(answered_, (std::vector<size_t>{a, b, c}));
  open(1);
  const size_t d = push_counting(40);  // there is no room for a snapshot
  EXPECT_EQ(next(), (Batch{{d, 40}}));
  finish();
  const size_t e = push_counting(40, 1, {1});
  EXPECT_EQ(next(), (Batch{{e, 41}}));
  EXPECT_EQ(first().new_pages.size(), 3u);
}

// Many sequences, small caches, batches that fail, workers that take turns: everybody is answered,
// and no page is lost.
TEST_F(GenerationQueueTest, Soak) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    const std::vector<int64_t> windows[] = {{0}, {0, 24}, {24}, {40, 0, 24}};
    const std::vector<int64_t>& own = windows[random() % 4];
    const int64_t groups = std::ssize(own);
    open(groups * (9 + static_cast<int64_t>(random() % 12)), 16 + random() % 50, 1 + random() % 8,
         16 + random() % 32, own, round % 3 == 0 ? 0 : 1 + static_cast<int64_t>(random() % 9));
    // Where all layers have windows it is any number.
    const int64_t most = std::min<int64_t>(scheduler_->most_tokens(), 200);
    groups_.clear();
    answered_.clear();
    size_t cancelled = 0;
    std::vector<Scheduler::Step> running;
    for (int step = 0; step < 3000; ++step) {
      if (groups_.size() < 25 && random() % 4 == 0) {
        const int64_t count = 1 + random() % 30;
        const int64_t tokens =
            std::min<int64_t>(1 + static_cast<int64_t>(random() % 90), most - count);
        if (tokens < 1) continue;
        std::vector<int32_t> ids(static_cast<size_t>(tokens));
        std::iota(ids.begin(), ids.end(), static_cast<int32_t>(random() % 3));  // some alike
        push(ids, count, static_cast<int64_t>(random() % 2));
      }
      if (running.size() < 3 && random() % 2) {
        next();
        cancelled += step_.cancelled.size();
        if (!step_.batch.empty()) running.push_back(std::move(step_));
        expect_slots_of_their_own(running);
      } else if (!running.empty()) {
        const size_t which = random() % running.size();
        step_ = std::move(running[which]);
        running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
        if (random() % 20 == 0) {
          std::shared_ptr<Group> group = step_.batch.front().group;
          group->cancelled = true;
        }
        finish(random() % 30 != 0);
      }
      if (groups_.size() == 25 && running.empty() && scheduler_->ready_batches() == 0) break;
    }
    for (Scheduler::Step& step : running) {
      step_ = std::move(step);
      finish();
    }
    run();
    cancelled += step_.cancelled.size();
    EXPECT_EQ(answered_.size() + cancelled, groups_.size()) << "round " << round;
    EXPECT_EQ(scheduler_->waiting(), 0);
    // All pages are there for who comes next.
    push(most - 1, 1);
    EXPECT_FALSE(next().empty());
    finish();
    run();
    EXPECT_EQ(answered_.size() + cancelled, groups_.size());
  }
}

}  // namespace
}  // namespace vecton::engine
