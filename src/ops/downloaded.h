// Numbers of a tensor for the compositions of ops.h that go on where they choose rows.
#pragma once

#include <vector>

#include "ops/ops.h"

namespace vecton::ops {

// Row by row, as float32. Waits for the device.
inline std::vector<float> downloaded(Ops& ops, const Tensor& x) {
  std::vector<float> values(static_cast<size_t>(x.rows() * x.columns()));
  if (!values.empty()) ops.download(x, values);
  return values;
}

}  // namespace vecton::ops
