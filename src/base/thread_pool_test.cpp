#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "base/background_work.h"

namespace vecton::base {
namespace {

// Waits for another thread.
template <typename Condition>
void wait_until(const Condition& condition) {
  while (!condition()) std::this_thread::yield();
}

// Longer than idle workers stay awake.
void let_workers_sleep() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(400);
  wait_until([end] { return std::chrono::steady_clock::now() > end; });
}

// The sum of 0 .. n-1, each index counted as often as it came.
int64_t sum_in_parallel(ThreadPool& pool, int64_t n) {
  std::vector<int64_t> seen(n);
  pool.parallel_for(n, [&](int64_t i) { seen[i] += i; });
  return std::accumulate(seen.begin(), seen.end(), int64_t{0});
}

// Until a worker has come to help. A loop that begins before workers do has no help to its end.
void wait_for_help(ThreadPool& pool) {
  const auto self = std::this_thread::get_id();
  wait_until([&] {
    std::atomic<bool> helped{false};
    pool.parallel_for(1000, [&](int64_t) {
      if (std::this_thread::get_id() != self) helped = true;
    });
    return helped.load();
  });
}

TEST(ThreadPool, RunsEveryIndexOnce) {
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const int64_t n : {0, 1, 2, 3, 7, 100, 5000}) {
      for (int times = 0; times < 20; ++times) {
        std::vector<std::atomic<int>> seen(n);
        pool.parallel_for(n, [&](int64_t i) { ++seen[i]; });
        for (const auto& count : seen) ASSERT_EQ(count.load(), 1);
      }
    }
  }
}

TEST(ThreadPool, HelpersJoin) {
  ThreadPool pool(3);
  for (bool joined = false; !joined;) {  // until four threads are inside one call at once
    std::atomic<int> inside{0}, most{0};
    pool.parallel_for(4, [&](int64_t) {
      const int now = ++inside;
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
      wait_until([&] { return inside.load() == 4 || std::chrono::steady_clock::now() > end; });
      if (inside.load() == 4 && now == 4) most = 4;
    });
    joined = most.load() == 4;
  }
}

