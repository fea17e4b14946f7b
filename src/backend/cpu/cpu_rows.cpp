// Operations on single rows and pooling.
#include <algorithm>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/row_kernels.h"

namespace vecton::cpu {

namespace {

// Calls f(row) for all rows, on idle workers too where there is enough to do: waking one costs as
// much as some ten thousand floats.
template <class F>
void for_rows(ThreadPool& pool, int64_t rows, int64_t columns, const F& f) {
  constexpr int64_t kFloatsPerItem = 16384;
  const int64_t step = std::max<int64_t>(1, kFloatsPerItem / std::max<int64_t>(1, columns));
  pool.parallel_for((rows + step - 1) / step, [&](int64_t i) {
    for (int64_t row = i * step; row < std::min(rows, (i + 1) * step); ++row) f(row);
  });
}

}  // namespace

Tensor CpuOps::norm(Tensor x, const NormWeight& w) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  const RowKernels& kernels = row_kernels(isa_);
  const auto kernel =
      w.kind == NormWeight::Kind::kLayerNorm ? kernels.layer_norm : kernels.rms_norm;
  const auto group = static_cast<int64_t>(w.weight->size());
  const float* bias = w.bias ? w.bias->data() : nullptr;
  for_rows(pool_, x.rows(), x.columns(), [&](int64_t row) {
    for (int64_t i = 0; i < x.columns(); i += group) {
      kernel(x.row(row) + i, group, w.weight->data(), bias, w.eps, y.row(row) + i);
    }
  });
  return y;
}

Tensor CpuOps::rope(Tensor x, int64_t head_dim, std::span<const int32_t> positions,
                    const RopeTable& table) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  const RowKernels& kernels = row_kernels(isa_);
  const int64_t half = table.rotary_dim / 2;
  for_rows(pool_, x.rows(), x.columns(), [&](int64_t row) {
    const float* cos = table.cos.data() + positions[row] * half;
    const float* sin = table.sin.data() + positions[row] * half;
    for (int64_t i = 0; i < x.columns(); i += head_dim) {
      const float* from = x.row(row) + i;
      float* to = y.row(row) + i;
      kernels.rotate(from, half, cos, sin, to);
      if (from != to) std::copy(from + 2 * half, from + head_dim, to + 2 * half);
    }
  });
  return y;
}

Tensor CpuOps::pool(const Tensor& x, Pooling how, const Rows& rows) {
  Tensor y = allocate(rows.sequences(), x.columns());
  const RowKernels& kernels = row_kernels(isa_);
  for (int64_t s = 0; s < y.rows(); ++s) {
    const int32_t first = rows.offsets[s], count = rows.offsets[s + 1] - first;
    kernels.pool(x.row(first), x.stride(), count, x.columns(), how, rows.index.data() + first,
                 y.row(s));
  }
  return y;
}

Tensor CpuOps::l2_normalize(Tensor x) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  for (int64_t i = 0; i < x.rows(); ++i) {
    row_kernels(isa_).l2_normalize(x.row(i), x.columns(), y.row(i));
  }
  return y;
}

}  // namespace vecton::cpu
