#include "backend/machine.h"

#include <sys/mman.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <memory>
#include <numeric>
#include <thread>

#include "backend/peak_kernels.h"
#include "backend/registry.h"
#include "base/cpu_info.h"
#include "base/thread_pool.h"
#include "vecton/error.h"

namespace vecton::backend {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// work(thread) by `threads` threads at once, again and again for `budget` seconds: the most calls
// per second, of all threads together, that any run reached. The clock of a core varies, and other
// programs take their share.
template <typename F>
double best_rate(int threads, double budget, const F& work) {
  double best = 0;
  const Clock::time_point start = Clock::now();
  bool more = true;
  std::vector<double> rates(threads);
  const auto next_run = [&]() noexcept {
    best = std::max(best, std::accumulate(rates.begin(), rates.end(), 0.0));
    more = seconds_since(start) < budget;
  };
  std::barrier line(threads, next_run);
  const auto run = [&](int thread) {
    for (line.arrive_and_wait(); more; line.arrive_and_wait()) {
      const Clock::time_point begun = Clock::now();
      work(thread);
      rates[thread] = 1 / seconds_since(begun);
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(run, i);
  run(0);
  for (std::thread& other : others) other.join();
  return best;
}

}  // namespace

// Memory of the system's own, in large pages where there are any.
class ReadSpeed::Pages {
 public:
  explicit Pages(size_t bytes) : bytes_(bytes) {
    address_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address_ == MAP_FAILED) throw Error(ErrorCode::kIo, "no memory to measure its speed with");
#if defined(MADV_HUGEPAGE)
    madvise(address_, bytes, MADV_HUGEPAGE);
#endif
  }
  ~Pages() { munmap(address_, bytes_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  std::span<float> part(int index, int count) const {
    constexpr size_t kBlock = 64;  // floats
    const size_t size = bytes_ / sizeof(float) / count / kBlock * kBlock;
    return {static_cast<float*>(address_) + size * index, size};
  }

 private:
  void* address_;
  size_t bytes_;
};

namespace {

cpu::Isa isa_named(const std::string& name) {
  for (const cpu::Isa isa : cpu::supported_isas()) {
    if (to_string(isa) == name) return isa;
  }
  return cpu::Isa::kScalar;
}

double fma_gflops(int threads) {
  constexpr int64_t kRounds = 1'000'000;
  const PeakKernels& kernels = peak_kernels(isa_named(default_isa()));
  std::vector<float> results(threads);
  const double rate =
      best_rate(threads, 0.4, [&](int thread) { results[thread] = kernels.fma(kRounds); });
  return kernels.flops_per_round * kRounds * rate / 1e9;
}

}  // namespace

Machine machine() {
  Machine result{.cpu = base::cpu_name(),
                 .isa = default_isa(),
                 .isas = {},
                 .cores = base::ThreadPool::cores()};
  for (const cpu::Isa isa : cpu::supported_isas()) result.isas.emplace_back(to_string(isa));
  return result;
}

std::string isa_of(const std::string& backend) {
  return backend == "cpu" ? default_isa() : isas_of(backend).back();
}

std::vector<std::string> compute_names(const std::string& backend) {
  std::vector<std::string> names;
  for (const ops::Compute compute : computes_of(backend)) names.emplace_back(to_string(compute));
  return names;
}

Peak measure_peak(int threads) {
  threads = std::max(1, threads);
  return {.fma_gflops = fma_gflops(threads), .read_gbytes_s = ReadSpeed(threads).measure(0.4)};
}

ReadSpeed::ReadSpeed(int threads) : threads_(threads) {
  constexpr int64_t kLeast = int64_t{128} << 20, kMost = int64_t{1} << 30;
  const int64_t bytes = std::clamp(4 * base::last_level_cache(), kLeast, kMost);
  pages_ = std::make_unique<Pages>(static_cast<size_t>(bytes));
  for (int i = 0; i < threads; ++i) std::ranges::fill(pages_->part(i, threads), 1.0f);
}

ReadSpeed::~ReadSpeed() = default;

double ReadSpeed::measure(double seconds) const {
  const PeakKernels& kernels = peak_kernels(cpu::supported_isas().back());
  std::vector<float> results(threads_);
  const double rate = best_rate(threads_, seconds, [&](int thread) {
    results[thread] = kernels.read(pages_->part(thread, threads_));
  });
  return static_cast<double>(pages_->part(0, threads_).size_bytes()) * rate / 1e9;
}

}  // namespace vecton::backend
