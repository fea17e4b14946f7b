// Random traffic through the scheduler with its cache, against what a plain simulation of the pages
// says: every sequence is answered once, reads its own tokens' pages and writes pages that nobody
// else uses.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "engine/prefix_test.h"
#include "engine/scheduler.h"

namespace vecton::engine {
namespace {

struct Traffic {
  Scheduler::Limits limits;
  int sequences = 400;
  int64_t longest = 200;
  int prompts = 5;       // that texts begin with
  double fails = 0;      // share of batches
  double cancelled = 0;  // share of groups
};

class Simulation {
 public:
  Simulation(const Traffic& traffic, unsigned seed)
      : traffic_(traffic), scheduler_(traffic.limits), random_(seed) {}

  void run() {
    while (submitted_ < traffic_.sequences || !running_.empty() || scheduler_.waiting() > 0) {
      const size_t choice = below(4);
      if (choice == 0 && submitted_ < traffic_.sequences) submit();
      if (choice == 1 && chance(traffic_.cancelled)) cancel();
      if (choice <= 2 && running_.size() < static_cast<size_t>(traffic_.limits.workers)) begin();
      if (choice == 3 || submitted_ == traffic_.sequences) finish();
      if (testing::Test::HasFailure()) return;
      ASSERT_LT(++steps_, 200'000) << "no end";
    }
    // Cancelled ones are handed out by a step.
    for (const Sequence& s : scheduler_.next().cancelled) answered(s);
    EXPECT_EQ(answered_.size(), static_cast<size_t>(submitted_));
    EXPECT_EQ(scheduler_.waiting_tokens(), 0);
    EXPECT_EQ(scheduler_.ready_batches(), 0);
    const Scheduler::CacheStats stats = scheduler_.cache_stats();
    EXPECT_EQ(stats.pages, traffic_.limits.cache_pages);
    EXPECT_LE(stats.used, stats.pages);
    EXPECT_LE(stats.hits, stats.queries);
    hits_ = stats.hits;
  }

  int64_t hits() const { return hits_; }
  int64_t chunks() const { return chunks_; }

 private:
  size_t below(size_t n) { return random_() % n; }
  bool chance(double share) { return static_cast<double>(below(1000)) < 1000 * share; }

  // One to four sequences of a group, which begin as others do and end on their own.
  void submit() {
    auto group = std::make_shared<Group>();
    const size_t count = 1 + below(4);
    group->results.resize(count);
    std::vector<Sequence> sequences(count);
    for (size_t i = 0; i < count; ++i) {
      Sequence& s = sequences[i];
      const auto tokens = static_cast<int64_t>(1 + below(static_cast<size_t>(traffic_.longest)));
      const auto same = static_cast<int64_t>(below(static_cast<size_t>(tokens) + 1));
      s.ids =
          counting(same, 1000 * static_cast<int32_t>(below(static_cast<size_t>(traffic_.prompts))));
      while (static_cast<int64_t>(s.ids.size()) < tokens)
        s.ids.push_back(-1 - static_cast<int32_t>(below(1 << 20)));
      s.group = group;
      s.index = i;
      if (traffic_.limits.cache_pages > 0 && below(8) > 0)
        s.page_keys = PrefixIndex::keys(s.ids, s.cache_salt);
    }
    groups_.push_back(group);
    submitted_ += static_cast<int>(count);
    tokens_ += std::transform_reduce(sequences.begin(), sequences.end(), int64_t{0}, std::plus<>(),
                                     [](const Sequence& s) { return s.tokens(); });
    scheduler_.push(std::move(sequences));
  }

  void cancel() {
    if (groups_.empty()) return;
    Group& group = *groups_[below(groups_.size())];
    group.cancelled = true;
    if (below(2)) scheduler_.cancel(group);  // or it is found when its turn comes
  }

  void begin() {
    Scheduler::Step step = scheduler_.next();
    for (const Sequence& s : step.cancelled) {
      EXPECT_TRUE(s.group->cancelled.load());
      EXPECT_TRUE(s.blocks.blocks.empty());
      answered(s);
    }
    if (step.batch.empty()) return;
    int64_t tokens = 0;
    for (const Sequence& s : step.batch) {
      const int64_t cached = s.cached();
      EXPECT_GT(s.end, cached);
      EXPECT_LE(s.end, s.tokens());
      tokens += s.end - cached;
      chunks_ += s.is_chunk() ? 1 : 0;
      check_pages(s, step.batch);
    }
    EXPECT_TRUE(step.batch.size() == 1 || tokens <= traffic_.limits.max_batch_tokens) << tokens;
    for (const Sequence& s : step.batch) {
      for (const Page& page : written_by(s)) {
        EXPECT_TRUE(written_.insert(page.number).second) << "two write a page";
        contents_[page.number] = {page.group, prefix_until(s, page.block)};
      }
    }
    running_.push_back(std::move(step.batch));
  }

  // A page of a sequence: of which group of layers, and which of the sequence's blocks.
  struct Page {
    int32_t number;
    size_t group, block;
  };
  size_t groups() const { return traffic_.limits.cache_windows.size(); }

  // What its layers see of the blocks before.
  std::vector<Page> read_by(const Sequence& s) const {
    std::vector<Page> pages;
    const size_t blocks = s.blocks.blocks.size();
    for (size_t g = 0; blocks > 0 && g < groups(); ++g) {
      for (auto i = static_cast<size_t>(s.blocks.first[g]); i < blocks; ++i)
        pages.push_back({s.block_tables[g * blocks + i], g, i});
    }
    return pages;
  }
  std::vector<Page> written_by(const Sequence& s) const {
    std::vector<Page> pages;
    const size_t blocks = s.new_blocks.size();
    for (size_t g = 0; g < groups(); ++g) {
      for (size_t i = 0; i < blocks; ++i)
        pages.push_back({s.new_pages[g * blocks + i], g, s.blocks.blocks.size() + i});
    }
    return pages;
  }

  // What a sequence reads holds its own tokens, computed before or by this batch; what it writes is
  // read by nobody that runs. A layer with a window sees all of it.
  void check_pages(const Sequence& s, const std::vector<Sequence>& batch) {
    for (size_t g = 0; !s.blocks.blocks.empty() && g < groups(); ++g) {
      const int64_t window = traffic_.limits.cache_windows[g];
      const int64_t from = window == 0 ? 0 : std::max<int64_t>(0, s.cached() - window + 1);
      EXPECT_LE(s.blocks.first[g], from / kPage) << "a layer sees what is gone";
    }
    for (const Page& page : read_by(s)) {
      const bool of_batch = std::ranges::any_of(batch, [&](const Sequence& o) {
        return std::ranges::count(o.new_pages, page.number) > 0;
      });
      if (of_batch) continue;  // written in the same pass, before it is read
      EXPECT_FALSE(written_.contains(page.number)) << "a page that is not there yet is read";
      ASSERT_TRUE(contents_.contains(page.number));
      EXPECT_EQ(contents_[page.number], std::pair(page.group, prefix_until(s, page.block)))
          << "another's page";
    }
    for (const Page& page : written_by(s)) {
      EXPECT_GE(page.number, 0);
      EXPECT_LT(page.number, traffic_.limits.cache_pages);
      for (const std::vector<Sequence>& other : running_) {
        for (const Sequence& o : other) {
          for (const Page& in_use : read_by(o))
            EXPECT_NE(in_use.number, page.number) << "a page in use is written";
        }
      }
    }
  }

  static std::vector<int32_t> prefix_until(const Sequence& s, size_t page) {
    return {s.ids.begin(), s.ids.begin() + static_cast<std::ptrdiff_t>((page + 1) * kPage)};
  }

  void finish() {
    if (running_.empty()) return;
    const size_t which = below(running_.size());
    std::vector<Sequence> batch = std::move(running_[which]);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which));
    const bool computed = !chance(traffic_.fails);
    for (const Sequence& s : batch) {
      for (const int32_t page : s.new_pages) {
        written_.erase(page);
        if (!computed) contents_.erase(page);
      }
    }
    scheduler_.finish(batch, computed);
    for (const Sequence& s : batch) {
      EXPECT_FALSE(s.is_chunk());
      answered(s);
    }
  }

