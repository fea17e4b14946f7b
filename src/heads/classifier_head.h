// ClassifierHead: hidden rows to logits of labels, of a whole sequence or of each of its tokens;
// then, where it is asked for, to probabilities. Scores are classes of one label. Masked language
// models are classifiers of tokens whose labels are the vocabulary.
#pragma once

#include <optional>
#include <vector>

#include "checkpoint/head_weights.h"
#include "heads/head.h"
#include "heads/label_activation.h"

namespace vecton::heads {

class ClassifierHead final : public Head {
 public:
  // Of answers per token: only tokens with this id have one (vLLM's STEP pooling), and only these
  // columns are kept.
  struct Step {
    std::optional<int32_t> tag;
    std::vector<int32_t> columns;
  };

  ClassifierHead(checkpoint::HeadWeights weights, LabelActivation activation, Step step = {});

  void want(const HeadInput& input, tensor::Rows& wanted) const override;
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;

 private:
  // Logits as an answer gives them: activated where `activated`, and the columns that are kept.
  Tensor finish(Ops& ops, Tensor logits, bool activated, const tensor::Indices& columns) const;

  std::vector<Answer> answer_sequences(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                       std::span<const HeadInput> inputs,
                                       const tensor::Indices& columns) const;
  std::vector<Answer> answer_tokens(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                    std::span<const HeadInput> inputs,
                                    const tensor::Indices& columns) const;

  checkpoint::HeadWeights weights_;
  LabelActivation activation_;
  Step step_;
};

// The layers of a head over `x`, a row each.
Tensor run_steps(Ops& ops, const checkpoint::HeadWeights& weights, Tensor x);

}  // namespace vecton::heads
