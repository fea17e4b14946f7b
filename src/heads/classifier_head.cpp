#include "heads/classifier_head.h"

#include <utility>

namespace vecton::heads {

static Tensor run(Ops& ops, std::span<const checkpoint::HeadStep> steps, Tensor x) {
  for (const checkpoint::HeadStep& step : steps) {
    x = ops.linear(x, step.linear, step.activation);
    if (step.norm) x = ops.norm(std::move(x), *step.norm);
  }
  return x;
}

Tensor run_steps(Ops& ops, const checkpoint::HeadWeights& weights, Tensor x) {
  return run(ops, weights.steps, std::move(x));
}

ClassifierHead::ClassifierHead(checkpoint::HeadWeights weights, LabelActivation activation,
                               Step step)
    : weights_(std::move(weights)), activation_(std::move(activation)), step_(std::move(step)) {}

// The first token where all are padding, as the reference has it.
static int32_t last_token(std::span<const int32_t> ids, int32_t padding_id) {
  auto last = static_cast<int32_t>(ids.size()) - 1;
  while (last > 0 && ids[static_cast<size_t>(last)] == padding_id) --last;
  return last;
}

void ClassifierHead::want(const HeadInput& input, tensor::Rows& wanted) const {
  const std::vector<int32_t>& ids = input.work->ids;
  if (weights_.every_token && step_.tag) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == *step_.tag) wanted.index.push_back(static_cast<int32_t>(i));
    }
  } else if (weights_.every_token || weights_.pooling == ops::Pooling::kMean) {
    return want_tokens(input, wanted);
  } else {
    wanted.index.push_back(
        weights_.pooling == ops::Pooling::kLast ? last_token(ids, weights_.padding_id) : 0);
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

Tensor ClassifierHead::finish(Ops& ops, Tensor logits, bool activated,
                              const tensor::Indices& columns) const {
  if (activated) logits = activation_.apply(ops, std::move(logits));
  return columns.empty() ? logits : ops.gather_columns(logits, columns);
}

std::vector<Answer> ClassifierHead::answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                           std::span<const HeadInput> inputs) const {
  tensor::Indices columns;
  if (!step_.columns.empty()) columns = ops.upload_indices(step_.columns);
  return weights_.every_token ? answer_tokens(ops, hidden, rows, inputs, columns)
                              : answer_sequences(ops, hidden, rows, inputs, columns);
}

// A row per sequence: all of them at once.
std::vector<Answer> ClassifierHead::answer_sequences(Ops& ops, const Tensor& hidden,
                                                     const tensor::Rows& rows,
                                                     std::span<const HeadInput> inputs,
                                                     const tensor::Indices& columns) const {
  const std::span<const checkpoint::HeadStep> steps = weights_.steps;
  Tensor x = run(ops, steps.first(weights_.token_steps), hidden);
  if (rows.count() != rows.sequences()) x = ops.pool(x, weights_.pooling, ops.upload_rows(rows));
  const Tensor logits =
      activation_.calibrate(ops, run(ops, steps.subspan(weights_.token_steps), std::move(x)));
  const Tensor activated = finish(ops, logits, true, columns),
               plain = finish(ops, logits, false, columns);
  std::vector<Tensor> values;
  for (size_t s = 0; s < inputs.size(); ++s)
    values.push_back(
        (wants_activation(inputs[s]) ? activated : plain).slice_rows(static_cast<int64_t>(s), 1));
  const bool scores = logits.columns() == 1;
  if (scores) values.push_back(logits);
  std::vector<Matrix> read = read_all(ops, values);
  std::vector<Answer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    const float logit = scores ? read.back().values[s] : 0;
    answers.push_back(labels_or_score(inputs[s], std::move(read[s]), logit));
  }
  return answers;
}

// A row per token, one sequence at a time: a vocabulary's logits are many.
std::vector<Answer> ClassifierHead::answer_tokens(Ops& ops, const Tensor& hidden,
                                                  const tensor::Rows& rows,
                                                  std::span<const HeadInput> inputs,
                                                  const tensor::Indices& columns) const {
  std::vector<Tensor> values;
  for (size_t s = 0; s < inputs.size(); ++s) {
    Tensor logits =
        activation_.calibrate(ops, run_steps(ops, weights_, slice_sequence(hidden, rows, s)));
    values.push_back(finish(ops, std::move(logits), wants_activation(inputs[s]), columns));
  }
  std::vector<Matrix> read = read_all(ops, values);
  std::vector<Answer> answers;
  for (size_t s = 0; s < inputs.size(); ++s) {
    answers.emplace_back(Labels{.rows = read[s].rows,
                                .columns = read[s].columns,
                                .values = std::move(read[s].values),
                                .tokens = tokens_of(inputs[s], rows, s)});
  }
  return answers;
}

}  // namespace vecton::heads
