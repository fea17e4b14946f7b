#include "tensor/batch.h"

#include <algorithm>

namespace vecton::tensor {

int64_t Rows::longest() const {
  return index.empty() ? 0 : *std::max_element(index.begin(), index.end()) + 1;
}

std::vector<int32_t> wanted_positions(const Batch& batch) {
  std::vector<int32_t> positions;
  positions.reserve(batch.wanted.index.size());
  for (int64_t s = 0; s < batch.sequences(); ++s) {
    const int32_t first = batch.rows.offsets[s], begin = batch.rows.index[first];
    for (int32_t r = batch.wanted.offsets[s]; r < batch.wanted.offsets[s + 1]; ++r) {
      positions.push_back(first + batch.wanted.index[r] - begin);
    }
  }
  return positions;
}

}  // namespace vecton::tensor
