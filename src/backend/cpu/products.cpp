#include "backend/cpu/products.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "backend/host/host_memory.h"
#include "backend/host/int8.h"
#include "tensor/tensor.h"

namespace vecton::cpu {

namespace {

// Of a task, in operations: a shorter one costs more than it shares, a longer one leaves the last
// worker alone for too long. A byte of weights takes as long as some five operations.
constexpr double kLeastWork = 0.75e6, kMostWork = 8e6, kWorkPerByte = 5;

constexpr int64_t kLineFloats = 16;  // of a line of the caches

// Of x: half of a core's second-level cache.
int64_t block_bytes() {
  static const int64_t bytes =
      std::clamp<int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE) / 2, 256 << 10, 1 << 20);
  return bytes;
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Calls f(product, i) for each task i of every product, tasks of one after those of another.
template <class Count, class F>
void for_tasks(base::ThreadPool& pool, std::span<Product> products, const Count& count,
               const F& f) {
  int64_t tasks = 0;
  for (Product& product : products) {
    product.first_task = tasks;
    tasks += count(product);
  }
  pool.parallel_for(tasks, [&](int64_t i) {
    const Product& product = *(std::ranges::upper_bound(products, i, {}, &Product::first_task) - 1);
    f(product, i - product.first_task);
  });
}

// ---------------------------------------------------------------- x

void choose_input(Product& product, Isa isa) {
  const PackedMatrix& w = *product.call.w;
  if (w.compute == ops::Compute::kBFloat16) product.input = BFloat16Input(product.call, isa);
  if (w.compute == ops::Compute::kInt8) product.input = Int8Input(product.call, isa);
  if (w.codes.integers) product.input = IntegerInput(product.call, isa);
}

// f(input), where x has another form than floats.
template <class P, class F>
void with_input(P& product, const F& f) {
  std::visit(
      [&](auto& input) {
        if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(input)>, std::monostate>)
          f(input);
      },
      product.input);
}

// Gives every call its x in the form that its weight takes; what is returned holds it.
std::shared_ptr<host::FloatMemory> convert(base::ThreadPool& pool, Arena& arena, Isa isa,
                                           std::span<Product> products) {
  constexpr int64_t kTaskNumbers = 32 << 10;  // converted by one task
  int64_t floats = 0;
  const auto floats_of = [](const auto& input, int64_t rows) {
    return ceil_div(rows * input.row_floats(), kLineFloats) * kLineFloats;
  };
  for (Product& product : products) {
    choose_input(product, isa);
    with_input(product, [&](auto& input) { floats += floats_of(input, product.rows); });
  }
  if (floats == 0) return nullptr;
  auto memory = arena.allocate(static_cast<size_t>(floats));
  float* at = memory->floats;
  for (Product& product : products) {
    with_input(product, [&](auto& input) {
      input.place(at, product.rows);
      at += floats_of(input, product.rows);
    });
  }
  const auto block_of = [](const Product& product) {
    return std::max<int64_t>(1, kTaskNumbers / std::max<int64_t>(1, product.call.w->k));
  };
  const auto blocks_of = [&](const Product& product) {
    return product.input.index() == 0 ? 0 : ceil_div(product.rows, block_of(product));
  };
  for_tasks(pool, products, blocks_of, [&](const Product& product, int64_t i) {
    const int64_t block = block_of(product);
    with_input(product, [&](auto& input) {
      input.convert(product.call, i * block, std::min(product.rows, (i + 1) * block));
    });
  });
  for (Product& product : products)
    with_input(product, [&](auto& input) { input.give(product.call); });
  return memory;
}

// ---------------------------------------------------------------- y

// In operations, or what takes as long.
double work_of(const Product& product) {
  const PackedMatrix& w = *product.call.w;
  return std::max(2.0 * static_cast<double>(product.rows) * static_cast<double>(w.k * w.n),
                  kWorkPerByte * static_cast<double>(w.bytes));
}

// Blocks of rows, whose x stays in the second-level cache.
int64_t row_blocks(const LinearKernels& kernels, const Product& product) {
  const LinearCall& call = product.call;
  const int64_t row_bytes =
      call.int8 ? call.int8->row_bytes
                : std::max<int64_t>(1, call.w->k) * static_cast<int64_t>(sizeof(float));
  const int64_t most_rows =
      std::max<int64_t>(4, block_bytes() / row_bytes / kernels.tile_rows) * kernels.tile_rows;
  return ceil_div(product.rows, most_rows);
}

