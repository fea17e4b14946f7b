// Rows times weights, several such products in one call: x in the form that a weight is multiplied
// with, then tasks of rows and panels, shared over a pool.
//
// Called by cpu_linear.cpp. A product's bits do not depend on the others, nor on the pool.
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "backend/cpu/arena.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/linear_kernels.h"
#include "base/thread_pool.h"

namespace vecton::cpu {

// x rounded to bfloat16, for weights of ops::Compute::kBFloat16.
struct BFloat16Input {
  const LinearKernels* kernels;
  float* words = nullptr;
  int64_t stride;

  BFloat16Input(const LinearCall& call, Isa isa);
  int64_t row_floats() const { return stride; }
  void place(float* memory, int64_t rows);
  void convert(const LinearCall& call, int64_t begin, int64_t end) const;
  void give(LinearCall& call) const;
};

// x as codes of int8, blocks of them or groups of the weight's grid, for ops::Compute::kInt8.
struct Int8Input {
  const Int8Kernels* kernels;
  Int8Rows rows{};

  Int8Input(const LinearCall& call, Isa isa);
  int64_t row_floats() const;
  void place(float* memory, int64_t rows);
  void convert(const LinearCall& call, int64_t begin, int64_t end) const;
  void give(LinearCall& call) const;
};

// x as integers of 24 bits, for codes that are multiplied as integers.
struct IntegerInput {
  const IntegerKernels* kernels;
  IntegerRows rows{};

  IntegerInput(const LinearCall& call, Isa isa);
  int64_t row_floats() const;
  void place(float* memory, int64_t rows);
  void convert(const LinearCall& call, int64_t begin, int64_t end) const;
  void give(LinearCall& call) const;
};

struct Product {
  LinearCall call;
  int64_t rows;  // of call.x and call.y

  // What multiply_all() keeps here.
  std::variant<std::monostate, BFloat16Input, Int8Input, IntegerInput> input{};
  int64_t first_task = 0, blocks = 0, groups = 0, panels_at_once = 0;
};

void multiply_all(base::ThreadPool& pool, Arena& arena, Isa isa, std::span<Product> products);

}  // namespace vecton::cpu
