#include "nn/token_indices.h"

#include <cstddef>

namespace vecton::nn {

std::vector<int32_t> positions_after_padding(const tensor::Batch& batch, int32_t padding_id) {
  std::vector<int32_t> positions(batch.ids.size(), padding_id);
  for (size_t s = 0; s + 1 < batch.rows.offsets.size(); ++s) {
    int32_t count = 0;
    const auto begin = static_cast<size_t>(batch.rows.offsets[s]),
               end = static_cast<size_t>(batch.rows.offsets[s + 1]);
    for (size_t i = begin; i < end; ++i) {
      if (batch.ids[i] != padding_id) positions[i] += ++count;
    }
  }
  return positions;
}

std::vector<int32_t> type_rows(const tensor::Batch& batch, int64_t types) {
  if (types <= 1 || batch.type_ids.empty()) return std::vector<int32_t>(batch.ids.size());
  return batch.type_ids;
}

}  // namespace vecton::nn