// Helpers come, close a loop and leave at any time of the next ones.
TEST(ThreadPool, ShortLoopsOneAfterAnother) {
  ThreadPool pool(3);
  std::vector<int> seen(9);
  for (int times = 0; times < 50'000; ++times) {
    const int64_t n = 2 + times % 8;
    pool.parallel_for(n, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(std::exchange(seen[static_cast<size_t>(i)], 0), 1);
  }
}

TEST(ThreadPool, ManyCallersAtOnce) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int c = 0; c < 8; ++c) {
    callers.emplace_back([&, c] {
      for (int times = 0; times < 300; ++times) {
        const int64_t n = 2 + (c * 31 + times) % 60;
        if (sum_in_parallel(pool, n) == n * (n - 1) / 2) ++right;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right.load(), 8 * 300);
}

TEST(ThreadPool, MoreCallersThanCanBeJoined) {
  ThreadPool pool(2);
  std::vector<std::thread> callers;
  std::atomic<int> begun{0}, right{0};
  for (int c = 0; c < 100; ++c) {
    callers.emplace_back([&] {
      ++begun;
      wait_until([&] { return begun.load() == 100; });
      if (sum_in_parallel(pool, 50) == 1225) ++right;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right.load(), 100);
}

TEST(ThreadPool, NestedCallsRun) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> seen(30 * 30);
  pool.parallel_for(
      30, [&](int64_t i) { pool.parallel_for(30, [&](int64_t j) { ++seen[i * 30 + j]; }); });
  for (const auto& count : seen) EXPECT_EQ(count.load(), 1);
}

TEST(ThreadPool, WakesSleepersForParallelFor) {
  ThreadPool pool(2);
  for (int times = 0; times < 100; ++times) {
    let_workers_sleep();
    ASSERT_EQ(sum_in_parallel(pool, 100), 4950);
  }
}

// Workers helped a caller that sleeps on nothing but their help.
TEST(ThreadPool, SleepersComeToHelp) {
  ThreadPool pool(1);
  for (int joined = 0; joined < 20;) {
    let_workers_sleep();
    std::atomic<int> inside{0};
    std::atomic<bool> together{false};
    pool.parallel_for(2, [&](int64_t) {
      ++inside;
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
      wait_until([&] { return inside.load() == 2 || std::chrono::steady_clock::now() > end; });
      if (inside.load() == 2) together = true;
    });
    ASSERT_EQ(inside.load(), 2);
    joined += together.load();
  }
}

// A source with a number of jobs, as the engine's queue is.
struct Jobs {
  std::atomic<int> waiting{0}, done{0};
  bool take() {
    int n = waiting.load();
    while (n > 0 && !waiting.compare_exchange_weak(n, n - 1)) continue;
    return n > 0;
  }
};

TEST(ThreadPool, RunsEveryJobOnce) {
  for (const int threads : {1, 2, 4}) {
    Jobs jobs;
    ThreadPool pool(threads, [&](int worker) {
      EXPECT_TRUE(worker >= 0 && worker < threads);
      if (!jobs.take()) return false;
      ++jobs.done;
      return true;
    });
    int announced = 0;
    for (int times = 0; times < 200; ++times) {
      const int more = 1 + times % 5;
      jobs.waiting += more;
      pool.notify();
      announced += more;
      if (times % 10 == 0) let_workers_sleep();
      if (times % 3 == 0) wait_until([&] { return jobs.done.load() == announced; });
    }
    wait_until([&] { return jobs.done.load() == announced; });
  }
}

TEST(ThreadPool, JobsShareTheirLoops) {
  Jobs jobs;
  std::atomic<ThreadPool*> shared{nullptr};
  std::atomic<int> right{0};
  ThreadPool pool(4, [&](int) {
    ThreadPool* const own = shared.load();
    if (!own || !jobs.take()) return false;
    for (int i = 0; i < 50; ++i) right += sum_in_parallel(*own, 40) == 780;
    ++jobs.done;
    return true;
  });
  shared = &pool;
  for (int round = 1; round <= 20; ++round) {
    jobs.waiting += 3;
    pool.notify();
    wait_until([&] { return jobs.done.load() == 3 * round; });
  }
  EXPECT_EQ(right.load(), 20 * 3 * 50);
}

// Whether just so many workers of a pool that sleeps ask for a job when so many are announced. Of
// some tries: a worker may be late in going to sleep, or in coming.
bool as_many_come(int threads, int64_t jobs) {
  std::vector<std::atomic<bool>> asked(static_cast<size_t>(threads));
  ThreadPool pool(threads, [&](int worker) {
    asked[static_cast<size_t>(worker)] = true;
    return false;
  });
  const auto came = [&] {
    return std::ranges::count_if(asked, [](const auto& worker) { return worker.load(); });
  };
  for (int times = 0; times < 200; ++times) {
    let_workers_sleep();
    for (auto& worker : asked) worker = false;
    pool.notify(jobs);
    wait_until([&] { return came() > 0; });
    let_workers_sleep();
    if (came() == jobs) return true;
  }
  return false;
}

TEST(ThreadPool, WakesAsManyAsThereAreJobs) {
  EXPECT_TRUE(as_many_come(6, 1));
  EXPECT_TRUE(as_many_come(6, 3));
}

TEST(ThreadPool, RestsOnceWhenIdle) {
  std::vector<std::atomic<int>> rested(3);
  {
    ThreadPool pool(3, {}, [&](int worker) { ++rested[static_cast<size_t>(worker)]; });
    wait_until([&] {
      return std::ranges::all_of(rested, [](const auto& times) { return times.load() > 0; });
    });
    EXPECT_EQ(sum_in_parallel(pool, 100), 4950);  // and goes on
  }
  for (const auto& times : rested) EXPECT_EQ(times.load(), 1);
}

TEST(ThreadPool, ThrowsWhatAnIndexThrew) {
  ThreadPool pool(3);
  for (int times = 0; times < 100; ++times) {
    std::atomic<int> ran{0};
    const auto fail = [&](int64_t i) {
      ++ran;
      if (i % 7 == times % 7) throw std::runtime_error("index");
    };
    EXPECT_THROW(pool.parallel_for(70, fail), std::runtime_error);
    EXPECT_LE(ran.load(), 70);
    ASSERT_EQ(sum_in_parallel(pool, 70), 2415);  // and goes on
  }
}

#if defined(__linux__)
TEST(BackgroundWork, IsNicerThanTheThreadsBesideIt) {
  const auto nice = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
  const int before = nice();
  std::thread([&] {
    lower_priority_of_this_thread();
    EXPECT_EQ(nice(), std::max(before, 10));
  }).join();
  EXPECT_EQ(nice(), before);
}
#endif

TEST(ThreadPool, NobodyWatchesTheLastIndexOfBackgroundWork) {
  std::atomic<int> rested{0};
  ThreadPool pool(2, {}, [&](int) { ++rested; });
  std::thread loader([&] {
    const BackgroundWork background;
    const auto self = std::this_thread::get_id();
    for (bool waited = false; !waited;) {
      std::atomic<bool> begun{false}, helped{false};
      pool.parallel_for(3, [&](int64_t) {
        if (std::this_thread::get_id() != self) {
          helped = true;
          return wait_until([&] { return begun.load(); });
        }
        if (begun.exchange(true)) return;
        for (int i = 0; i < 1000 && !helped; ++i) std::this_thread::yield();
        if (!helped) return;
        waited = true;
        const int before = rested.load();
        wait_until([&] { return rested.load() >= before + 2; });  // which those do who sleep
      });
    }
  });
  loader.join();
}

TEST(ThreadPool, HelpersLeaveBackgroundWorkForAJob) {
  Jobs jobs;
  ThreadPool pool(2, [&](int) {
    if (!jobs.take()) return false;
    ++jobs.done;
    return true;
  });
  wait_for_help(pool);
  std::atomic<int> helped{0};
  std::atomic<bool> go_on{true};
  std::thread loader([&] {
    const BackgroundWork background;
    const auto self = std::this_thread::get_id();
    // Without an end while it is not told: all workers come to help.
    const auto index = [&](int64_t) {
      if (std::this_thread::get_id() != self) ++helped;
      if (!go_on) throw std::runtime_error("enough");
    };
    EXPECT_THROW(pool.parallel_for(SharedLoop::kMostIndices, index), std::runtime_error);
  });
  wait_until([&] { return helped > 0; });
  for (int i = 1; i <= 20; ++i) {
    jobs.waiting = 1;
    pool.notify();
    wait_until([&] { return jobs.done == i; });
    EXPECT_EQ(sum_in_parallel(pool, 100), 4950);  // no background work: nor does it wait
  }
  const int before = helped;
  wait_until([&] { return helped > before; });  // and they come back
  go_on = false;
  loader.join();
}

TEST(ThreadPool, StopsAsleepAndAwake) {
  for (int times = 0; times < 50; ++times) {
    ThreadPool pool(3);
    if (times % 3 == 1) let_workers_sleep();
    if (times % 3 == 2) sum_in_parallel(pool, 10);
  }
}

TEST(ThreadPool, HasACore) { EXPECT_GE(ThreadPool::cores(), 1); }

}  // namespace
}  // namespace vecton::base
