// embed, linear, gated_linear and the weights they take.
#include <algorithm>
#include <utility>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/embedding_table.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/pack.h"
#include "backend/cpu/products.h"
#include "backend/cpu/scratch.h"
#include "backend/host/dequantise.h"
#include "backend/host/int8.h"
#include "ops/activation.h"
#include "vecton/error.h"

namespace vecton::cpu {

namespace {

// From each segment to the columns of y that are its own.
template <class F>
void for_segments(const ops::Prepared& weight, const F& f) {
  int64_t column = 0;
  for (const auto& segment : static_cast<const PackedStack&>(weight).segments) {
    f(*segment, column);
    column += segment->n;
  }
}

float* at(float* values, int64_t column) { return values ? values + column : nullptr; }

// One segment's part of y.
LinearCall call_of(const PackedMatrix& segment, int64_t column, const Tensor& x, const Tensor& y,
                   const ops::Vector& bias, ops::Activation act, const Tensor* residual = nullptr) {
  return {&segment,
          data(x),
          x.stride(),
          data(y) + column,
          y.stride(),
          at(data(bias), column),
          residual ? data(*residual) + column : nullptr,
          residual ? residual->stride() : 0,
          act};
}

// Of rows of x and y, group by group.
template <class W>
std::vector<Product> products_of(const Tensor& x, const Tensor& y,
                                 std::span<const ops::RowsOf<W>> groups, ops::Activation act,
                                 const Tensor* residual = nullptr) {
  std::vector<Product> products;
  int64_t first = 0;
  for (const ops::RowsOf<W>& group : groups) {
    const Tensor from = x.slice_rows(first, group.rows), to = y.slice_rows(first, group.rows);
    for_segments(*group.weight->w, [&](const PackedMatrix& segment, int64_t column) {
      products.push_back(
          {call_of(segment, column, from, to, group.weight->bias, act, residual), group.rows});
    });
    first += group.rows;
  }
  return products;
}

}  // namespace

// Floats with scales have no kernel of their own: they become float32.
static tensor::Weight without_scales(const tensor::Weight& weight) {
  host::check_weight(weight);
  if (weight.is_dense() || weight.codes.kind != tensor::Codes::Kind::kFloat) return weight;
  auto values = std::make_shared<std::vector<float>>(weight.rows * weight.columns);
  for (int64_t i = 0; i < weight.rows; ++i)
    host::dequantise_row(weight, i, values->data() + i * weight.columns);
  tensor::Weight made;
  made.name = weight.name;
  made.rows = weight.rows;
  made.columns = weight.columns;
  made.codes.bytes = std::as_bytes(std::span(*values));
  made.keep = std::move(values);
  made.release = weight.release;
  return made;
}

// May they lie in one matrix, whatever is done to them?
static bool lie_together(const tensor::Weight& a, const tensor::Weight& b, ops::Compute compute) {
  if (compute == ops::Compute::kFloat32) return same_form(a, b);
  if (compute == ops::Compute::kBFloat16) return true;
  return host::has_grid(a) ? same_form(a, b) : !host::has_grid(b);
}

static void check_has(ops::Compute compute) {
  if (compute != ops::Compute::kFloat16) return;
  throw Error(ErrorCode::kUnsupported,
              "compute: the backend cpu multiplies in float32, bfloat16 or int8; float16 is of the "
              "backend mlx",
              "compute");
}

ops::PreparedWeight CpuOps::prepare_linear(std::span<const tensor::Weight> given,
                                           ops::Compute compute) {
  check_has(compute);
  ops::check_compute(compute, given);
  const bool exact = compute == ops::Compute::kFloat32;
  std::vector<tensor::Weight> weights;
  for (const tensor::Weight& weight : given) weights.push_back(without_scales(weight));
  const std::span<const tensor::Weight> parts = weights;
  auto made = std::make_shared<PackedStack>();
  for (size_t begin = 0, end; begin < parts.size(); begin = end) {
    end = begin + 1;
    while (end < parts.size() && lie_together(parts[begin], parts[end], compute)) ++end;
    made->add(packed(parts.subspan(begin, end - begin), false, compute));
  }
  if (parts.size() == 1 && exact) tables_.tie(parts.front(), made->segments.front());
  return made;
}

ops::PreparedWeight CpuOps::prepare_gated(const tensor::Weight& gate, const tensor::Weight& up,
                                          ops::Compute compute) {
  check_has(compute);
  ops::check_compute(compute, {&gate, 1});
  ops::check_compute(compute, {&up, 1});
  const tensor::Weight parts[] = {without_scales(gate), without_scales(up)};
  auto made = std::make_shared<PackedStack>();
  if (lie_together(parts[0], parts[1], compute) || (parts[0].is_dense() && parts[1].is_dense())) {
    made->add(packed(parts, true, compute));
    return made;
  }
  for (const tensor::Weight& part : parts) made->add(packed({&part, 1}, false, compute));
  made->n = gate.rows;
  return made;
}

ops::PreparedWeight CpuOps::prepare_table(const tensor::Weight& table) {
  host::check_weight(table);
  return tables_.add(table);
}

// Rows begin .. end of y from a table whose rows are in panels, or codes.
static void embed_one_by_one(const LinearKernels& kernels, const EmbeddingTable& table,
                             const EmbedCall& call, int64_t begin, int64_t end) {
  constexpr int32_t kFirst = 0;
  std::byte* row = reinterpret_cast<std::byte*>(scratch(table.k));
  Table one;
  one.n = 1;
  one.k = table.k;
  one.dtype = table.row_dtype();
  one.rows = {row, static_cast<size_t>(table.k * tensor::size_of(one.dtype))};
  for (int64_t i = begin; i < end; ++i) {
    table.read_row(call.ids[i], row);
    kernels.embed({&one, &kFirst, call.y + i * call.y_stride, call.y_stride, call.add}, 0, 1);
  }
}

Tensor CpuOps::embed(std::span<const Lookup> lookups) {
  const int64_t rows = lookups.front().ids.size();
  const int64_t columns = lookups.front().table.k;
  const LinearKernels& kernels = linear_kernels(isa_);
  Tensor y = allocate(rows, columns);
  const int64_t block = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, columns));
  pool_.parallel_for((rows + block - 1) / block, [&](int64_t i) {
    const int64_t begin = i * block, end = std::min(rows, (i + 1) * block);
    for (const Lookup& lookup : lookups) {
      const auto& table = static_cast<const EmbeddingTable&>(lookup.table);
      const EmbedCall call{&table.file, view(lookup.ids).data(), data(y), y.stride(),
                           &lookup != lookups.data()};
      if (table.is_plain()) {
        kernels.embed(call, begin, end);
      } else {
        embed_one_by_one(kernels, table, call, begin, end);
      }
    }
  });
  return y;
}