  void answered(const Sequence& s) {
    EXPECT_TRUE(answered_.insert({s.group.get(), s.index}).second) << "answered twice";
    EXPECT_EQ(s.reserved, 0);
  }

  const Traffic traffic_;
  Scheduler scheduler_;
  std::mt19937 random_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::vector<std::vector<Sequence>> running_;
  // Of a page its group of layers, its tokens and all before them.
  std::map<int32_t, std::pair<size_t, std::vector<int32_t>>> contents_;
  std::set<int32_t> written_;  // pages that a running batch writes
  std::set<std::pair<const Group*, size_t>> answered_;
  int64_t tokens_ = 0, chunks_ = 0, hits_ = 0, steps_ = 0;
  int submitted_ = 0;
};

// `hits`, `chunks`: of traffic that is to have some; none = either way.
void soak(const Traffic& traffic, std::optional<bool> hits = true, bool chunks = false) {
  int64_t found = 0, cut = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(traffic, seed);
    simulation.run();
    if (testing::Test::HasFailure()) return;
    found += simulation.hits();
    cut += simulation.chunks();
  }
  EXPECT_EQ(found > 0, hits.value_or(found > 0));  // the traffic is of the kind that it should be
  EXPECT_EQ(cut > 0, chunks);
}

TEST(SchedulerSoak, WithoutACache) {
  soak({.limits = {.max_batch_tokens = 256, .min_batch_tokens = 16, .workers = 3}}, false);
}

