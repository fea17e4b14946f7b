#include "heads/token_choice_head.h"

#include <utility>

namespace vecton::heads {

TokenChoiceHead::TokenChoiceHead(std::vector<ops::LinearWeight> rows, float scale, float softcap,
                                 LabelActivation activation)
    : rows_(std::move(rows)),
      scale_(scale),
      softcap_(softcap),
      activation_(std::move(activation)) {}

// Of one token, for every sequence.
Tensor TokenChoiceHead::logits(Ops& ops, const Tensor& hidden, const ops::LinearWeight& row) const {
  Tensor x = ops.linear(hidden, row);
  if (scale_ != 1) x = ops.scale(std::move(x), scale_);
  return ops.softcap(std::move(x), softcap_);
}

void TokenChoiceHead::want(const HeadInput& input, tensor::Rows& wanted) const {
  wanted.index.push_back(static_cast<int32_t>(input.work->ids.size()) - 1);
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

std::vector<Answer> TokenChoiceHead::answer(Ops& ops, const Tensor& hidden,
                                            const tensor::Rows& /*rows*/,
                                            std::span<const HeadInput> inputs) const {
  Tensor logit = logits(ops, hidden, rows_.front());
  if (rows_.size() == 2)
    logit = ops.add(ops.scale(std::move(logit), -1), logits(ops, hidden, rows_.back()));
  logit = activation_.calibrate(ops, std::move(logit));
  const Tensor both[] = {logit, activation_.apply(ops, logit)};
  const std::vector<std::vector<float>> values = ops.download_all(both);
  std::vector<Answer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    const float value = values[wants_activation(inputs[s]) ? 1 : 0][s];
    answers.push_back(
        labels_or_score(inputs[s], {.rows = 1, .columns = 1, .values = {value}}, values[0][s]));
  }
  return answers;
}

}  // namespace vecton::heads
