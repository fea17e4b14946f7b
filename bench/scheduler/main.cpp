// bench_scheduler: how long the engine's lock is held to choose a batch, with 65,536 sequences
// waiting for one page of the prefix cache. Prints the longest and the median of next() before the
// page is there, while all wait for it, and after it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "engine/scheduler.h"
#include "engine/sequences_test.h"

namespace vecton::engine {
namespace {

constexpr size_t kMany = 65536;

// next() as often as `more` says, each timed in microseconds.
template <class Done>
void time(const char* what, Scheduler& scheduler, const Done& done) {
  std::vector<double> times;
  for (;;) {
    const auto start = std::chrono::steady_clock::now();
    Scheduler::Step step = scheduler.next();
    const std::chrono::duration<double, std::micro> taken =
        std::chrono::steady_clock::now() - start;
    times.push_back(taken.count());
    if (done(step, times.size())) break;
  }
  std::ranges::sort(times);
  std::printf("%-36s %6zu calls, median %7.2f us, longest %7.2f us\n", what, times.size(),
              times[times.size() / 2], times.back());
}

int run() {
  Scheduler scheduler({.max_batch_tokens = 64, .max_queue_tokens = 1 << 30, .cache_pages = 4096});
  scheduler.push(with_prefixes(3 * kPage, kMany));
  Scheduler::Step first = scheduler.next();
  time("until all wait for the page", scheduler,
       [](const Scheduler::Step& step, size_t) { return !step.more; });
  time("while all wait", scheduler,
       [](const Scheduler::Step&, size_t calls) { return calls == 10000; });
  scheduler.finish(first.batch, true);
  time("once it is there", scheduler, [&](Scheduler::Step& step, size_t) {
    scheduler.finish(step.batch, true);
    return step.batch.empty();
  });
  return scheduler.waiting() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace vecton::engine

int main() { return vecton::engine::run(); }
