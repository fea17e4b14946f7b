// embed, linear, gated_linear and the weights they take.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/embedding_table.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/pack.h"
#include "backend/cpu/scratch.h"
#include "backend/host/dequantise.h"
#include "backend/host/int8.h"
#include "ops/activation.h"
#include "vecton/error.h"

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
void for_segments(const ops::Prepared& weight, const F& f) {
  int64_t column = 0;
  for (const auto& segment : static_cast<const PackedStack&>(weight).segments) {
    f(*segment, column);
    column += segment->n;
  }
}

float* at(float* values, int64_t column) { return values ? values + column : nullptr; }

// A call's x as integers, and the memory that holds them.
struct Integers {
  IntegerRows rows{};
  std::shared_ptr<host::FloatMemory> memory;

  Integers(base::ThreadPool& pool, Arena& arena, const IntegerKernels& kernels,
           const LinearCall& call, int64_t count) {
    constexpr int64_t kTaskNumbers = 32 << 10;  // quantised by one task
    const PackedCodes& codes = call.w->codes;
    rows.row_bytes = 3 * codes.k;
    rows.row_groups = (codes.k + codes.group - 1) / codes.group;
    const auto bytes = static_cast<size_t>((count * rows.row_bytes + 15) / 16 * 16 +
                                           count * rows.row_groups *
                                               static_cast<int64_t>(sizeof(IntegerRows::Group)));
    memory = arena.allocate(bytes / sizeof(float) + 1);
    rows.planes = reinterpret_cast<int8_t*>(memory->floats);
    rows.groups = reinterpret_cast<IntegerRows::Group*>(rows.planes +
                                                        (count * rows.row_bytes + 15) / 16 * 16);
    const int64_t block =
        std::clamp<int64_t>(kTaskNumbers / std::max<int64_t>(1, codes.k), 1, count);
    pool.parallel_for((count + block - 1) / block, [&](int64_t i) {
      kernels.quantise(codes, call.x, call.x_stride, call.w->k, rows, i * block,
                       std::min(count, (i + 1) * block));
    });
  }
};

// A call's x as codes of int8, blocks of them or groups of the weight's grid, and the memory that
// holds them.
struct Int8Input {
  Int8Rows rows{};
  std::shared_ptr<host::FloatMemory> memory;

  Int8Input(base::ThreadPool& pool, Arena& arena, const Int8Kernels& kernels,
            const LinearCall& call, int64_t count) {
    constexpr int64_t kTaskNumbers = 32 << 10;  // rounded by one task
    const PackedCodes& codes = call.w->codes;
    const int64_t k = codes.k;
    rows.row_blocks = (k + codes.group - 1) / codes.group;
    rows.row_bytes = k * kernels.code_bytes;
    // Rows a large power of two apart would share a part of the first-level cache.
    if (rows.row_bytes % 1024 == 0) rows.row_bytes += host::kInt8Block;
    const auto bytes = static_cast<size_t>(
        count * (rows.row_bytes + rows.row_blocks * static_cast<int64_t>(sizeof(Int8Rows::Block))));
    memory = arena.allocate(bytes / sizeof(float));
    rows.codes = reinterpret_cast<int8_t*>(memory->floats);
    rows.blocks = reinterpret_cast<Int8Rows::Block*>(rows.codes + count * rows.row_bytes);
    const int64_t task = std::clamp<int64_t>(kTaskNumbers / k, 1, count);
    pool.parallel_for((count + task - 1) / task, [&](int64_t i) {
      const int64_t begin = i * task, end = std::min(count, (i + 1) * task);
      if (codes.turned) return kernels.to_int8(call.x, call.x_stride, call.w->k, rows, begin, end);
      kernels.to_grid(codes, call.x, call.x_stride, call.w->k, rows, begin, end);
    });
  }
};

