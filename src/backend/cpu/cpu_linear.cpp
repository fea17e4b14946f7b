// embed, linear, gated_linear and the weights they take.
#include <algorithm>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/pack.h"

namespace vecton::cpu {

namespace {

constexpr int64_t kBlockBytes = 256 << 10;  // of x: half of a small second-level cache
constexpr int64_t kTaskFlops = 1 << 20;     // a task shorter than this costs more than it shares

const PackedMatrix& matrix(const Prepared& weight) {
  return static_cast<const PackedMatrix&>(weight);
}

// Cuts y into blocks of rows (whose x stays in the second-level cache) and groups of panels, and
// shares them over the pool.
void run(ThreadPool& pool, const LinearKernels& kernels, const LinearCall& call, int64_t rows) {
  const PackedMatrix& w = *call.w;
  if (rows == 0 || w.panels == 0) return;
  const int64_t l2_rows =
      kBlockBytes / static_cast<int64_t>(sizeof(float)) / std::max<int64_t>(1, w.k);
  const int64_t block_rows =
      std::max(4 * kernels.tile_rows, l2_rows / kernels.tile_rows * kernels.tile_rows);
  const int64_t blocks = (rows + block_rows - 1) / block_rows;
  const int64_t per_panel = 2 * (rows / blocks) * w.k * w.width;
  const int64_t wanted =
      pool.size() == 1 ? 1 : std::max<int64_t>(1, (8 * pool.size() + blocks - 1) / blocks);
  const int64_t least = std::max<int64_t>(1, kTaskFlops / std::max<int64_t>(1, per_panel));
  const int64_t group =
      std::clamp((w.panels + wanted - 1) / wanted, std::min(least, w.panels), w.panels);
  const int64_t groups = (w.panels + group - 1) / group;
  pool.parallel_for(blocks * groups, [&](int64_t i) {
    const int64_t block = i / groups, first = i % groups * group;
    kernels.linear(call, rows * block / blocks, rows * (block + 1) / blocks, first,
                   std::min(w.panels, first + group));
  });
}

}  // namespace

PreparedWeight CpuOps::prepare_linear(std::span<const Weight> parts) {
  return pack(pool_, panels_, parts, false, linear_kernels(isa_).lanes);
}

PreparedWeight CpuOps::prepare_gated(const Weight& gate, const Weight& up) {
  const Weight parts[] = {gate, up};
  return pack(pool_, panels_, parts, true, linear_kernels(isa_).lanes);
}

PreparedWeight CpuOps::prepare_table(const Weight& table) {
  check_float(table);
  auto made = std::make_shared<Table>();
  made->n = table.rows;
  made->k = table.columns;
  made->bytes = table.rows * table.columns * size_of(table.dtype);
  made->dtype = table.dtype;
  made->rows = table.bytes;
  made->keep = table.keep;
  return made;
}

Tensor CpuOps::embed(std::span<const Lookup> lookups) {
  const auto rows = static_cast<int64_t>(lookups.front().ids.size());
  const int64_t columns = lookups.front().table.k;
  const LinearKernels& kernels = linear_kernels(isa_);
  Tensor y = allocate(rows, columns);
  const int64_t block = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, columns));
  pool_.parallel_for((rows + block - 1) / block, [&](int64_t i) {
    for (const Lookup& lookup : lookups) {
      kernels.embed({static_cast<const Table*>(&lookup.table), lookup.ids.data(), y.data(),
                     y.stride(), &lookup != lookups.data()},
                    i * block, std::min(rows, (i + 1) * block));
    }
  });
  return y;
}

Tensor CpuOps::linear(const Tensor& x, const LinearWeight& w, Activation act,
                      const Tensor* residual) {
  Tensor y = allocate(x.rows(), w.w->n);
  run(pool_, linear_kernels(isa_),
      {&matrix(*w.w), x.data(), x.stride(), y.data(), y.stride(), w.bias ? w.bias->data() : nullptr,
       residual ? residual->data() : nullptr, residual ? residual->stride() : 0, act},
      x.rows());
  return y;
}

Tensor CpuOps::gated_linear(const Tensor& x, const Prepared& gate_up, Activation act) {
  Tensor y = allocate(x.rows(), gate_up.n);
  run(pool_, linear_kernels(isa_),
      {&matrix(gate_up), x.data(), x.stride(), y.data(), y.stride(), nullptr, nullptr, 0, act},
      x.rows());
  return y;
}

}  // namespace vecton::cpu
