// TokenChoiceHead: a score from a generative model's logits at the last token: of one token, or of
// two ("no" and "yes"), whose difference is the logit of a softmax over both.
#pragma once

#include <vector>

#include "heads/head.h"
#include "heads/label_activation.h"

namespace vecton::heads {

class TokenChoiceHead final : public Head {
 public:
  // `rows`: the rows of lm_head of the tokens, one or two (no, yes). `scale` and `softcap`:
  // HeadWeights' of logits.
  TokenChoiceHead(std::vector<ops::LinearWeight> rows, float scale, float softcap,
                  LabelActivation activation);
  void want(const HeadInput& input, tensor::Rows& wanted) const override;
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;

 private:
  Tensor logits(Ops& ops, const Tensor& hidden, const ops::LinearWeight& row) const;

  std::vector<ops::LinearWeight> rows_;
  float scale_, softcap_;
  LabelActivation activation_;
};

}  // namespace vecton::heads
