// Model: a family's forward pass over one packed batch. Immutable after load, thread-safe, ignorant
// of tasks.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/ops.h"
#include "tensor/batch.h"

namespace vecton {

// What the engine must know of a model before and after its weights are read.
struct ModelShape {
  int64_t layers = 0, hidden = 0, vocab = 0, max_positions = 0;
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t token_types = 0;  // rows of their table; with 0 or 1 the types of tokens change nothing
  bool causal = false;
  std::vector<int64_t> windows;  // AttentionShape::window of each layer; empty = none has one
  // Of causal models: whether the keys and values of a prefix stand for it, whatever follows. Not
  // so with recurrent layers, or where rotations depend on the length of the whole sequence.
  bool cacheable = true;
  float logit_softcap = 0;  // logits of the next token become c tanh(logit / c); 0 = they stay
};

class Model {
 public:
  virtual ~Model() = default;

  // Hidden states after the last norm of the wanted rows, [batch.wanted.count(), hidden]. The last
  // layer computes keys and values of every row and all else of the wanted rows only. Ids,
  // types and positions are in range, every sequence has a row.
  virtual Tensor forward(Ops& ops, const Batch& batch) const = 0;
};

}  // namespace vecton
