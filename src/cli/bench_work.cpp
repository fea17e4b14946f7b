#include "cli/bench_work.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <utility>

#include "cli/failure.h"

namespace vecton::cli {

static std::vector<Request> made_up_requests(const BenchOptions& options, const ModelInfo& info) {
  constexpr int64_t kTokens = 128;
  const int64_t longest = info.max_model_len > 0 ? info.max_model_len : kTokens;
  const int64_t tokens = options.tokens > 0 ? options.tokens : std::min(kTokens, longest);
  std::mt19937 random(1);
  std::vector<Request> requests(static_cast<size_t>(options.texts));
  for (Request& request : requests) {
    std::vector<int32_t> ids(static_cast<size_t>(tokens));
    for (int32_t& id : ids)
      id = static_cast<int32_t>(random() % static_cast<uint64_t>(info.vocab_size));
    request.prompt.input = std::move(ids);
  }
  return requests;
}

static std::vector<Request> read_requests(const BenchOptions& options) {
  std::vector<Request> requests;
  const auto reader = read_file(options.input);
  Record record;
  while (reader->next(record)) {
    Request request;
    request.prompt.input = record.input;
    request.prompt.truncation.to = -1;
    requests.push_back(std::move(request));
  }
  if (requests.empty())
    throw Failure(ExitStatus::kInput, options.input.path + ": there is no text");
  return requests;
}

std::vector<Request> bench_requests(const BenchOptions& options, const ModelInfo& info) {
  return options.input.path.empty() ? made_up_requests(options, info) : read_requests(options);
}

Round run_round(Engine& engine, std::vector<Request> requests) {
  static int64_t salt = 0;
  for (Request& request : requests) request.cache_salt = "bench " + std::to_string(++salt);
  const auto start = std::chrono::steady_clock::now();
  Round round;
  round.results = engine.submit(std::move(requests), Engine::WhenFull::kWait).get();
  round.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const Result& result : round.results) {
    if (result.error()) throw *result.error();
  }
  return round;
}

double percentile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[at];
}

}  // namespace vecton::cli
