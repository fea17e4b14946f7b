// CausalLmHead: hidden rows to logits of the next token. Immutable after load, thread-safe.
#pragma once

#include "ops/ops.h"

namespace vecton::heads {

class CausalLmHead {
 public:
  // `scale` and `softcap`: HeadWeights' of logits.
  CausalLmHead(ops::LinearWeight rows, float scale, float softcap);

  // [rows, vocabulary]
  Tensor logits(Ops& ops, const Tensor& hidden) const;

 private:
  ops::LinearWeight rows_;
  float scale_, softcap_;
};

}  // namespace vecton::heads
