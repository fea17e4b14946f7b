#include "base/job_sources.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

namespace vecton::base {
namespace {

// Sources whose jobs take so long on a clock of their own.
class Shares : public testing::Test {
 protected:
  std::shared_ptr<JobSources::Source> add(char name, int64_t takes, int64_t& left) {
    return sources_.add(
        [this, name, takes, &left](int) {
          if (left == 0) return false;
          --left;
          now_ += takes;
          order_ += name;
          return true;
        },
        [](int) {});
  }

  // The jobs of so many calls.
  std::string run(int calls) {
    order_.clear();
    for (int i = 0; i < calls; ++i) sources_.work(0);
    return order_;
  }
  int64_t count(char name) const { return std::ranges::count(order_, name); }

  int64_t now_ = 0;
  std::string order_;
  JobSources sources_{[this] { return now_; }};
};

TEST_F(Shares, EqualJobsTakeTurns) {
  int64_t a_left = 3, b_left = 100;
  const auto a = add('a', 10, a_left), b = add('b', 10, b_left);
  EXPECT_EQ(run(6), "ababab");
  EXPECT_EQ(run(1), "b");
  sources_.remove(b);
  EXPECT_FALSE(sources_.work(0));
  sources_.remove(a);
  EXPECT_FALSE(sources_.work(0));
}

TEST_F(Shares, AreOfTimeAndNotOfJobs) {
  int64_t a_left = 1000, b_left = 1000;
  add('a', 10, a_left);
  add('b', 100, b_left);
  run(440);
  EXPECT_GE(count('b'), 38);
  EXPECT_LE(count('b'), 42);
}

TEST_F(Shares, WhoHadNothingToDoComesNextAndHasNoMoreForIt) {
  int64_t bulk = 1000, other = 0;
  add('a', 10, bulk);
  add('b', 10, other);
  EXPECT_EQ(run(50), std::string(50, 'a'));
  other = 1;
  EXPECT_LE(run(2).find('b'), 1u);  // behind one job at most
  EXPECT_EQ(run(50), std::string(50, 'a'));
  other = 100;
  run(20);
  EXPECT_GE(count('b'), 9);
  EXPECT_LE(count('b'), 11);
}

TEST_F(Shares, OfThreeAreOneThird) {
  int64_t left[] = {1000, 1000, 1000};
  add('a', 7, left[0]);
  add('b', 7, left[1]);
  add('c', 7, left[2]);
  run(300);
  for (const char name : {'a', 'b', 'c'}) {
    EXPECT_GE(count(name), 98) << name;
    EXPECT_LE(count(name), 102) << name;
  }
}

TEST(JobSources, RestIsForAllOfThem) {
  JobSources sources;
  int rested = 0;
  for (int i = 0; i < 2; ++i)
    sources.add([](int) { return false; }, [&](int worker) { rested += worker; });
  sources.rest(5);
  EXPECT_EQ(rested, 10);
}

TEST(JobSources, RemovalWaitsForTheJobThatRuns) {
  JobSources sources;
  std::atomic<bool> inside{false}, go_on{false}, done{false};
  const auto source = sources.add(
      [&](int) {
        inside = true;
        while (!go_on) std::this_thread::yield();
        done = true;
        return true;
      },
      [](int) {});
  std::thread worker([&] { sources.work(0); });
  while (!inside) std::this_thread::yield();
  std::thread remover([&] {
    sources.remove(source);
    EXPECT_TRUE(done.load());
  });
  go_on = true;
  remover.join();
  worker.join();
}

// What is removed may be gone at once, whoever is on the way through the list; the sanitizers see
// it.
TEST(JobSources, ComeAndGoWhileWorkersAreThere) {
  JobSources sources;
  std::atomic<bool> stop{false};
  std::atomic<int> alive{0};
  std::thread worker([&] {
    while (!stop) {
      sources.work(0);
      sources.rest(0);
    }
  });
  for (int i = 0; i < 3000; ++i) {
    ++alive;
    auto source = sources.add(
        [&](int) {
          EXPECT_GT(alive.load(), 0);
          return false;
        },
        [&](int) { EXPECT_GT(alive.load(), 0); });
    sources.remove(source);
    source.reset();
    --alive;  // nobody is in it any more
  }
  stop = true;
  worker.join();
}

}  // namespace
}  // namespace vecton::base
