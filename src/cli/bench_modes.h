// vecton bench --compute all: what each way to compute takes, and how near its answers are to those
// of float32, on the user's own model and texts.
#pragma once

#include <string>

#include "cli/bench_work.h"

namespace vecton::cli {

// Opens the model in every way at once, lets them take turns, and gives the table, or JSON.
// The task is the model's first that has something to compare; of a reranker the first text is the
// query.
std::string compare_modes(const BenchOptions& options);

}  // namespace vecton::cli
