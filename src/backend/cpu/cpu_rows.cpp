// Operations on single rows and pooling.
#include <algorithm>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/narrow_kernels.h"
#include "backend/cpu/row_kernels.h"
#include "ops/activation.h"
#include "ops/host_rows.h"

namespace vecton::cpu {

Tensor CpuOps::norm(Tensor x, const ops::NormWeight& w) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  const RowKernels& kernels = row_kernels(isa_);
  const auto kernel =
      w.kind == ops::NormWeight::Kind::kLayerNorm ? kernels.layer_norm : kernels.rms_norm;
  const int64_t group = w.weight.columns();
  const float *weight = data(w.weight), *bias = data(w.bias);
  for_rows(pool_, x.rows(), x.columns(), [&](int64_t r) {
    for (int64_t i = 0; i < x.columns(); i += group) {
      kernel(row(x, r) + i, group, weight, bias, w.eps, row(y, r) + i);
    }
  });
  return y;
}

Tensor CpuOps::rope(Tensor x, int64_t head_dim, const tensor::Indices& positions,
                    const ops::RopeTable& table) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  const RowKernels& kernels = row_kernels(isa_);
  const int64_t half = table.rotary_dim() / 2;
  const std::span<const int32_t> at = view(positions);
  for_rows(pool_, x.rows(), x.columns(), [&](int64_t r) {
    const float *cos = row(table.cos, at[r]), *sin = row(table.sin, at[r]);
    for (int64_t i = 0; i < x.columns(); i += head_dim) {
      const float* from = row(x, r) + i;
      float* to = row(y, r) + i;
      kernels.rotate(from, half, cos, sin, to);
      if (from != to) std::copy(from + 2 * half, from + head_dim, to + 2 * half);
    }
  });
  return y;
}

Tensor CpuOps::add(Tensor a, const Tensor& b) {
  const Tensor y = a.unique() ? a : allocate(a.rows(), a.columns());
  const RowKernels& kernels = row_kernels(isa_);
  for_rows(pool_, a.rows(), a.columns(),
           [&](int64_t r) { kernels.add(row(a, r), row(b, r), a.columns(), row(y, r)); });
  return y;
}

Tensor CpuOps::multiply(Tensor a, const Tensor& b) {
  const Tensor y = a.unique() ? a : allocate(a.rows(), a.columns());
  const RowKernels& kernels = row_kernels(isa_);
  for_rows(pool_, a.rows(), a.columns(),
           [&](int64_t r) { kernels.multiply(row(a, r), row(b, r), a.columns(), row(y, r)); });
  return y;
}

Tensor CpuOps::scale(Tensor x, float factor) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  const RowKernels& kernels = row_kernels(isa_);
  for_rows(pool_, x.rows(), x.columns(),
           [&](int64_t r) { kernels.scale(row(x, r), factor, x.columns(), row(y, r)); });
  return y;
}

Tensor CpuOps::activate(Tensor x, ops::Activation act) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  const RowKernels& kernels = row_kernels(isa_);
  for_rows(pool_, x.rows(), x.columns(), [&](int64_t r) {
    const float* from = row(x, r);
    if (ops::is_common(act)) return kernels.activate(from, act, x.columns(), row(y, r));
    std::transform(from, from + x.columns(), row(y, r),
                   [&](float v) { return static_cast<float>(ops::activation_value(act, v)); });
  });
  return y;
}

Tensor CpuOps::weighted_rows(const Tensor& parts, const Tensor& weights) {
  const Tensor y = allocate(weights.rows(), parts.columns());
  const int64_t k = weights.columns(), columns = parts.columns();
  for_rows(pool_, y.rows(), columns * k, [&](int64_t r) {
    float* to = row(y, r);
    for (int64_t i = 0; i < k; ++i) {
      const float weight = row(weights, r)[i], *part = row(parts, r * k + i);
      for (int64_t j = 0; j < columns; ++j)
        to[j] = i == 0 ? weight * part[j] : to[j] + weight * part[j];
    }
  });
  return y;
}

