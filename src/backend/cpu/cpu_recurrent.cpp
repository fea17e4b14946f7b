// Recurrent layers: a value head of a sequence is computed by one worker.
#include <algorithm>

#include "backend/cpu/cpu_ops.h"
#include "ops/delta_rule.h"

namespace vecton::cpu {

CpuOps::Delta CpuOps::gated_delta(const ops::DeltaInput& in, const ops::DeltaShape& shape,
                                  const tensor::SequenceRows& rows, const Tensor& before) {
  const int64_t size = shape.key_dim * shape.value_dim, heads = shape.value_heads;
  const Tensor y = allocate(in.v.rows(), in.v.columns()),
               state = allocate(rows.sequences, heads * size);
  const std::span<const int32_t> offsets = view(rows.offsets);
  pool_.parallel_for(rows.sequences * heads, [&](int64_t i) {
    const int64_t s = i / heads, h = i % heads, first = offsets[s];
    const int64_t key = shape.key_head(h) * shape.key_dim, value = h * shape.value_dim;
    float* own = row(state, s) + h * size;
    if (before.empty()) {
      std::fill_n(own, size, 0.0f);
    } else {
      std::copy_n(row(before, s) + h * size, size, own);
    }
    ops::delta_rule({.q = row(in.q, first) + key,
                     .k = row(in.k, first) + key,
                     .v = row(in.v, first) + value,
                     .step = row(in.step, first) + h,
                     .beta = row(in.beta, first) + h,
                     .y = row(y, first) + value,
                     .q_stride = in.q.stride(),
                     .k_stride = in.k.stride(),
                     .v_stride = in.v.stride(),
                     .step_stride = in.step.stride(),
                     .beta_stride = in.beta.stride(),
                     .y_stride = y.stride(),
                     .count = offsets[s + 1] - first},
                    shape.key_dim, shape.value_dim, data(in.rate)[h], own);
  });
  return {.y = y, .state = state};
}

}  // namespace vecton::cpu
