// Late interaction: documents are shared out over the workers.
#include <algorithm>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/max_sim_kernels.h"
#include "backend/cpu/scratch.h"

namespace vecton::cpu {

Tensor CpuOps::max_sim(const Tensor& q, const Tensor& d, const tensor::Indices& bounds) {
  const std::span<const int32_t> offsets = view(bounds);
  const MaxSimKernels& kernels = max_sim_kernels(isa_);
  const auto documents = static_cast<int64_t>(offsets.size()) - 1;
  const int64_t m = q.rows(), n = q.columns();
  const int64_t lanes = (m + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
  const Tensor packed = allocate(1, n * lanes), y = allocate(1, documents);
  kernels.pack(data(q), q.stride(), m, n, data(packed));

  // Items are of about as many rows, whatever documents they cut.
  const int64_t rows = offsets.back() - offsets.front();
  const int64_t items =
      std::clamp<int64_t>(rows * n * lanes / kProductsPerItem, 1, std::max<int64_t>(1, documents));
  const auto first_of = [&](int64_t item) {
    const int64_t row = offsets.front() + item * rows / items;
    return std::lower_bound(offsets.begin(), offsets.end() - 1, row) - offsets.begin();
  };
  pool_.parallel_for(items, [&](int64_t item) {
    const int64_t end = item + 1 == items ? documents : first_of(item + 1);
    float* maxima = scratch(lanes);
    for (int64_t i = item == 0 ? 0 : first_of(item); i < end; ++i) {
      row(y, 0)[i] = kernels.max_sim(data(packed), m, n, row(d, offsets[i]), d.stride(),
                                     offsets[i + 1] - offsets[i], maxima);
    }
  });
  return y;
}

}  // namespace vecton::cpu
