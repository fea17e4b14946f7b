#include "heads/classifier_head.h"

#include <algorithm>
#include <utility>

namespace vecton {

static Tensor run(Ops& ops, std::span<const HeadStep> steps, Tensor x) {
  for (const HeadStep& step : steps) {
    x = ops.linear(x, step.linear, step.activation);
    if (step.norm) x = ops.norm(std::move(x), *step.norm);
  }
  return x;
}

Tensor run_steps(Ops& ops, const HeadWeights& weights, Tensor x) {
  return run(ops, weights.steps, std::move(x));
}

ClassifierHead::ClassifierHead(HeadWeights weights, LabelActivation activation, Step step)
    : weights_(std::move(weights)), activation_(std::move(activation)), step_(std::move(step)) {}

// The first token where all are padding, as the reference has it.
static int32_t last_token(std::span<const int32_t> ids, int32_t padding_id) {
  auto last = static_cast<int32_t>(ids.size()) - 1;
  while (last > 0 && ids[static_cast<size_t>(last)] == padding_id) --last;
  return last;
}

void ClassifierHead::want(const HeadInput& input, Rows& wanted) const {
  const auto tokens = static_cast<int64_t>(input.ids.size());
  if (weights_.every_token && step_.tag) {
    for (int64_t i = 0; i < tokens; ++i) {
      if (input.ids[i] == *step_.tag) wanted.index.push_back(static_cast<int32_t>(i));
    }
  } else if (weights_.every_token || weights_.pooling == Pooling::kMean) {
    return want_tokens(input, wanted);
  } else {
    wanted.index.push_back(
        weights_.pooling == Pooling::kLast ? last_token(input.ids, weights_.padding_id) : 0);
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

void ClassifierHead::activate(HeadAnswer& answer) const {
  for (int64_t i = 0; i < answer.rows; ++i) {
    const auto columns = static_cast<size_t>(answer.columns);
    activation_.apply(std::span(answer.values).subspan(static_cast<size_t>(i) * columns, columns));
  }
}

void ClassifierHead::keep_columns(HeadAnswer& answer) const {
  if (step_.columns.empty()) return;
  std::vector<float> kept;
  for (int64_t i = 0; i < answer.rows; ++i) {
    for (const int32_t column : step_.columns)
      kept.push_back(answer.values[static_cast<size_t>(i * answer.columns + column)]);
  }
  answer.values = std::move(kept);
  answer.columns = static_cast<int64_t>(step_.columns.size());
}

std::vector<HeadAnswer> ClassifierHead::answer(Ops& ops, const Tensor& hidden, const Rows& rows,
                                               std::span<const HeadInput> inputs) const {
  std::vector<HeadAnswer> answers;
  Tensor logits;
  if (!weights_.every_token) {
    const std::span<const HeadStep> steps = weights_.steps;
    Tensor x = run(ops, steps.first(weights_.token_steps), hidden);
    if (rows.count() != rows.sequences()) x = ops.pool(x, weights_.pooling, rows);
    logits = run(ops, steps.subspan(weights_.token_steps), std::move(x));
  }
  for (size_t s = 0; s < inputs.size(); ++s) {
    const int64_t first = rows.offsets[s], count = rows.offsets[s + 1] - first;
    const auto row = static_cast<int64_t>(s);
    // Token by token the logits of one sequence at a time: a vocabulary's are many.
    HeadAnswer answer = to_answer(
        ops, weights_.every_token ? run_steps(ops, weights_, hidden.slice_rows(first, count))
                                  : logits.slice_rows(row, 1));
    if (weights_.every_token)
      answer.positions.assign(rows.index.begin() + first, rows.index.begin() + first + count);
    if (answer.columns == 1 && answer.rows == 1) answer.logit = answer.values.front();
    if (inputs[s].activation) activate(answer);
    keep_columns(answer);
    answers.push_back(std::move(answer));
  }
  return answers;
}

}  // namespace vecton