TEST(SchedulerSoak, WithPlentyOfPages) {
  soak({.limits = {
            .max_batch_tokens = 256, .min_batch_tokens = 16, .workers = 3, .cache_pages = 4000}});
}

TEST(SchedulerSoak, WithFewPages) {
  for (const int64_t pages : {1, 2, 7, 24}) {
    SCOPED_TRACE(pages);
    soak({.limits =
              {.max_batch_tokens = 256, .min_batch_tokens = 16, .workers = 4, .cache_pages = pages},
          .prompts = 2},
         pages > 2 ? std::optional(true) : std::nullopt);
  }
}

TEST(SchedulerSoak, WithLongTextsInChunks) {
  soak(
      {.limits = {.max_batch_tokens = 48, .min_batch_tokens = 16, .workers = 3, .cache_pages = 120},
       .longest = 600},
      true, true);
}

// Layers with a window give pages back that they no longer see.
TEST(SchedulerSoak, WithGroupsOfLayers) {
  for (const std::vector<int64_t>& windows :
       {std::vector<int64_t>{0, 40}, {16}, {0, 20, 100}, {33, 0}}) {
    SCOPED_TRACE(testing::PrintToString(windows));
    soak({.limits = {.max_batch_tokens = 48,
                     .min_batch_tokens = 16,
                     .workers = 3,
                     .cache_pages = 160,
                     .cache_windows = windows},
          .longest = 500,
          .fails = 0.05,
          .cancelled = 0.1},
         true, true);
  }
}

TEST(SchedulerSoak, WithBatchesThatFail) {
  soak(
      {.limits = {.max_batch_tokens = 48, .min_batch_tokens = 16, .workers = 3, .cache_pages = 120},
       .longest = 400,
       .fails = 0.2},
      true, true);
}

TEST(SchedulerSoak, WithCallersThatGiveUp) {
  soak(
      {.limits = {.max_batch_tokens = 48, .min_batch_tokens = 16, .workers = 4, .cache_pages = 120},
       .longest = 400,
       .fails = 0.1,
       .cancelled = 0.4},
      true, true);
}

// What waits at the end is handed back, whatever its state, and its pages are free again.
TEST(SchedulerSoak, ClearGivesEverythingBack) {
  Scheduler scheduler({.max_batch_tokens = 32, .workers = 2, .cache_pages = 64});
  auto group = std::make_shared<Group>();
  std::vector<Sequence> sequences(6);
  for (size_t i = 0; i < sequences.size(); ++i) {
    Sequence& s = sequences[i];
    s.ids = counting(200, i < 3 ? 0 : 1000 * static_cast<int32_t>(i));
    s.page_keys = PrefixIndex::keys(s.ids, "");
    s.group = group;
    s.index = i;
  }
  scheduler.push(std::move(sequences));
  std::vector<Sequence> first = scheduler.next().batch;  // a chunk
  ASSERT_FALSE(first.empty());
  scheduler.next();
  scheduler.finish(first, true);
  const int64_t waiting = scheduler.waiting();
  EXPECT_EQ(scheduler.clear().size(), static_cast<size_t>(waiting));
  EXPECT_EQ(scheduler.waiting(), 0);
  EXPECT_EQ(scheduler.waiting_tokens(), 0);
  EXPECT_EQ(scheduler.ready_batches(), 0);
}

}  // namespace
}  // namespace vecton::engine
