// The gated delta rule on the host: right everywhere, slow where the host is far.
#include <algorithm>

#include "ops/delta_rule.h"
#include "ops/downloaded.h"
#include "ops/ops.h"

namespace vecton::ops {

Ops::Delta Ops::gated_delta(const DeltaInput& in, const DeltaShape& shape,
                            const tensor::SequenceRows& rows, const Tensor& before) {
  const std::vector<float> q = downloaded(*this, in.q), k = downloaded(*this, in.k),
                           v = downloaded(*this, in.v), step = downloaded(*this, in.step),
                           beta = downloaded(*this, in.beta), rate = downloaded(*this, in.rate);
  const std::vector<int32_t> offsets = download_indices(rows.offsets);
  const int64_t size = shape.key_dim * shape.value_dim, heads = shape.value_heads;
  std::vector<float> y(v.size()),
      states = before.empty()
                   ? std::vector<float>(static_cast<size_t>(rows.sequences * heads * size))
                   : downloaded(*this, before);
  for (int64_t s = 0; s < rows.sequences; ++s) {
    const int64_t first = offsets[static_cast<size_t>(s)];
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t key = shape.key_head(h) * shape.key_dim, value = h * shape.value_dim;
      delta_rule({.q = q.data() + first * in.q.columns() + key,
                  .k = k.data() + first * in.k.columns() + key,
                  .v = v.data() + first * in.v.columns() + value,
                  .step = step.data() + first * heads + h,
                  .beta = beta.data() + first * heads + h,
                  .y = y.data() + first * in.v.columns() + value,
                  .q_stride = in.q.columns(),
                  .k_stride = in.k.columns(),
                  .v_stride = in.v.columns(),
                  .step_stride = heads,
                  .beta_stride = heads,
                  .y_stride = in.v.columns(),
                  .count = offsets[static_cast<size_t>(s) + 1] - first},
                 shape.key_dim, shape.value_dim, rate[static_cast<size_t>(h)],
                 states.data() + (s * heads + h) * size);
    }
  }
  return {.y = upload(y, in.v.rows(), in.v.columns()),
          .state = upload(states, rows.sequences, heads * size)};
}

}  // namespace vecton::ops
