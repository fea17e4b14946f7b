// embed, linear, gated_linear and the weights they take.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/embedding_table.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/pack.h"
#include "backend/cpu/scratch.h"
#include "ops/activation.h"

namespace vecton::cpu {

namespace {

// Of a task, in operations: a shorter one costs more than it shares, a longer one leaves the last
// worker alone for too long. A byte of weights takes as long as some five operations.
constexpr double kLeastWork = 0.75e6, kMostWork = 8e6, kWorkPerByte = 5;

// Of x: half of a core's second-level cache.
int64_t block_bytes() {
  static const int64_t bytes =
      std::clamp<int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE) / 2, 256 << 10, 1 << 20);
  return bytes;
}

// From each segment to the columns of y that are its own.
template <class F>
void for_segments(const Prepared& weight, const F& f) {
  int64_t column = 0;
  for (const auto& segment : static_cast<const PackedStack&>(weight).segments) {
    f(*segment, column);
    column += segment->n;
  }
}

float* at(float* values, int64_t column) { return values ? values + column : nullptr; }

// Cuts y into blocks of rows, whose x stays in the second-level cache, and groups of panels, and
// shares them over the pool. Each worker has a stretch of panels to itself: workers claim tasks in
// turn, so the tasks of one turn are those at the same place of all stretches, and what a kernel
// fetches ahead is what its worker does next.
void run(ThreadPool& pool, const LinearKernels& kernels, const LinearCall& call, int64_t rows) {
  const PackedMatrix& w = *call.w;
  if (rows == 0 || w.panels == 0) return;
  const int64_t row_bytes = std::max<int64_t>(1, w.k) * static_cast<int64_t>(sizeof(float));
  const int64_t most_rows =
      std::max<int64_t>(4, block_bytes() / row_bytes / kernels.tile_rows) * kernels.tile_rows;
  const int64_t blocks = (rows + most_rows - 1) / most_rows;
  int64_t groups = 1;
  if (pool.size() > 1) {
    const double work = std::max(2.0 * static_cast<double>(rows) * static_cast<double>(w.k * w.n),
                                 kWorkPerByte * static_cast<double>(w.bytes));
    const double task = std::clamp(work / (8.0 * pool.size()), kLeastWork, kMostWork);
    groups = std::clamp<int64_t>(static_cast<int64_t>(work / task) / blocks, 1, w.panels);
  }
  const int64_t stretches = std::min<int64_t>(pool.size(), groups);
  groups -= groups % stretches;
  pool.parallel_for(blocks * groups, [&](int64_t i) {
    const int64_t block = i / groups, turn = i % groups;
    const int64_t group = turn % stretches * (groups / stretches) + turn / stretches;
    kernels.linear(call, rows * block / blocks, rows * (block + 1) / blocks,
                   w.panels * group / groups, w.panels * (group + 1) / groups);
  });
}

}  // namespace

PreparedWeight CpuOps::prepare_linear(std::span<const Weight> parts) {
  auto made = std::make_shared<PackedStack>();
  for (size_t begin = 0, end; begin < parts.size(); begin = end) {
    end = begin + 1;
    while (end < parts.size() && parts[end].codes.dtype == parts[begin].codes.dtype) ++end;
    made->add(
        pack(pool_, panels_, parts.subspan(begin, end - begin), false, linear_kernels(isa_).lanes));
  }
  return made;
}

PreparedWeight CpuOps::prepare_gated(const Weight& gate, const Weight& up) {
  const Weight parts[] = {gate, up};
  auto made = std::make_shared<PackedStack>();
  made->add(pack(pool_, panels_, parts, true, linear_kernels(isa_).lanes));
  return made;
}

PreparedWeight CpuOps::prepare_table(const Weight& table) {
  check_dense(table);
  return tables_.add(table);
}

// Rows begin .. end of y from a table whose rows lie in panels.
static void embed_from_panels(const LinearKernels& kernels, const EmbeddingTable& table,
                              const EmbedCall& call, int64_t begin, int64_t end) {
  constexpr int32_t kFirst = 0;
  std::byte* row = reinterpret_cast<std::byte*>(scratch(table.k));
  Table one;
  one.n = 1;
  one.k = table.k;
  one.dtype = table.panels->dtype;
  one.rows = {row, static_cast<size_t>(table.k * size_of(one.dtype))};
  for (int64_t i = begin; i < end; ++i) {
    table.unpack(call.ids[i], row);
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
      if (table.panels) {
        embed_from_panels(kernels, table, call, begin, end);
      } else {
        kernels.embed(call, begin, end);
      }
    }
  });
  return y;
}

Tensor CpuOps::linear(const Tensor& x, const LinearWeight& w, Activation act,
                      const Tensor* residual) {
  if (!is_common(act)) {
    Tensor y = activate(linear(x, w, Activation::kIdentity, nullptr), act);
    return residual ? add(std::move(y), *residual) : y;
  }
  Tensor y = allocate(x.rows(), w.w->n);
  for_segments(*w.w, [&](const PackedMatrix& segment, int64_t column) {
    run(pool_, linear_kernels(isa_),
        {&segment, data(x), x.stride(), data(y) + column, y.stride(), at(data(w.bias), column),
         residual ? data(*residual) + column : nullptr, residual ? residual->stride() : 0, act},
        x.rows());
  });
  return y;
}

Tensor CpuOps::gated_linear(const Tensor& x, const GatedWeight& gate_up, Activation act) {
  Tensor y = allocate(x.rows(), gate_up.w->n);
  for_segments(*gate_up.w, [&](const PackedMatrix& matrix, int64_t) {
    run(pool_, linear_kernels(isa_),
        {&matrix, data(x), x.stride(), data(y), y.stride(), data(gate_up.bias), nullptr, 0, act},
        x.rows());
  });
  return y;
}

}  // namespace vecton::cpu
