#include "heads/vector_classifier_head.h"

#include <utility>

namespace vecton::heads {

static bool is_score(const Tensor& logits) { return logits.rows() == 1 && logits.columns() == 1; }

VectorClassifierHead::VectorClassifierHead(EmbeddingHead scores, LabelActivation activation)
    : scores_(std::move(scores)), activation_(std::move(activation)) {}

std::vector<Answer> VectorClassifierHead::answer(Ops& ops, const Tensor& hidden,
                                                 const tensor::Rows& rows,
                                                 std::span<const HeadInput> inputs) const {
  std::vector<Tensor> values = scores_.vectors(ops, hidden, rows, inputs);
  std::vector<Tensor> scores;  // the logits of answers of one number
  for (size_t s = 0; s < inputs.size(); ++s) {
    Tensor logits = activation_.calibrate(ops, std::move(values[s]));
    if (is_score(logits)) scores.push_back(logits);
    values[s] = wants_activation(inputs[s]) ? activation_.apply(ops, std::move(logits)) : logits;
  }
  values.insert(values.end(), scores.begin(), scores.end());
  std::vector<Matrix> read = read_all(ops, values);
  std::vector<Answer> answers;
  size_t score = inputs.size();
  for (size_t s = 0; s < inputs.size(); ++s) {
    const float logit = is_score(values[s]) ? read[score++].values.front() : 0;
    answers.push_back(labels_or_score(inputs[s], std::move(read[s]), logit));
  }
  return answers;
}

}  // namespace vecton::heads
