#include "heads/causal_lm_head.h"

#include <utility>

namespace vecton::heads {

CausalLmHead::CausalLmHead(ops::LinearWeight rows, float scale, float softcap)
    : rows_(std::move(rows)), scale_(scale), softcap_(softcap) {}

Tensor CausalLmHead::logits(Ops& ops, const Tensor& hidden) const {
  Tensor x = ops.linear(hidden, rows_);
  if (scale_ != 1) x = ops.scale(std::move(x), scale_);
  return softcap_ == 0 ? x : ops.softcap(std::move(x), softcap_);
}

}  // namespace vecton::heads
