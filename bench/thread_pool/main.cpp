// bench_thread_pool: what sharing work costs. An empty parallel_for while the workers are awake,
// the time until a sleeping worker is inside one, and the time from notify() until a job runs.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "base/thread_pool.h"
#include "ops/timing.h"

namespace vecton::bench {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

void wait_microseconds(double time) {
  const Clock::time_point start = Clock::now();
  while (microseconds_since(start) < time) std::this_thread::yield();
}

void report(const char* what, int threads, std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const size_t n = samples.size();
  std::printf("%s, pool of %d: median %.2f us, 10 %% within %.2f, 90 %% within %.2f us\n", what,
              threads, samples[n / 2], samples[n / 10], samples[n * 9 / 10]);
}

void empty_loop(int threads, int64_t n) {
  base::ThreadPool pool(threads);
  std::atomic<int> sink{0};
  const Time time = time_calls(0.2, [&] {
    pool.parallel_for(
        n, [&](int64_t i) { sink.store(static_cast<int>(i), std::memory_order_relaxed); });
  });
  std::printf("parallel_for(%lld), %d workers awake: median %.2f us, best %.2f us\n",
              static_cast<long long>(n), threads, time.median * 1e6, time.best * 1e6);
}

// Until caller and worker are in the loop at once.
void joined_loop(int threads, double pause, const char* what) {
  base::ThreadPool pool(threads);
  std::vector<double> samples;
  while (samples.size() < 300) {
    wait_microseconds(pause);
    std::atomic<int> inside{0};
    std::atomic<double> joined{0};
    const Clock::time_point start = Clock::now();
    pool.parallel_for(2, [&](int64_t) {
      if (inside.fetch_add(1) == 1) joined = microseconds_since(start);
      while (inside.load() < 2 && microseconds_since(start) < 2000) std::this_thread::yield();
    });
    samples.push_back(joined);
  }
  report(what, threads, samples);
}

void job(double pause, const char* what) {
  std::atomic<bool> waiting{false};
  std::atomic<int> done{0};
  base::ThreadPool pool(2, [&](int) {
    if (!waiting.exchange(false)) return false;
    ++done;
    return true;
  });
  std::vector<double> samples;
  while (samples.size() < 300) {
    wait_microseconds(pause);
    const int before = done.load();
    const Clock::time_point start = Clock::now();
    waiting = true;
    pool.notify();
    while (done.load() == before) std::this_thread::yield();
    samples.push_back(microseconds_since(start));
  }
  report(what, 2, samples);
}

}  // namespace
}  // namespace vecton::bench

int main() {
  using namespace vecton::bench;
  for (const int threads : {1, 2, 4}) empty_loop(threads, 8);
  empty_loop(2, 64);
  joined_loop(1, 20, "an awake worker joins");
  joined_loop(1, 1000, "a sleeping worker joins");
  joined_loop(2, 1000, "a sleeping worker joins");
  job(20, "a job finds awake workers");
  job(1000, "a job finds sleeping workers");
}
