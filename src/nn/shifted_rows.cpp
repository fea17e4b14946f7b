#include "nn/shifted_rows.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace vecton::nn {

namespace {

// Every sequence from its end to its beginning.
std::vector<int32_t> reversed(const tensor::Rows& rows) {
  std::vector<int32_t> order;
  for (size_t s = 0; s + 1 < rows.offsets.size(); ++s) {
    for (int32_t i = rows.offsets[s + 1]; i > rows.offsets[s]; --i) order.push_back(i - 1);
  }
  return order;
}

}  // namespace

Tensor shifted_rows(const ForwardPass& pass, const Tensor& x, int64_t by) {
  if (by == 0) return x;
  Ops& ops = pass.ops;
  // A causal convolution that takes its oldest row as it is.
  const auto width = std::abs(by) + 1;
  std::vector<float> values(static_cast<size_t>(x.columns() * width));
  std::fill_n(values.begin(), x.columns(), 1.0f);
  const Tensor taps = ops.upload(values, width, x.columns());
  if (by < 0) return ops.short_conv(x, taps, {}, pass.rows);
  const tensor::Indices order = ops.upload_indices(reversed(pass.batch.rows));
  return ops.gather_rows(ops.short_conv(ops.gather_rows(x, order), taps, {}, pass.rows), order);
}

}  // namespace vecton::nn
