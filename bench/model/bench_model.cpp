// bench_model MODEL FILE.jsonl [--first N] [--threads N] [--rounds N] [--query TOKENS]
// [--batch-tokens N] [--compute NAME] [--quantization NAME]
//
// Whole forward passes, through the engine, on token ids of the lengths in FILE ({"tokens": n}
// lines): the time of all texts at once, or with --query of single texts one after another, as a
// share of the FLOP limit (docs/PERFORMANCE.md).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "../seconds_of.h"
#include "backend/machine.h"
#include "base/json.h"
#include "vecton/vecton.h"

namespace {

using vecton::Engine;
using vecton::Request;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string model, file, compute = "float32", quantization;
  int64_t first = 1 << 30, query = 0, batch_tokens = 0;
  int threads = 2, rounds = 5;
};

Arguments parse(int argc, char** argv) {
  Arguments a{.model = argc > 1 ? argv[1] : "", .file = argc > 2 ? argv[2] : ""};
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--compute") a.compute = argv[i + 1];
    if (flag == "--quantization") a.quantization = argv[i + 1];
    if (flag == "--compute" || flag == "--quantization") continue;
    const int64_t value = std::stoll(argv[i + 1]);
    if (flag == "--first") a.first = value;
    if (flag == "--query") a.query = value;
    if (flag == "--batch-tokens") a.batch_tokens = value;
    if (flag == "--threads") a.threads = static_cast<int>(value);
    if (flag == "--rounds") a.rounds = static_cast<int>(value);
  }
  return a;
}

std::vector<int64_t> lengths_of(const Arguments& a) {
  if (a.query > 0) return {a.query};
  std::vector<int64_t> lengths;
  std::ifstream file(a.file);
  for (std::string line;
       std::getline(file, line) && static_cast<int64_t>(lengths.size()) < a.first;) {
    lengths.push_back(vecton::base::parse_json(line, a.file).at("tokens").as_int64());
  }
  return lengths;
}

}  // namespace

int main(int argc, char** argv) try {
  const Arguments a = parse(argc, argv);
  vecton::EngineOptions options{.model = a.model};
  options.threads = a.threads;
  options.compute = a.compute;
  options.quantization = a.quantization;
  options.max_batch_tokens = a.batch_tokens;
  options.enable_prefix_caching = false;  // rounds are alike: all but the first would be found
  const auto opening = Clock::now();
  const auto engine = Engine::open(options);
  const double open_seconds = std::chrono::duration<double>(Clock::now() - opening).count();

  std::mt19937 random(1);
  std::vector<Request> requests;
  double flops = 0;
  for (const int64_t n : lengths_of(a)) {
    const int64_t tokens = std::min(n, engine->info().max_model_len);
    std::vector<int32_t> ids(static_cast<size_t>(tokens));
    for (int32_t& id : ids)
      id = static_cast<int32_t>(random() % static_cast<unsigned>(engine->info().vocab_size));
    requests.push_back({.prompt = {.input = std::move(ids)}});
    flops += engine->flops(tokens);
  }
  std::vector<double> times, limits;
  const int inner = a.query > 0 ? static_cast<int>(std::clamp<int64_t>(4096 / a.query, 1, 100)) : 1;
  vecton::bench::seconds_of(*engine, requests);
  for (int round = 0; round < a.rounds; ++round) {
    const vecton::backend::Peak peak = vecton::backend::measure_peak(a.threads);
    limits.push_back(std::max(
        flops / (peak.fma_gflops * 1e9),
        static_cast<double>(engine->weight_bytes_per_pass()) / (peak.read_gbytes_s * 1e9)));
    for (int i = 0; i < inner; ++i) times.push_back(vecton::bench::seconds_of(*engine, requests));
    std::printf("# peak %.1f GFLOP/s, %.1f GB/s\n", peak.fma_gflops, peak.read_gbytes_s);
  }
  std::sort(times.begin(), times.end());
  std::sort(limits.begin(), limits.end());
  const double median = times[times.size() / 2], limit = limits[limits.size() / 2];
  std::printf(
      "%s: %zu texts, %.2f GFLOP, %s, %d threads: median %.3f ms, best %.3f ms, limit %.3f ms, "
      "share %.1f %% (best %.1f %%), opened in %.0f ms\n",
      a.model.c_str(), requests.size(), flops / 1e9, engine->info().isa.c_str(), a.threads,
      median * 1e3, times.front() * 1e3, limit * 1e3, 100 * limit / median,
      100 * limit / times.front(), open_seconds * 1e3);
} catch (const std::exception& e) {
  std::fprintf(stderr, "bench_model: %s\n", e.what());
  return 1;
}
