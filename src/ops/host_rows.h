// Formulas of single rows that hold on every backend: what ops.cpp and backends on the host compute
// alike, bit by bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace vecton::ops {

inline void softmax_row(std::span<float> row) {
  if (row.empty()) return;
  const double largest = *std::ranges::max_element(row);
  double total = 0;
  for (const float x : row) total += std::exp(x - largest);
  for (float& x : row) x = static_cast<float>(std::exp(x - largest) / total);
}

inline void log_softmax_row(std::span<float> row) {
  if (row.empty()) return;
  const double largest = *std::ranges::max_element(row);
  double total = 0;
  for (const float x : row) total += std::exp(x - largest);
  const double log_total = std::log(total);
  for (float& x : row) x = static_cast<float>(x - largest - log_total);
}

inline void sigmoid_row(std::span<float> row) {
  for (float& x : row) x = static_cast<float>(1 / (1 + std::exp(-double{x})));
}

inline void softcap_row(std::span<float> row, float cap) {
  for (float& x : row) x = cap * std::tanh(x / cap);
}

inline float clamped_swiglu(float gate, float up, float alpha, float limit) {
  const double g = std::min(gate, limit), u = std::clamp(up, -limit, limit);
  return static_cast<float>((u + 1) * g / (1 + std::exp(-double{alpha} * g)));
}

}  // namespace vecton::ops
