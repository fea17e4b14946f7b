#include "heads/token_choice_head.h"

#include <cmath>
#include <utility>

namespace vecton {

TokenChoiceHead::TokenChoiceHead(std::vector<LinearWeight> rows, float softcap,
                                 LabelActivation activation)
    : rows_(std::move(rows)), softcap_(softcap), activation_(std::move(activation)) {}

// Of one token, for every sequence.
std::vector<float> TokenChoiceHead::logits(Ops& ops, const Tensor& hidden,
                                           const LinearWeight& row) const {
  std::vector<float> values = to_answer(ops, ops.linear(hidden, row)).values;
  if (softcap_ > 0) {
    for (float& x : values) x = softcap_ * std::tanh(x / softcap_);
  }
  return values;
}

void TokenChoiceHead::want(const HeadInput& input, Rows& wanted) const {
  wanted.index.push_back(static_cast<int32_t>(input.ids.size()) - 1);
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

std::vector<HeadAnswer> TokenChoiceHead::answer(Ops& ops, const Tensor& hidden,
                                                const Rows& /*rows*/,
                                                std::span<const HeadInput> inputs) const {
  const std::vector<float> first = logits(ops, hidden, rows_.front());
  std::vector<float> second;
  if (rows_.size() == 2) second = logits(ops, hidden, rows_.back());
  std::vector<HeadAnswer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    HeadAnswer answer{.rows = 1, .columns = 1};
    answer.logit = rows_.size() == 2 ? second[s] - first[s] : first[s];
    answer.values = {answer.logit};
    if (inputs[s].activation) activation_.apply(answer.values);
    answers.push_back(std::move(answer));
  }
  return answers;
}

}  // namespace vecton
