#include "nn/shifted_rows.h"

#include <cstdlib>
#include <memory>
#include <vector>

namespace vecton::nn {

namespace {

// Every sequence from its end to its beginning.
std::vector<int32_t> reversed(const Rows& rows) {
  std::vector<int32_t> order;
  for (size_t s = 0; s + 1 < rows.offsets.size(); ++s) {
    for (int32_t i = rows.offsets[s + 1]; i > rows.offsets[s]; --i) order.push_back(i - 1);
  }
  return order;
}

}  // namespace

Tensor shifted_rows(Ops& ops, const Tensor& x, int64_t by, const Rows& rows) {
  if (by == 0) return x;
  // A causal convolution that takes its oldest row as it is.
  const auto width = static_cast<size_t>(std::abs(by) + 1);
  std::vector<float> taps(static_cast<size_t>(x.columns()) * width);
  for (size_t i = 0; i < taps.size(); i += width) taps[i] = 1;
  const auto weight = std::make_shared<const std::vector<float>>(std::move(taps));
  if (by < 0) return ops.short_conv(x, weight, nullptr, rows);
  const std::vector<int32_t> order = reversed(rows);
  return ops.gather_rows(ops.short_conv(ops.gather_rows(x, order), weight, nullptr, rows), order);
}

}  // namespace vecton::nn
