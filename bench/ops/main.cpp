// bench_ops: operations against the machine's measured limits.
//
//   bench_ops --op linear --m 8 --threads 1,2 --dtype bf16 --cold
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <sstream>

#include "backend/machine.h"
#include "backend/registry.h"
#include "base/thread_pool.h"
#include "ops/cases.h"
#include "vecton/error.h"

namespace vecton::bench {
namespace {

constexpr const char* kUsage = R"(usage: bench_ops [options]     (lists are separated by commas)
  --op LIST        linear, gated, attention, window (of attention, on long texts), kinds (of attention), max_sim,
                   norm, rope, activation                             (these)
                   experts: a layer's of Qwen3-30B-A3B, of --m rows
                   cached: a token each of --m texts against --length keys of a cache of --dtype (f32, bf16, fp8)
  --m LIST         rows                                               (1,8,32,128,512,4096)
  --n LIST, --k LIST   shape of the weight, every n with every k      (11 shapes of common encoders)
  --dtype LIST     f32, f16, bf16: how the weight is stored           (f32)
                   of linear, gated, experts also packed: mlx8, mlx4, mlx2, q8_0, q4_0, q4_k, q6_k, mxfp4, nvfp4, mxfp8, fp8
  --compute NAME   of linear, gated, experts: float32, bfloat16, int8          (float32)
  --head-dim LIST, --length LIST   of attention                       (32,64,128 and 16..512)
  --threads LIST   threads that share one call                        (1)
  --cold           the weight, or the keys, are in no cache: copies take turns
  --causal, --bias
  --isa NAME       avx512, avx2, neon, scalar                         (VECTON_CPU or the best)
  --backend NAME   cpu, ref                                           (cpu)
  --seconds S      for each case                                      (0.15)

share: of the FMA peak that this machine reaches with as many threads, measured first.
GB/s:  what a plain loop of as many threads reads from memory.
roof:  of the least time the call can take: its operations at the peak, or its bytes at the speed of memory (--cold: the
       weight; norm, rope and activation: all they read and write, so that more than 100 % means a cache helped).
       Memory is measured in turn with the call, and the median of these rounds is shown.
)";

template <typename T>
std::vector<T> list_of(const std::string& text) {
  std::vector<T> values;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    std::istringstream field(part);
    T value;
    if (!(field >> value)) throw Error(ErrorCode::kInvalidArgument, "'" + part + "' is no number");
    values.push_back(value);
  }
  return values;
}

ops::Compute compute_of(const std::string& name) {
  const auto compute = ops::compute_named(name);
  if (!compute) {
    throw Error(ErrorCode::kInvalidArgument,
                "--compute: '" + name + "' is none of float32, bfloat16, int8");
  }
  return *compute;
}

Settings parse(const std::vector<std::string>& arguments) {
  Settings s;
  const std::map<std::string, std::function<void(const std::string&)>> with_value = {
      {"--op", [&s](auto& v) { s.ops = list_of<std::string>(v); }},
      {"--m", [&s](auto& v) { s.m = list_of<int64_t>(v); }},
      {"--n", [&s](auto& v) { s.n = list_of<int64_t>(v); }},
      {"--k", [&s](auto& v) { s.k = list_of<int64_t>(v); }},
      {"--dtype", [&s](auto& v) { s.dtypes = list_of<std::string>(v); }},
      {"--head-dim", [&s](auto& v) { s.head_dims = list_of<int64_t>(v); }},
      {"--length", [&s](auto& v) { s.lengths = list_of<int64_t>(v); }},
      {"--threads", [&s](auto& v) { s.threads = list_of<int>(v); }},
      {"--isa", [&s](auto& v) { s.isa = v; }},
      {"--backend", [&s](auto& v) { s.backend = v; }},
      {"--compute", [&s](auto& v) { s.compute = compute_of(v); }},
      {"--seconds", [&s](auto& v) { s.seconds = list_of<double>(v).at(0); }},
  };
  const std::map<std::string, bool*> flags = {
      {"--cold", &s.cold}, {"--causal", &s.causal}, {"--bias", &s.bias}};
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (const auto flag = flags.find(arguments[i]); flag != flags.end()) {
      *flag->second = true;
    } else if (const auto option = with_value.find(arguments[i]);
               option != with_value.end() && i + 1 < arguments.size()) {
      option->second(arguments[++i]);
    } else {
      throw Error(ErrorCode::kInvalidArgument,
                  arguments[i] + ": no such option, or its value is missing");
    }
  }
  return s;
}

