// FillMaskHead: the likeliest tokens in place of every mask token, with their probabilities.
#pragma once

#include "checkpoint/head_weights.h"
#include "heads/head.h"

namespace vecton::heads {

class FillMaskHead final : public Head {
 public:
  FillMaskHead(checkpoint::HeadWeights weights, int32_t mask_id);
  void want(const HeadInput& input, tensor::Rows& wanted) const override;
  // A row per mask: top_k tokens, likeliest first, ties by id; of `targets` only, where there are
  // some.
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;

 private:
  checkpoint::HeadWeights weights_;
  int32_t mask_id_;
};

}  // namespace vecton::heads