Tensor CpuOps::clamped_swiglu(const Tensor& gate, const Tensor& up, float alpha, float limit) {
  const Tensor y = allocate(gate.rows(), gate.columns());
  for_rows(pool_, y.rows(), y.columns(), [&](int64_t r) {
    const float *g = row(gate, r), *u = row(up, r);
    std::transform(g, g + y.columns(), u, row(y, r),
                   [=](float a, float b) { return ops::clamped_swiglu(a, b, alpha, limit); });
  });
  return y;
}

Tensor CpuOps::short_conv(const Tensor& x, const Tensor& taps, const ops::Vector& bias,
                          const tensor::SequenceRows& rows) {
  const Tensor y = allocate(x.rows(), x.columns());
  const int64_t columns = x.columns(), width = taps.rows();
  const std::span<const int32_t> offsets = view(rows.offsets);
  const RowKernels& kernels = row_kernels(isa_);
  for_rows(pool_, rows.count, columns * width, [&](int64_t r) {
    // Steps before its sequence are left out.
    const auto next = std::upper_bound(offsets.begin(), offsets.end(), r);
    const int64_t inside = std::min(width, r - *(next - 1) + 1);
    kernels.short_conv(row(x, r), x.stride(), row(taps, width - inside), taps.stride(), inside,
                       data(bias), columns, row(y, r));
  });
  return y;
}

void CpuOps::store_rows(const Tensor& x, const tensor::Indices& from, const Tensor& into,
                        const tensor::Indices& to) {
  const std::span<const int32_t> rows = view(from), places = view(to);
  for_rows(pool_, from.size(), x.columns(), [&](int64_t i) {
    if (into.dtype() == tensor::DType::kF32) {
      std::copy_n(row(x, rows[i]), x.columns(), row(into, places[i]));
    } else {
      narrow_kernels(isa_).narrow(row(x, rows[i]), into.dtype(), x.columns(),
                                  host::stored_row(into, places[i]));
    }
  });
}

Tensor CpuOps::round_to(Tensor x, tensor::DType dtype) {
  if (dtype == tensor::DType::kF32) return x;
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  for_rows(pool_, x.rows(), x.columns(), [&](int64_t r) {
    narrow_kernels(isa_).round(row(x, r), dtype, x.columns(), row(y, r));
  });
  return y;
}

Tensor CpuOps::pool(const Tensor& x, ops::Pooling how, const tensor::SequenceRows& rows) {
  Tensor y = allocate(rows.sequences, x.columns());
  const std::span<const int32_t> offsets = view(rows.offsets), positions = view(rows.index);
  const RowKernels& kernels = row_kernels(isa_);
  for (int64_t s = 0; s < y.rows(); ++s) {
    const int32_t first = offsets[s], count = offsets[s + 1] - first;
    kernels.pool(row(x, first), x.stride(), count, x.columns(), how, positions.data() + first,
                 row(y, s));
  }
  return y;
}

Tensor CpuOps::l2_normalize(Tensor x) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  for (int64_t i = 0; i < x.rows(); ++i) {
    row_kernels(isa_).l2_normalize(row(x, i), x.columns(), row(y, i));
  }
  return y;
}

// In place where x is given for good, else in a copy.
template <class F>
Tensor CpuOps::change_rows(Tensor x, const F& change) {
  const Tensor y = x.unique() ? x : allocate(x.rows(), x.columns());
  for (int64_t i = 0; i < x.rows(); ++i) {
    if (row(x, i) != row(y, i)) std::copy_n(row(x, i), x.columns(), row(y, i));
    change(std::span(row(y, i), static_cast<size_t>(x.columns())));
  }
  return y;
}

Tensor CpuOps::softmax(Tensor x) { return change_rows(std::move(x), ops::softmax_row); }

Tensor CpuOps::sigmoid(Tensor x) { return change_rows(std::move(x), ops::sigmoid_row); }

}  // namespace vecton::cpu