// Cuts y into blocks of rows, whose x stays in the second-level cache, and groups of panels, and
// shares them over the pool. Each worker has a stretch of panels to itself: workers claim tasks in
// turn, so the tasks of one turn are those at the same place of all stretches, and what a kernel
// fetches ahead is what its worker does next.
void run(base::ThreadPool& pool, const LinearKernels& kernels, const LinearCall& call,
         int64_t rows) {
  const PackedMatrix& w = *call.w;
  if (rows == 0 || w.panels == 0) return;
  const int64_t row_bytes = call.int8
                                ? call.int8->row_bytes
                                : std::max<int64_t>(1, w.k) * static_cast<int64_t>(sizeof(float));
  const int64_t most_rows =
      std::max<int64_t>(4, block_bytes() / row_bytes / kernels.tile_rows) * kernels.tile_rows;
  const int64_t blocks = (rows + most_rows - 1) / most_rows;
  // Groups have as many panels as are multiplied at once, where there are enough of them.
  int64_t whole = call.int8 || call.integers ? 1 : kernels.panels_at_once(w, rows);
  if (w.panels < 2 * pool.size() * whole) whole = 1;
  const int64_t panels = w.panels / whole;
  int64_t groups = 1;
  if (pool.size() > 1) {
    const double work = std::max(2.0 * static_cast<double>(rows) * static_cast<double>(w.k * w.n),
                                 kWorkPerByte * static_cast<double>(w.bytes));
    const double task = std::clamp(work / (8.0 * pool.size()), kLeastWork, kMostWork);
    groups = std::clamp<int64_t>(static_cast<int64_t>(work / task) / blocks, 1, panels);
  }
  const int64_t stretches = std::min<int64_t>(pool.size(), groups);
  groups -= groups % stretches;
  const auto first_panel = [&](int64_t group) {
    return group == groups ? w.panels : panels * group / groups * whole;
  };
  pool.parallel_for(blocks * groups, [&](int64_t i) {
    const int64_t block = i / groups, turn = i % groups;
    const int64_t group = turn % stretches * (groups / stretches) + turn / stretches;
    kernels.linear(call, rows * block / blocks, rows * (block + 1) / blocks, first_panel(group),
                   first_panel(group + 1));
  });
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

// x of a call as it is multiplied.
Tensor CpuOps::rounded(const LinearCall& call, int64_t rows) {
  constexpr int64_t kTaskNumbers = 32 << 10;  // rounded by one task
  const PackedMatrix& w = *call.w;
  const LinearKernels& kernels = linear_kernels(isa_);
  Tensor x = allocate(rows, w.steps());
  const int64_t block = std::clamp<int64_t>(kTaskNumbers / std::max<int64_t>(1, w.k), 1, rows);
  pool_.parallel_for((rows + block - 1) / block, [&](int64_t i) {
    kernels.round(w, call.x, call.x_stride, data(x), x.stride(), i * block,
                  std::min(rows, (i + 1) * block));
  });
  return x;
}

void CpuOps::multiply_rows(LinearCall call, int64_t rows) {
  if (rows > 0 && call.w->compute == ops::Compute::kBFloat16) {
    const Tensor x = rounded(call, rows);
    call.x = data(x);
    call.x_stride = x.stride();
    return run(pool_, linear_kernels(isa_), call, rows);
  }
  if (rows > 0 && call.w->compute == ops::Compute::kInt8) {
    const Int8Kernels& kernels = int8_kernels(isa_);
    const Int8Input input(pool_, arena_, kernels, call, rows);
    call.int8 = &input.rows;
    call.int8_kernels = &kernels;
    return run(pool_, linear_kernels(isa_), call, rows);
  }
  if (rows == 0 || !call.w->codes.integers) return run(pool_, linear_kernels(isa_), call, rows);
  const Integers integers(pool_, arena_, *integer_kernels(isa_), call, rows);
  call.integers = &integers.rows;
  run(pool_, linear_kernels(isa_), call, rows);
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
  for_segments(*w.w, [&](const PackedMatrix& segment, int64_t column) {
    multiply_rows(
        {&segment, data(x), x.stride(), data(y) + column, y.stride(), at(data(w.bias), column),
         residual ? data(*residual) + column : nullptr, residual ? residual->stride() : 0, act},
        x.rows());
  });
  return y;
}

// Gate and up lie in matrices of their own where their forms differ.
Tensor CpuOps::gated_by_halves(const Tensor& x, const PackedStack& halves, const ops::Vector& bias,
                               ops::Activation act) {
  Tensor ys[2];
  for (int i = 0; i < 2; ++i) {
    ys[i] = allocate(x.rows(), halves.n);
    multiply_rows(
        {halves.segments[i].get(), data(x), x.stride(), data(ys[i]), ys[i].stride(),
         at(data(bias), i * halves.n), nullptr, 0, i == 0 ? act : ops::Activation::kIdentity},
        x.rows());
  }
  return multiply(std::move(ys[0]), ys[1]);
}

Tensor CpuOps::gated_linear(const Tensor& x, const ops::GatedWeight& gate_up, ops::Activation act) {
  const auto& stack = static_cast<const PackedStack&>(*gate_up.w);
  if (stack.segments.size() == 2) return gated_by_halves(x, stack, gate_up.bias, act);
  Tensor y = allocate(x.rows(), gate_up.w->n);
  for_segments(*gate_up.w, [&](const PackedMatrix& matrix, int64_t) {
    multiply_rows(
        {&matrix, data(x), x.stride(), data(y), y.stride(), data(gate_up.bias), nullptr, 0, act},
        x.rows());
  });
  return y;
}

}  // namespace vecton::cpu
