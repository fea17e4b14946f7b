// bench_rerank MODEL FILE.jsonl [--documents N] [--threads N] [--rounds N]
//
// What a user of a cross-encoder asks for: the scores of N documents for one query, from their
// texts, as a share of the FLOP limit (docs/PERFORMANCE.md). The documents are the first texts in
// FILE ({"text": ...} lines), the query is the line after them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "backend/machine.h"
#include "base/json.h"
#include "vecton/vecton.h"

namespace {

using vecton::Engine;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string model, file;
  size_t documents = 50;
  int threads = 2, rounds = 7;
};

Arguments parse(int argc, char** argv) {
  Arguments a{.model = argc > 1 ? argv[1] : "", .file = argc > 2 ? argv[2] : ""};
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--documents") a.documents = std::stoull(argv[i + 1]);
    if (flag == "--threads") a.threads = std::stoi(argv[i + 1]);
    if (flag == "--rounds") a.rounds = std::stoi(argv[i + 1]);
  }
  return a;
}

std::vector<std::string> read_texts(const std::string& path, size_t count) {
  std::vector<std::string> texts;
  std::ifstream file(path);
  for (std::string line; texts.size() < count && std::getline(file, line);)
    texts.emplace_back(vecton::base::parse_json(line, path).at("text").as_string());
  if (texts.size() < count)
    throw vecton::Error(vecton::ErrorCode::kInvalidArgument,
                        path + ": fewer than " + std::to_string(count) + " texts");
  return texts;
}

// Tokens of every pair.
std::vector<int64_t> lengths_of(Engine& engine, const std::string& query,
                                const std::vector<std::string>& documents) {
  std::vector<vecton::Request> requests;
  for (const std::string& document : documents) {
    requests.push_back({.prompt = {.input = query, .truncation = {.to = -1}},
                        .task = vecton::Score{.document = document}});
  }
  std::vector<int64_t> lengths;
  for (const vecton::Result& result : engine.submit(std::move(requests)).get()) {
    if (result.error()) throw *result.error();
    lengths.push_back(result.usage.prompt_tokens);
  }
  return lengths;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) try {
  const Arguments a = parse(argc, argv);
  std::vector<std::string> documents = read_texts(a.file, a.documents + 1);
  const std::string query = documents.back();
  documents.pop_back();
  vecton::EngineOptions options{.model = a.model};
  options.threads = a.threads;
  const auto engine = Engine::open(options);
  const std::vector<int64_t> lengths = lengths_of(*engine, query, documents);
  double flops = 0;
  for (const int64_t n : lengths) flops += engine->flops(n);

  const vecton::Request settings{.prompt = {.truncation = {.to = -1}}, .task = vecton::Score{}};
  std::vector<double> times, shares;
  for (int round = 0; round < a.rounds; ++round) {
    const double before = vecton::backend::measure_peak(a.threads).fma_gflops;
    const auto start = Clock::now();
    engine->score(query, documents, settings);
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    const double peak = std::max(before, vecton::backend::measure_peak(a.threads).fma_gflops) * 1e9;
    shares.push_back(100 * flops / peak / times.back());
    std::printf("# peak %.1f GFLOP/s, %.3f s, share %.1f %%\n", peak / 1e9, times.back(),
                shares.back());
  }
  const auto [shortest, longest] = std::ranges::minmax(lengths);
  std::printf(
      "%s: %zu pairs of %lld to %lld tokens, %.1f GFLOP, %s, %d threads: median %.3f s, share of "
      "the limit %.1f %%\n",
      a.model.c_str(), documents.size(), static_cast<long long>(shortest),
      static_cast<long long>(longest), flops / 1e9, engine->info().isa.c_str(), a.threads,
      median(times), median(shares));
} catch (const std::exception& e) {
  std::fprintf(stderr, "bench_rerank: %s\n", e.what());
  return 1;
}
