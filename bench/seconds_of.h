// How long an engine needs for some requests at once, for benchmarks.
#pragma once

#include <chrono>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::bench {

// Throws the first error of an answer.
inline double seconds_of(Engine& engine, const std::vector<Request>& requests) {
  const auto start = std::chrono::steady_clock::now();
  for (const Result& result : engine.submit(requests).get()) {
    if (result.error()) throw *result.error();
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace vecton::bench
