// bench_prefix MODEL [--documents N] [--prefix TOKENS] [--suffix TOKENS] [--threads N] [--rounds N]
//
// What a reranker does: N prompts of a causal model that begin with the same tokens, with the
// prefix cache and without it, in turn. The cache is emptied before every round by a prefix of new
// tokens. Gives the ratio of the times and the share of the FLOP limit of the work that is left
// (docs/PERFORMANCE.md).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "backend/machine.h"
#include "vecton/vecton.h"

namespace {

using vecton::Engine;
using vecton::Request;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string model;
  int64_t documents = 50, prefix = 128, suffix = 128;
  int threads = 2, rounds = 5;
};

Arguments parse(int argc, char** argv) {
  Arguments a{.model = argc > 1 ? argv[1] : ""};
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    const int64_t value = std::stoll(argv[i + 1]);
    if (flag == "--documents") a.documents = value;
    if (flag == "--prefix") a.prefix = value;
    if (flag == "--suffix") a.suffix = value;
    if (flag == "--threads") a.threads = static_cast<int>(value);
    if (flag == "--rounds") a.rounds = static_cast<int>(value);
  }
  return a;
}

std::vector<Request> requests_of(const Arguments& a, int64_t vocabulary, unsigned seed) {
  std::mt19937 random(seed);
  const auto append = [&](std::vector<int32_t>& ids, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      ids.push_back(static_cast<int32_t>(random() % static_cast<unsigned>(vocabulary)));
  };
  std::vector<int32_t> prefix;
  append(prefix, a.prefix);
  std::vector<Request> requests;
  for (int64_t i = 0; i < a.documents; ++i) {
    std::vector<int32_t> ids = prefix;
    append(ids, a.suffix);
    requests.push_back({.prompt = {.input = std::move(ids)}});
  }
  return requests;
}

double seconds_of(Engine& engine, const std::vector<Request>& requests) {
  const auto start = Clock::now();
  for (const vecton::Result& result : engine.submit(requests).get()) {
    if (result.error()) throw *result.error();
  }
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) try {
  const Arguments a = parse(argc, argv);
  vecton::EngineOptions options{.model = a.model};
  options.threads = a.threads;
  const auto cached = Engine::open(options);
  options.enable_prefix_caching = false;
  const auto whole = Engine::open(options);
  const int64_t vocabulary = cached->info().vocab_size, tokens = a.prefix + a.suffix;
  const double flops =
      static_cast<double>(a.documents) * (cached->flops(tokens) - cached->flops(a.prefix)) +
      cached->flops(a.prefix);
  std::vector<double> with, without, limits, limits_whole;
  for (int round = 0; round <= a.rounds; ++round) {
    const std::vector<Request> requests = requests_of(a, vocabulary, static_cast<unsigned>(round));
    const double peak = vecton::backend::measure_peak(a.threads).fma_gflops * 1e9;
    const double slow = seconds_of(*whole, requests), fast = seconds_of(*cached, requests);
    if (round == 0) continue;  // caches and clocks warm up
    with.push_back(fast);
    without.push_back(slow);
    limits.push_back(flops / peak);
    limits_whole.push_back(static_cast<double>(a.documents) * cached->flops(tokens) / peak);
  }
  const vecton::EngineStats stats = cached->stats();
  std::printf(
      "%s: %lld prompts of %lld + %lld tokens, %s, %d threads: whole %.3f s (share %.1f %%), with "
      "the prefix cache %.3f s (share of the remaining work %.1f %%), ratio %.2f, hits %.0f %%\n",
      a.model.c_str(), static_cast<long long>(a.documents), static_cast<long long>(a.prefix),
      static_cast<long long>(a.suffix), cached->info().isa.c_str(), a.threads, median(without),
      100 * median(limits_whole) / median(without), median(with),
      100 * median(limits) / median(with), median(without) / median(with),
      100.0 * static_cast<double>(stats.prefix_cache_hits) /
          static_cast<double>(std::max<int64_t>(1, stats.prefix_cache_queries)));
} catch (const std::exception& e) {
  std::fprintf(stderr, "bench_prefix: %s\n", e.what());
  return 1;
}
