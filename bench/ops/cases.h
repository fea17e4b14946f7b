// The operations that bench_ops times, with inputs of their own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ops/ops.h"
#include "ops/timing.h"

namespace vecton::bench {

// What is asked for on the command line; lists are run through one by one.
struct Settings {
  std::vector<std::string> ops = {"linear",  "gated", "attention", "window",    "kinds",
                                  "max_sim", "norm",  "rope",      "activation"};
  std::vector<int64_t> m = {1, 8, 32, 128, 512, 4096};
  std::vector<int64_t> n, k;  // empty = the shapes of common models
  std::vector<std::string> dtypes = {"f32"};
  std::vector<int64_t> head_dims = {32, 64, 128}, lengths = {16, 64, 128, 256, 512};
  std::vector<int> threads = {1};
  std::string backend = "cpu", isa;
  ops::Compute compute = ops::Compute::kFloat32;  // of linear and gated
  bool cold = false, causal = false, bias = false;
  double seconds = 0.15;  // for each case
};

struct Case {
  std::string op, shape, dtype;
  int64_t rows = 0;
  Work work;
  // Builds the inputs and gives the call to time.
  std::function<std::function<void()>(Ops&)> prepare;
};

std::vector<Case> make_cases(const Settings& settings);

}  // namespace vecton::bench
