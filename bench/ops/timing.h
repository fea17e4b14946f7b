// How one operation is timed, and what its time is compared with.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace vecton::bench {

struct Time {
  double median = 0, best = 0;  // seconds of one call
};

// Calls f again and again for about `seconds`, in samples that are long enough for the clock.
template <typename F>
Time time_calls(double seconds, const F& f) {
  using Clock = std::chrono::steady_clock;
  const auto run = [&f](int64_t calls) {
    const Clock::time_point start = Clock::now();
    for (int64_t i = 0; i < calls; ++i) f();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  f();
  const double once = std::max(run(1), 1e-8);
  const auto calls = std::max<int64_t>(1, static_cast<int64_t>(seconds / 20 / once));
  std::vector<double> samples;
  for (double spent = 0; spent < seconds || samples.size() < 5;) {
    const double sample = run(calls);
    spent += sample;
    samples.push_back(sample / static_cast<double>(calls));
  }
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples.front()};
}

// What a call must do at the least.
struct Work {
  double flops = 0;
  double bytes = 0;  // from and to memory that no cache holds
};

}  // namespace vecton::bench