void CpuOps::multiply_all(std::vector<Product> products) {
  cpu::multiply_all(pool_, arena_, isa_, products);
}

// A form of codes is multiplied by one arithmetic on a machine, whatever the number of rows.
std::shared_ptr<const PackedMatrix> CpuOps::packed(std::span<const tensor::Weight> parts,
                                                   bool gated, ops::Compute compute) {
  const int products = compute == ops::Compute::kBFloat16 ? bfloat16_products(isa_) : 0;
  const PanelForm form{gated, compute, products >= 1, products == 2};
  auto made = pack(pool_, panels_, parts, form, linear_kernels(isa_).lanes);
  PackedCodes& codes = made->codes;
  codes.integers = codes.exists() && compute == ops::Compute::kFloat32 && codes.whole &&
                   codes.zero >= 0 && codes.zero <= 255 && integer_kernels(isa_) != nullptr;
  return made;
}

Tensor CpuOps::linear(const Tensor& x, const ops::LinearWeight& w, ops::Activation act,
                      const Tensor* residual) {
  if (!ops::is_common(act)) {
    Tensor y = activate(linear(x, w, ops::Activation::kIdentity, nullptr), act);
    return residual ? add(std::move(y), *residual) : y;
  }
  Tensor y = allocate(x.rows(), w.w->n);
  const ops::RowsOf<ops::LinearWeight> all{&w, x.rows()};
  multiply_all(products_of(x, y, std::span(&all, 1), act, residual));
  return y;
}

// Gate and up lie in matrices of their own where their forms differ.
Tensor CpuOps::gated_by_halves(const Tensor& x, const PackedStack& halves, const ops::Vector& bias,
                               ops::Activation act) {
  Tensor ys[2];
  std::vector<Product> products;
  for (int i = 0; i < 2; ++i) {
    ys[i] = allocate(x.rows(), halves.n);
    LinearCall call =
        call_of(*halves.segments[i], 0, x, ys[i], {}, i == 0 ? act : ops::Activation::kIdentity);
    call.bias = at(data(bias), i * halves.n);
    products.push_back({call, x.rows()});
  }
  multiply_all(std::move(products));
  return multiply(std::move(ys[0]), ys[1]);
}

Tensor CpuOps::gated_linear(const Tensor& x, const ops::GatedWeight& gate_up, ops::Activation act) {
  const auto& stack = static_cast<const PackedStack&>(*gate_up.w);
  if (stack.segments.size() == 2) return gated_by_halves(x, stack, gate_up.bias, act);
  const ops::RowsOf<ops::GatedWeight> all{&gate_up, x.rows()};
  return grouped_gated_linear(x, std::span(&all, 1), act);
}

Tensor CpuOps::grouped_linear(const Tensor& x,
                              std::span<const ops::RowsOf<ops::LinearWeight>> groups,
                              ops::Activation act) {
  if (!ops::is_common(act))
    return activate(grouped_linear(x, groups, ops::Activation::kIdentity), act);
  Tensor y = allocate(x.rows(), groups.front().weight->w->n);
  multiply_all(products_of(x, y, groups, act));
  return y;
}

Tensor CpuOps::grouped_gated_linear(const Tensor& x,
                                    std::span<const ops::RowsOf<ops::GatedWeight>> groups,
                                    ops::Activation act) {
  const bool by_halves = std::ranges::any_of(groups, [](const auto& group) {
    return static_cast<const PackedStack&>(*group.weight->w).segments.size() == 2;
  });
  if (by_halves) return Ops::grouped_gated_linear(x, groups, act);
  Tensor y = allocate(x.rows(), groups.front().weight->w->n);
  multiply_all(products_of(x, y, groups, act));
  return y;
}

}  // namespace vecton::cpu
