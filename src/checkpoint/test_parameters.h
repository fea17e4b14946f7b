// Parameters for tests of blocks and heads: matrices written out, or of numbers that a reference
// computes alike. Included by *_test.cpp only.
#pragma once

#include <gmock/gmock.h>

#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "ops/ops.h"

namespace vecton::testing {

// sin(step), sin(2 step), ...: tests/golden/make/nn_blocks.py has the same.
inline std::vector<float> sines(int64_t count, double step) {
  std::vector<float> values;
  for (int64_t i = 1; i <= count; ++i)
    values.push_back(static_cast<float>(std::sin(step * static_cast<double>(i))));
  return values;
}

inline tensor::Weight weight_of(std::vector<float> values, int64_t rows, int64_t columns) {
  auto kept = std::make_shared<const std::vector<float>>(std::move(values));
  tensor::Weight weight;
  weight.name = "test";
  weight.rows = rows;
  weight.columns = columns;
  weight.codes.bytes = std::as_bytes(std::span(*kept));
  weight.keep = kept;
  return weight;
}

inline ops::Vector vector_of(Ops& ops, const std::vector<float>& values) {
  return ops.prepare_parameters(values, 1, static_cast<int64_t>(values.size()));
}

// W [rows, columns], row by row; `bias` may be empty.
inline ops::LinearWeight linear_of(Ops& ops, int64_t rows, int64_t columns,
                                   std::vector<float> values, const std::vector<float>& bias = {}) {
  const tensor::Weight weight = weight_of(std::move(values), rows, columns);
  ops::LinearWeight linear{.w = ops.prepare_linear({&weight, 1}), .bias = {}};
  if (!bias.empty()) linear.bias = vector_of(ops, bias);
  return linear;
}

inline ops::PreparedWeight table_of(Ops& ops, int64_t rows, int64_t columns,
                                    std::vector<float> values) {
  return ops.prepare_table(weight_of(std::move(values), rows, columns));
}

inline ops::NormWeight norm_of(Ops& ops, ops::NormWeight::Kind kind,
                               const std::vector<float>& weight, const std::vector<float>& bias,
                               float eps) {
  ops::NormWeight norm{.kind = kind, .weight = vector_of(ops, weight), .bias = {}, .eps = eps};
  if (!bias.empty()) norm.bias = vector_of(ops, bias);
  return norm;
}

// Every number within `tolerance` of the expected one.
inline ::testing::Matcher<const std::vector<float>&> near(std::vector<float> expected,
                                                          float tolerance = 1e-6f) {
  return ::testing::Pointwise(::testing::FloatNear(tolerance), std::move(expected));
}

}  // namespace vecton::testing
