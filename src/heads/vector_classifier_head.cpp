#include "heads/vector_classifier_head.h"

#include <utility>

namespace vecton {

VectorClassifierHead::VectorClassifierHead(EmbeddingHead scores, LabelActivation activation)
    : scores_(std::move(scores)), activation_(std::move(activation)) {}

std::vector<HeadAnswer> VectorClassifierHead::answer(Ops& ops, const Tensor& hidden,
                                                     const Rows& rows,
                                                     std::span<const HeadInput> inputs) const {
  std::vector<HeadInput> plain(inputs.begin(), inputs.end());
  for (HeadInput& input : plain) input.activation = false;
  std::vector<HeadAnswer> answers = scores_.answer(ops, hidden, rows, plain);
  for (size_t s = 0; s < inputs.size(); ++s) {
    activation_.calibrate(answers[s].values);
    if (answers[s].values.size() == 1) answers[s].logit = answers[s].values.front();
    if (inputs[s].activation) activation_.apply(answers[s].values);
  }
  return answers;
}

}  // namespace vecton
