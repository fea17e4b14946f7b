#include "engine/runner.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "checkpoint/weights.h"
#include "vecton/error.h"

namespace vecton {

namespace {

// Copies a result out, or says why there is none.
void give(Ops& ops, const Tensor& values, Result& result) {
  result.rows = values.rows();
  result.columns = values.columns();
  result.values.resize(static_cast<size_t>(values.rows() * values.columns()));
  ops.download(values, result.values);
  const bool finite = std::all_of(result.values.begin(), result.values.end(),
                                  [](float v) { return std::isfinite(v); });
  if (finite) return;
  result.error = Error(ErrorCode::kInternal, "the model gave a non-finite value for this input");
  result.rows = result.columns = 0;
  result.values.clear();
}

}  // namespace

Runner::Runner(const Plan& plan, const EngineOptions& options, Ops& ops) {
  const Weights weights = Weights::open(plan.modules.transformer, ops, options.dtype);
  model_ = plan.family->load(plan.config, weights);
  weights.check_taken();
  warnings_ = plan.config.check_read();
  head_ = std::make_unique<EmbeddingHead>(plan.pooling, plan.modules.include_prompt, plan.dense,
                                          plan.shape.hidden, ops);
  parameters_ = weights.parameters();
  file_bytes_ = weights.file_bytes();
  weight_bytes_ = weights.prepared_bytes() + head_->weight_bytes();
  linear_parameters_ = weights.linear_parameters();
  linear_bytes_ = weights.linear_bytes();
  dtype_ = weights.dtype();
}

Batch Runner::make_batch(const std::vector<Sequence>& sequences) const {
  Batch batch;
  for (const Sequence& sequence : sequences) {
    batch.ids.insert(batch.ids.end(), sequence.ids.begin(), sequence.ids.end());
    const size_t begin = batch.rows.index.size();
    batch.rows.index.resize(batch.ids.size());
    std::iota(batch.rows.index.begin() + static_cast<std::ptrdiff_t>(begin), batch.rows.index.end(),
              0);
    batch.rows.offsets.push_back(static_cast<int32_t>(batch.ids.size()));
    if (sequence.task == Task::kEmbed)
      head_->want(sequence.tokens(), sequence.prompt_tokens, batch.wanted);
  }
  if (sequences.front().task == Task::kTokenEmbed) batch.wanted = batch.rows;
  return batch;
}

void Runner::finish_embed(Ops& ops, const Tensor& hidden, const Batch& batch,
                          const std::vector<Sequence>& sequences) const {
  std::vector<int64_t> prompt_tokens;
  for (const Sequence& sequence : sequences) prompt_tokens.push_back(sequence.prompt_tokens);
  const Tensor vectors = head_->forward(ops, hidden, batch.wanted, prompt_tokens);
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Tensor row = vectors.slice_rows(static_cast<int64_t>(i), 1);
    const Sequence& s = sequences[i];
    give(ops, EmbeddingHead::finish(ops, row, s.dimensions, s.normalize),
         s.group->results[s.index]);
  }
}

void Runner::finish_token_embed(Ops& ops, const Tensor& hidden, const Batch& batch,
                                const std::vector<Sequence>& sequences) const {
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Sequence& s = sequences[i];
    Tensor rows = hidden.slice_rows(batch.rows.offsets[i], s.tokens());
    if (s.normalize) rows = ops.l2_normalize(std::move(rows));
    give(ops, rows, s.group->results[s.index]);
  }
}

void Runner::run(Ops& ops, const std::vector<Sequence>& sequences) const {
  const Batch batch = make_batch(sequences);
  const Tensor hidden = model_->forward(ops, batch);
  switch (sequences.front().task) {
    case Task::kEmbed:
      return finish_embed(ops, hidden, batch, sequences);
    case Task::kTokenEmbed:
      return finish_token_embed(ops, hidden, batch, sequences);
  }
}

}  // namespace vecton
