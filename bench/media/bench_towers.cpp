// bench_towers MODEL FILE [--pictures N] [--threads N] [--rounds N] [--gflops F]
//
// Pictures to vectors, through the engine: the time of N copies of FILE at once, decoding and
// preparation included. --gflops says what the tower computes of one picture (peer_towers.py prints
// it): the time as a share of the FLOP limit (docs/PERFORMANCE.md). peer_towers.py does the same
// with torch.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../seconds_of.h"
#include "backend/machine.h"
#include "vecton/vecton.h"

namespace {

using vecton::Engine;

struct Arguments {
  std::string model, file;
  size_t pictures = 1;
  int threads = 2, rounds = 5;
  double gflops = 0;
};

Arguments parse(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0)
    throw vecton::Error(vecton::ErrorCode::kInvalidArgument, "MODEL FILE, then flags with values");
  Arguments a{.model = argv[1], .file = argv[2]};
  for (int i = 3; i < argc; i += 2) {
    const std::string flag = argv[i], value = argv[i + 1];
    if (flag == "--pictures") {
      a.pictures = std::stoul(value);
    } else if (flag == "--threads") {
      a.threads = std::stoi(value);
    } else if (flag == "--rounds") {
      a.rounds = std::stoi(value);
    } else if (flag == "--gflops") {
      a.gflops = std::stod(value);
    } else {
      throw vecton::Error(vecton::ErrorCode::kInvalidArgument, flag + ": no such flag");
    }
  }
  return a;
}

}  // namespace

int main(int argc, char** argv) try {
  const Arguments a = parse(argc, argv);
  const vecton::backend::Peak peak = vecton::backend::measure_peak(a.threads);
  vecton::EngineOptions options{.model = a.model};
  options.threads = a.threads;
  options.enable_prefix_caching = false;  // rounds are alike: all but the first would be found
  const auto engine = Engine::open(options);

  std::ifstream file(a.file, std::ios::binary);
  vecton::Request request;
  request.prompt.images = {{.bytes = {std::istreambuf_iterator<char>(file), {}}}};
  request.task = vecton::default_parameters(engine->info().tasks.front());
  if (request.prompt.images.front().bytes.empty())
    throw vecton::Error(vecton::ErrorCode::kNotFound, a.file + ": cannot be read, or is empty");
  const std::vector<vecton::Request> requests(a.pictures, request);

  std::vector<double> times;
  for (int i = 0; i < a.rounds; ++i) times.push_back(vecton::bench::seconds_of(*engine, requests));
  std::ranges::sort(times);
  const double median = times[times.size() / 2];
  const double limit = a.gflops * static_cast<double>(a.pictures) / peak.fma_gflops;
  std::printf(
      "{\"pictures\": %zu, \"threads\": %d, \"rounds\": %d, \"peak_gflops\": %.1f, \"median_s\": "
      "%.3f, \"best_s\": %.3f, \"share\": %.3f}\n",
      a.pictures, a.threads, a.rounds, peak.fma_gflops, median, times.front(), limit / median);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_towers: %s\n", error.what());
  return 1;
}
