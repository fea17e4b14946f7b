#include "nn/token_embedding.h"

#include <vector>

#include "nn/token_indices.h"

namespace vecton::nn {

Tensor TokenEmbedding::forward(const ForwardPass& pass) const {
  Ops& ops = pass.ops;
  std::vector<Ops::Lookup> lookups = {{*words, pass.ids}};
  if (types) lookups.push_back({*types, ops.upload_indices(type_rows(pass.batch, types->n))});
  if (positions) {
    lookups.push_back({*positions, padding_id ? ops.upload_indices(positions_after_padding(
                                                    pass.batch, *padding_id))
                                              : pass.rows.index});
  }
  return ops.embed(lookups);
}

}  // namespace vecton::nn
