// What `vecton bench` gives a model to do, and how long it takes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cli/record_reader.h"
#include "vecton/vecton.h"

namespace vecton::cli {

struct BenchOptions {
  EngineOptions engine;
  InputOptions input;
  int64_t texts = 64, tokens = 0, rounds = 5, requests = 50;
  bool json = false;
};

// The texts of --input, or ids without meaning that are the same in every run.
std::vector<Request> bench_requests(const BenchOptions& options, const ModelInfo& info);

struct Round {
  double seconds = 0;
  std::vector<Result> results;
};
// All of `requests` at once, none of which finds what another left in the prefix cache: each pass
// computes all of its tokens, as a server does for texts that it has not seen. Throws the first
// error among the results.
Round run_round(Engine& engine, std::vector<Request> requests);

double percentile(std::vector<double> values, double share);

}  // namespace vecton::cli