// Cuts a product's panels into groups, which have as many as are multiplied at once, where there
// are enough of them.
void cut(const LinearKernels& kernels, int workers, double task_work, Product& product) {
  const LinearCall& call = product.call;
  const PackedMatrix& w = *call.w;
  product.groups = 0;
  product.blocks = row_blocks(kernels, product);
  if (product.rows == 0 || w.panels == 0) return;
  product.panels_at_once = call.int8 || call.integers ? 1 : kernels.panels_at_once(w, product.rows);
  if (w.panels < 2 * workers * product.panels_at_once) product.panels_at_once = 1;
  product.groups = 1;
  if (workers > 1) {
    const auto tasks = static_cast<int64_t>(work_of(product) / task_work);
    product.groups =
        std::clamp<int64_t>(tasks / product.blocks, 1, w.panels / product.panels_at_once);
  }
  product.groups -= product.groups % std::min<int64_t>(workers, product.groups);
}

}  // namespace

// ---------------------------------------------------------------- forms of x

BFloat16Input::BFloat16Input(const LinearCall& call, Isa isa)
    : kernels(&linear_kernels(isa)), stride(stride_of(call.w->steps())) {}

void BFloat16Input::place(float* memory, int64_t) { words = memory; }

void BFloat16Input::convert(const LinearCall& call, int64_t begin, int64_t end) const {
  kernels->round(*call.w, call.x, call.x_stride, words, stride, begin, end);
}

void BFloat16Input::give(LinearCall& call) const {
  call.x = words;
  call.x_stride = stride;
}

Int8Input::Int8Input(const LinearCall& call, Isa isa) : kernels(&int8_kernels(isa)) {
  const PackedCodes& codes = call.w->codes;
  rows.row_blocks = ceil_div(codes.k, codes.group);
  rows.row_bytes = codes.k * kernels->code_bytes;
  // Rows a large power of two apart would share a part of the first-level cache.
  if (rows.row_bytes % 1024 == 0) rows.row_bytes += host::kInt8Block;
}

int64_t Int8Input::row_floats() const {
  return ceil_div(rows.row_bytes + rows.row_blocks * static_cast<int64_t>(sizeof(Int8Rows::Block)),
                  sizeof(float));
}

void Int8Input::place(float* memory, int64_t count) {
  rows.codes = reinterpret_cast<int8_t*>(memory);
  rows.blocks = reinterpret_cast<Int8Rows::Block*>(rows.codes + count * rows.row_bytes);
}

void Int8Input::convert(const LinearCall& call, int64_t begin, int64_t end) const {
  const PackedCodes& codes = call.w->codes;
  if (codes.turned) {
    kernels->to_int8(call.x, call.x_stride, call.w->k, rows, begin, end);
  } else {
    kernels->to_grid(codes, call.x, call.x_stride, call.w->k, rows, begin, end);
  }
}

void Int8Input::give(LinearCall& call) const {
  call.int8 = &rows;
  call.int8_kernels = kernels;
}

IntegerInput::IntegerInput(const LinearCall& call, Isa isa) : kernels(integer_kernels(isa)) {
  const PackedCodes& codes = call.w->codes;
  rows.row_bytes = 3 * codes.k;
  rows.row_groups = ceil_div(codes.k, codes.group);
}

// Of k there are whole sixteens.
int64_t IntegerInput::row_floats() const {
  return (rows.row_bytes + rows.row_groups * static_cast<int64_t>(sizeof(IntegerRows::Group))) /
         static_cast<int64_t>(sizeof(float));
}

void IntegerInput::place(float* memory, int64_t count) {
  rows.planes = reinterpret_cast<int8_t*>(memory);
  rows.groups = reinterpret_cast<IntegerRows::Group*>(rows.planes + count * rows.row_bytes);
}

void IntegerInput::convert(const LinearCall& call, int64_t begin, int64_t end) const {
  kernels->quantise(call.w->codes, call.x, call.x_stride, call.w->k, rows, begin, end);
}

void IntegerInput::give(LinearCall& call) const { call.integers = &rows; }

// A worker goes through a stretch of the tasks in their order, so that what a kernel fetches ahead
// is what its worker does next.
void multiply_all(base::ThreadPool& pool, Arena& arena, Isa isa, std::span<Product> products) {
  const auto memory = convert(pool, arena, isa, products);
  const LinearKernels& kernels = linear_kernels(isa);
  double work = 0;
  for (const Product& product : products) work += work_of(product);
  const double task_work = std::clamp(work / (8.0 * pool.size()), kLeastWork, kMostWork);
  for (Product& product : products) cut(kernels, pool.size(), task_work, product);
  const auto tasks_of = [](const Product& product) { return product.blocks * product.groups; };
  for_tasks(pool, products, tasks_of, [&](const Product& product, int64_t i) {
    const PackedMatrix& w = *product.call.w;
    const int64_t groups = product.groups, blocks = product.blocks, rows = product.rows;
    const int64_t block = i / groups, group = i % groups, whole = product.panels_at_once;
    const auto first_panel = [&](int64_t g) {
      return g == groups ? w.panels : w.panels / whole * g / groups * whole;
    };
    kernels.linear(product.call, rows * block / blocks, rows * (block + 1) / blocks,
                   first_panel(group), first_panel(group + 1));
  });
}

}  // namespace vecton::cpu
