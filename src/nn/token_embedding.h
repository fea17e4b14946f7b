// TokenEmbedding: what an encoder's first layer reads, a row for every token: words, types and
// positions, added as BERT adds them (Devlin et al. 2018, arXiv:1810.04805). Immutable after load.
#pragma once

#include <cstdint>
#include <optional>

#include "nn/forward_pass.h"

namespace vecton::nn {

struct TokenEmbedding {
  ops::PreparedWeight words, types, positions;  // types, positions: null = the model has none
  std::optional<int32_t> padding_id;            // positions start after it, as RoBERTa's do

  Tensor forward(const ForwardPass& pass) const;
};

}  // namespace vecton::nn
