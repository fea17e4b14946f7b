#include "heads/token_choice_head.h"

#include <utility>

#include "heads/classifier_head.h"

namespace vecton {

TokenChoiceHead::TokenChoiceHead(std::vector<LinearWeight> rows) : rows_(std::move(rows)) {}

void TokenChoiceHead::want(const HeadInput& input, Rows& wanted) const {
  wanted.index.push_back(static_cast<int32_t>(input.ids.size()) - 1);
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

std::vector<HeadAnswer> TokenChoiceHead::answer(Ops& ops, const Tensor& hidden,
                                                const Rows& /*rows*/,
                                                std::span<const HeadInput> inputs) const {
  const HeadAnswer first = to_answer(ops, ops.linear(hidden, rows_.front()));
  HeadAnswer second;
  if (rows_.size() == 2) second = to_answer(ops, ops.linear(hidden, rows_.back()));
  std::vector<HeadAnswer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    HeadAnswer answer{.rows = 1, .columns = 1};
    answer.logit = rows_.size() == 2 ? second.values[s] - first.values[s] : first.values[s];
    answer.values = {answer.logit};
    if (inputs[s].activation) activate_row(answer.values, LabelActivation::kSigmoid);
    answers.push_back(std::move(answer));
  }
  return answers;
}

}  // namespace vecton
