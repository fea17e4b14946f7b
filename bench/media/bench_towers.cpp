// bench_towers MODEL FOLDER [--pictures N] [--threads N] [--rounds N] [--gflops F]
//
// Pictures to vectors, through the engine: the time of the first N of FOLDER's files at once,
// decoding and preparation included; files that are alike would be computed once. --gflops says
// what the tower computes of one picture (peer_towers.py prints it): the time as a share of the
// FLOP limit (docs/PERFORMANCE.md). peer_towers.py does the same with torch.
#include <algorithm>
#include <cstdio>
#include <filesystem>
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
  std::string model, folder;
  size_t pictures = 1;
  int threads = 2, rounds = 5;
  double gflops = 0;
};

Arguments parse(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0)
    throw vecton::Error(vecton::ErrorCode::kInvalidArgument,
                        "MODEL FOLDER, then flags with values");
  Arguments a{.model = argv[1], .folder = argv[2]};
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

std::vector<std::filesystem::path> first_files(const std::string& folder, size_t count) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::ranges::sort(files);
  if (files.size() < count)
    throw vecton::Error(vecton::ErrorCode::kNotFound,
                        folder + " has " + std::to_string(files.size()) + " files");
  files.resize(count);
  return files;
}

vecton::Request request_of(const std::filesystem::path& path, vecton::Task task) {
  std::ifstream file(path, std::ios::binary);
  vecton::Request request;
  request.prompt.images = {{.bytes = {std::istreambuf_iterator<char>(file), {}}}};
  request.task = vecton::default_parameters(task);
  if (request.prompt.images.front().bytes.empty())
    throw vecton::Error(vecton::ErrorCode::kNotFound,
                        path.string() + ": cannot be read, or is empty");
  return request;
}

}  // namespace

int main(int argc, char** argv) try {
  const Arguments a = parse(argc, argv);
  const vecton::backend::Peak peak = vecton::backend::measure_peak(a.threads);
  vecton::EngineOptions options{.model = a.model};
  options.threads = a.threads;
  options.enable_prefix_caching = false;  // rounds are alike: all but the first would be found
  const auto engine = Engine::open(options);

  std::vector<vecton::Request> requests;
  for (const std::filesystem::path& file : first_files(a.folder, a.pictures))
    requests.push_back(request_of(file, engine->info().tasks.front()));

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
