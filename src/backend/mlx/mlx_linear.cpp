// Linear layers and lookups.
#include "backend/host/dequantise.h"
#include "backend/mlx/mlx_ops.h"
#include "backend/mlx/mlx_weight.h"
#include "vecton/error.h"

namespace vecton::backend {

using Turn = MlxDevice::Turn;

namespace {

std::shared_ptr<MlxWeight> prepared(std::span<const tensor::Weight> parts, ops::Compute compute) {
  if (compute == ops::Compute::kInt8) {
    throw Error(ErrorCode::kUnsupported,
                "compute: the backend mlx multiplies in float32, bfloat16 or float16; int8 is of "
                "the backend cpu",
                "compute");
  }
  ops::check_compute(compute, parts);
  return std::make_shared<MlxWeight>(parts, compute);
}

}  // namespace

ops::PreparedWeight MlxOps::prepare_linear(std::span<const tensor::Weight> parts,
                                           ops::Compute compute) {
  const Turn turn(*device_);
  return prepared(parts, compute);
}

// One matrix, so that both are one product.
ops::PreparedWeight MlxOps::prepare_gated(const tensor::Weight& gate, const tensor::Weight& up,
                                          ops::Compute compute) {
  const Turn turn(*device_);
  const tensor::Weight parts[] = {gate, up};
  const std::shared_ptr<MlxWeight> both = prepared(parts, compute);
  both->n = gate.rows;
  return both;
}

ops::PreparedWeight MlxOps::prepare_table(const tensor::Weight& table) {
  return std::make_shared<MlxTable>(table);
}

// Rows of the file, which the processor reads where they are: a batch has few of them.
Tensor MlxOps::embed(std::span<const Lookup> lookups) {
  const auto rows = static_cast<size_t>(lookups.front().ids.size());
  const auto columns = static_cast<size_t>(lookups.front().table.k);
  std::vector<float> sums(rows * columns), row(columns);
  for (const Lookup& lookup : lookups) {
    const tensor::Weight& weight = static_cast<const MlxTable&>(lookup.table).weight;
    const std::span<const int32_t> ids = view(lookup.ids);
    const bool first = &lookup == &lookups.front();
    for (size_t i = 0; i < rows; ++i) {
      float* to = sums.data() + i * columns;
      host::dequantise_row(weight, ids[i], first ? to : row.data());
      for (size_t j = 0; !first && j < columns; ++j) to[j] += row[j];
    }
  }
  return upload(sums, static_cast<int64_t>(rows), static_cast<int64_t>(columns));
}

Tensor MlxOps::gated_linear(const Tensor& x, const ops::GatedWeight& gate_up, ops::Activation act) {
  if (x.rows() == 0) return allocate(0, gate_up.w->n);
  const Turn turn(*device_);
  mx::array y = static_cast<const MlxWeight&>(*gate_up.w).product(array_of(x));
  if (!gate_up.bias.empty()) y = mx::add(y, array_of(gate_up.bias));
  return tensor_of(gated(y, act));
}

Tensor MlxOps::linear(const Tensor& x, const ops::LinearWeight& w, ops::Activation act,
                      const Tensor* residual) {
  if (x.rows() == 0) return allocate(0, w.w->n);
  const Turn turn(*device_);
  mx::array y = static_cast<const MlxWeight&>(*w.w).product(array_of(x));
  if (!w.bias.empty()) y = mx::add(y, array_of(w.bias));
  y = activated(y, act);
  if (residual) y = mx::add(y, array_of(*residual));
  return tensor_of(y);
}

}  // namespace vecton::backend
