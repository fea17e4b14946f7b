#include "base/job_sources.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace vecton::base {
namespace {

TEST(JobSources, HaveTurns) {
  JobSources sources;
  std::string order;
  int left = 3;
  const auto a = sources.add([&](int) { return left-- > 0 && (order += 'a', true); }, [](int) {});
  const auto b = sources.add([&](int) { return order += 'b', true; }, [](int) {});
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(sources.work(0));
  EXPECT_EQ(order, "ababab");
  EXPECT_TRUE(sources.work(0));
  EXPECT_EQ(order, "abababb");
  sources.remove(b);
  EXPECT_FALSE(sources.work(0));
  sources.remove(a);
  EXPECT_FALSE(sources.work(0));
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
