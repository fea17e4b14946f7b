#include "nn/token_embedding.h"

#include <vector>

#include "nn/token_indices.h"

namespace vecton::nn {

Tensor TokenEmbedding::forward(Ops& ops, const Batch& batch) const {
  std::vector<Ops::Lookup> lookups = {{*words, batch.ids}};
  std::vector<int32_t> type_of, position_of;
  if (types) {
    type_of = type_rows(batch, types->n);
    lookups.push_back({*types, type_of});
  }
  if (positions) {
    position_of = padding_id ? positions_after_padding(batch, *padding_id) : batch.rows.index;
    lookups.push_back({*positions, position_of});
  }
  return ops.embed(lookups);
}

}  // namespace vecton::nn
