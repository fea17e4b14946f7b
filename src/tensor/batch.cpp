#include "tensor/batch.h"

#include <algorithm>

namespace vecton {

int64_t Rows::longest() const {
  return index.empty() ? 0 : *std::max_element(index.begin(), index.end()) + 1;
}

std::vector<int32_t> wanted_positions(const Batch& batch) {
  std::vector<int32_t> positions;
  positions.reserve(batch.wanted.index.size());
  for (int64_t s = 0; s < batch.sequences(); ++s) {
    for (int32_t r = batch.wanted.offsets[s]; r < batch.wanted.offsets[s + 1]; ++r) {
      positions.push_back(batch.rows.offsets[s] + batch.wanted.index[r]);
    }
  }
  return positions;
}

}  // namespace vecton
