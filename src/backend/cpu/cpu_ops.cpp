#include "backend/cpu/cpu_ops.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "backend/cpu/scratch.h"
#include "base/memory_info.h"
#include "vecton/error.h"

namespace vecton {

namespace cpu {

// All workers together keep a small part of the machine's memory for their next passes.
static size_t most_free(int workers) {
  constexpr int64_t kPart = 32, kLeast = int64_t{4} << 20, kMost = int64_t{256} << 20;
  static const int64_t memory = base::total_memory();
  return static_cast<size_t>(std::clamp(memory / kPart / workers, kLeast, kMost));
}

CpuOps::CpuOps(base::ThreadPool& pool, Isa isa, FreeBlocks::Counter held)
    : pool_(pool),
      isa_(isa),
      held_(held ? std::move(held) : std::make_shared<std::atomic<int64_t>>(0)),
      arena_(most_free(pool.size()), held_),
      kept_(0) {}

void CpuOps::give_back_memory() {
  arena_.give_back();
  free_scratch();
}

Tensor CpuOps::allocate(int64_t rows, int64_t columns) {
  const int64_t stride = stride_of(columns);
  return {arena_.allocate(static_cast<size_t>(rows * stride)), rows, columns, stride};
}

Tensor CpuOps::allocate_kept(int64_t rows, int64_t columns) {
  const int64_t stride = stride_of(columns);
  return {kept_.allocate(static_cast<size_t>(rows * stride)), rows, columns, stride};
}

Tensor CpuOps::allocate_cache(int64_t rows, int64_t columns, tensor::DType dtype) {
  const int64_t stride = stride_of(columns, dtype);
  const int64_t floats = (rows * stride * tensor::size_of(dtype) + 3) / 4;
  return {kept_.allocate(static_cast<size_t>(floats)), rows, columns, stride, dtype};
}

Tensor CpuOps::upload(std::span<const float> values, int64_t rows, int64_t columns) {
  Tensor x = allocate(rows, columns);
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(values.data() + i * columns, columns, row(x, i));
  }
  return x;
}

// Not of the arena, which tells one pass from the next by being empty between them.
Tensor CpuOps::prepare_parameters(std::span<const float> values, int64_t rows, int64_t columns) {
  struct Memory final : host::FloatMemory {
    explicit Memory(size_t bytes)
        : FloatMemory(static_cast<float*>(std::aligned_alloc(64, bytes))) {
      if (!floats) throw std::bad_alloc();
    }
    ~Memory() override { std::free(floats); }
  };
  const int64_t stride = stride_of(columns);
  // 16 more: a kernel may load a vector past the end.
  const auto bytes = static_cast<size_t>(rows * stride + 16) * sizeof(float);
  const Tensor x(std::make_shared<Memory>((bytes + 63) / 64 * 64), rows, columns, stride);
  for (int64_t i = 0; i < rows; ++i) std::copy_n(values.data() + i * columns, columns, row(x, i));
  return x;
}

void CpuOps::download(const Tensor& x, std::span<float> values) {
  for (int64_t i = 0; i < x.rows(); ++i) {
    std::copy_n(row(x, i), x.columns(), values.data() + i * x.columns());
  }
}

std::vector<int32_t> CpuOps::download_indices(const tensor::Indices& indices) {
  const std::span<const int32_t> values = view(indices);
  return {values.begin(), values.end()};
}

Tensor CpuOps::gather_rows(const Tensor& x, const tensor::Indices& rows) {
  Tensor y = allocate(rows.size(), x.columns());
  const std::span<const int32_t> from = view(rows);
  for_rows(pool_, y.rows(), y.columns(),
           [&](int64_t i) { std::copy_n(row(x, from[i]), x.columns(), row(y, i)); });
  return y;
}

Tensor CpuOps::concat_columns(std::span<const Tensor> parts) {
  int64_t columns = 0;
  for (const Tensor& part : parts) columns += part.columns();
  Tensor y = allocate(parts.front().rows(), columns);
  for (int64_t i = 0; i < y.rows(); ++i) {
    float* out = row(y, i);
    for (const Tensor& part : parts) out = std::copy_n(row(part, i), part.columns(), out);
  }
  return y;
}

}  // namespace cpu

}  // namespace vecton

namespace vecton::backend {

std::vector<std::string> cpu_isas() {
  std::vector<std::string> names;
  for (cpu::Isa isa : cpu::supported_isas()) names.emplace_back(to_string(isa));
  return names;
}

std::unique_ptr<Ops> make_cpu_ops(base::ThreadPool& pool, std::string_view name) {
  const std::vector<cpu::Isa> isas = cpu::supported_isas();
  if (name.empty()) return std::make_unique<cpu::CpuOps>(pool, isas.back());
  std::string known;
  for (cpu::Isa isa : isas) {
    if (to_string(isa) == name) return std::make_unique<cpu::CpuOps>(pool, isa);
    known += (known.empty() ? "" : ", ") + std::string(to_string(isa));
  }
  throw Error(ErrorCode::kInvalidArgument,
              "instruction set \"" + std::string(name) + "\": this machine and build have " + known,
              "VECTON_CPU");
}

}  // namespace vecton::backend
