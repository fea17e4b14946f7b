// The gated delta rule of one value head (Ops::gated_delta), row after row: what ops.cpp and
// backends on the host compute alike, bit by bit.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace vecton::ops {

// Rows of one sequence, from the head's first column.
struct DeltaRows {
  const float *q, *k, *v, *step, *beta;
  float* y;
  int64_t q_stride, k_stride, v_stride, step_stride, beta_stride, y_stride;
  int64_t count;
};

// `state` [key_dim, value_dim] is that before the rows, and becomes that after them.
inline void delta_rule(const DeltaRows& rows, int64_t key_dim, int64_t value_dim, float rate,
                       float* state) {
  std::vector<float> key(static_cast<size_t>(key_dim)), query(key.size()),
      change(static_cast<size_t>(value_dim));
  const auto unit = [&](const float* x, float scale, std::vector<float>& to) {
    float sum = 0;
    for (int64_t i = 0; i < key_dim; ++i) sum += x[i] * x[i];
    const float factor = scale / std::sqrt(sum + 1e-6f);
    for (int64_t i = 0; i < key_dim; ++i) to[static_cast<size_t>(i)] = x[i] * factor;
  };
  const auto product = [&](const std::vector<float>& x, float* to) {  // x^T state
    for (int64_t j = 0; j < value_dim; ++j) to[j] = 0;
    for (int64_t i = 0; i < key_dim; ++i) {
      const float factor = x[static_cast<size_t>(i)], *from = state + i * value_dim;
      for (int64_t j = 0; j < value_dim; ++j) to[j] += factor * from[j];
    }
  };
  for (int64_t t = 0; t < rows.count; ++t) {
    unit(rows.k + t * rows.k_stride, 1, key);
    unit(rows.q + t * rows.q_stride, 1 / std::sqrt(static_cast<float>(key_dim)), query);
    const float decay = std::exp(rate * rows.step[t * rows.step_stride]),
                beta = rows.beta[t * rows.beta_stride];
    for (int64_t i = 0; i < key_dim * value_dim; ++i) state[i] *= decay;
    product(key, change.data());
    const float* v = rows.v + t * rows.v_stride;
    for (int64_t j = 0; j < value_dim; ++j) {
      float& d = change[static_cast<size_t>(j)];
      d = beta * (v[j] - d);
    }
    for (int64_t i = 0; i < key_dim; ++i) {
      const float factor = key[static_cast<size_t>(i)];
      for (int64_t j = 0; j < value_dim; ++j)
        state[i * value_dim + j] += factor * change[static_cast<size_t>(j)];
    }
    product(query, rows.y + t * rows.y_stride);
  }
}

}  // namespace vecton::ops