// Runs `job` on a worker of a pool of `threads`, as the engine does: all of them can join its
// operations.
void run_on_worker(int threads, const std::function<void(base::ThreadPool&)>& job) {
  std::mutex mutex;
  std::condition_variable changed;
  base::ThreadPool* pool = nullptr;
  enum { kWaiting, kRunning, kDone } state = kWaiting;
  std::string error;
  base::ThreadPool workers(threads, [&](int) {
    std::unique_lock lock(mutex);
    if (!pool || state != kWaiting) return false;
    state = kRunning;
    lock.unlock();
    try {
      job(*pool);
    } catch (const std::exception& e) {
      error = e.what();
    }
    lock.lock();
    state = kDone;
    changed.notify_all();
    return true;
  });
  std::unique_lock lock(mutex);
  pool = &workers;
  lock.unlock();
  workers.notify();
  lock.lock();
  changed.wait(lock, [&] { return state == kDone; });
  if (!error.empty()) throw Error(ErrorCode::kInternal, error);
}

// The geometric mean of the shares of one group of lines.
struct Mean {
  double logarithms = 0;
  int count = 0;
  void add(double share) { logarithms += std::log(share), ++count; }
  double value() const { return std::exp(logarithms / count); }
};

// The calls of one round, and the speed of memory about them.
struct Round {
  Time time;
  double gbytes_s;
  double roof;  // share of the least time that the call can take
};

// The median of the rounds by their share.
Round time_case(const Settings& settings, const Work& work, double fma_gflops,
                const backend::ReadSpeed& memory, const std::function<void()>& call) {
  constexpr int kRounds = 7;
  const auto speed = [&] { return memory.measure(settings.seconds / kRounds / 3); };
  std::vector<Round> rounds;
  for (double before = speed(); rounds.size() < kRounds;) {
    const Time time = time_calls(settings.seconds / kRounds, call);
    const double after = speed(), gbytes_s = (before + after) / 2;
    const double least = std::max(work.flops / fma_gflops, work.bytes / gbytes_s) / 1e9;
    rounds.push_back({time, gbytes_s, least / time.median});
    before = after;
  }
  std::ranges::nth_element(rounds, rounds.begin() + kRounds / 2, {}, &Round::roof);
  return rounds[kRounds / 2];
}

void run_cases(const Settings& settings, int threads) {
  const backend::Peak peak = backend::measure_peak(threads);
  const backend::ReadSpeed memory(threads);
  std::printf("\n%d thread%s: peak %.1f GFLOP/s, memory %.1f GB/s\n", threads,
              threads > 1 ? "s" : "", peak.fma_gflops, peak.read_gbytes_s);
  std::printf("%-10s %-36s %-5s %12s %12s %9s %7s %7s %7s\n", "op", "shape", "dtype", "median us",
              "best us", "GFLOP/s", "share", "GB/s", "roof");
  std::map<std::string, Mean> means;
  run_on_worker(threads, [&](base::ThreadPool& pool) {
    const std::unique_ptr<Ops> ops = backend::make_ops(settings.backend, pool, settings.isa);
    for (const Case& c : make_cases(settings)) {
      const Round round = time_case(settings, c.work, peak.fma_gflops, memory, c.prepare(*ops));
      std::printf("%-10s %-36s %-5s %12.2f %12.2f %9.1f %6.1f%% %7.1f %6.1f%%\n", c.op.c_str(),
                  c.shape.c_str(), c.dtype.c_str(), round.time.median * 1e6, round.time.best * 1e6,
                  c.work.flops / round.time.median / 1e9,
                  100 * c.work.flops / (peak.fma_gflops * 1e9) / round.time.median, round.gbytes_s,
                  100 * round.roof);
      std::fflush(stdout);
      char group[64];
      std::snprintf(group, sizeof group, "%-10s rows %5d  %-5s", c.op.c_str(),
                    static_cast<int>(c.rows), c.dtype.c_str());
      means[group].add(round.roof);
    }
  });
  std::printf("geometric means of roof:\n");
  for (const auto& [group, mean] : means)
    std::printf("  %s %6.1f%%\n", group.c_str(), 100 * mean.value());
}

}  // namespace
}  // namespace vecton::bench

int main(int argc, char** argv) {
  using namespace vecton;
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() == 1 && arguments[0] == "--help") {
      std::fputs(bench::kUsage, stdout);
      return 0;
    }
    const bench::Settings settings = bench::parse(arguments);
    const backend::Machine m = backend::machine();
    std::printf("%s, %d cores, %s\n", m.cpu.c_str(), m.cores,
                settings.isa.empty() ? m.isa.c_str() : settings.isa.c_str());
    for (const int threads : settings.threads) bench::run_cases(settings, threads);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_ops: %s\n", error.what());
    return 1;
  }
}
