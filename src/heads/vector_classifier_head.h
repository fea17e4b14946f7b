// VectorClassifierHead: a cross-encoder whose pooled vector goes through Dense modules, the last of
// which gives its scores.
#pragma once

#include "heads/embedding_head.h"
#include "heads/head.h"
#include "heads/label_activation.h"

namespace vecton::heads {

class VectorClassifierHead final : public Head {
 public:
  VectorClassifierHead(EmbeddingHead scores, LabelActivation activation);

  void want(const HeadInput& input, tensor::Rows& wanted) const override {
    scores_.want(input, wanted);
  }
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;
  int64_t weight_bytes() const override { return scores_.weight_bytes(); }

 private:
  EmbeddingHead scores_;
  LabelActivation activation_;
};

}  // namespace vecton::heads
