#include "heads/embedding_head.h"

#include <algorithm>
#include <utility>

namespace vecton::heads {

EmbeddingHead::EmbeddingHead(RowModules token_modules, std::vector<ops::Pooling> pooling,
                             bool include_prompt, RowModules vector_modules,
                             const Defaults& defaults)
    : token_modules_(std::move(token_modules)),
      vector_modules_(std::move(vector_modules)),
      pooling_(std::move(pooling)),
      include_prompt_(include_prompt),
      all_rows_(!std::all_of(pooling_.begin(), pooling_.end(), one_row)),
      defaults_(defaults) {}

void EmbeddingHead::want(const HeadInput& input, tensor::Rows& wanted) const {
  if (!input.work->parts.empty()) return want_tokens(input, wanted);
  const auto tokens = static_cast<int64_t>(input.work->ids.size());
  const int64_t skip = include_prompt_ ? 0 : input.work->prompt_tokens;
  const auto has = [this](ops::Pooling p) {
    return std::find(pooling_.begin(), pooling_.end(), p) != pooling_.end();
  };
  for (int64_t i = 0; i < tokens; ++i) {
    const bool row = (all_rows_ && i >= skip) || (i == skip && has(ops::Pooling::kCls)) ||
                     (i == tokens - 1 && has(ops::Pooling::kLast));
    if (row) wanted.index.push_back(static_cast<int32_t>(i));
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

Tensor EmbeddingHead::pooled(Ops& ops, const Tensor& hidden, const tensor::Rows& rows) const {
  std::vector<Tensor> parts;
  const tensor::SequenceRows uploaded = ops.upload_rows(rows);
  for (const ops::Pooling pooling : pooling_) parts.push_back(ops.pool(hidden, pooling, uploaded));
  return parts.size() == 1 ? parts.front() : ops.concat_columns(parts);
}

namespace {

// Every part of a sequence as a sequence of its own, where the sequence has parts.
void append_parts(const HeadInput& input, const tensor::Rows& rows, size_t sequence,
                  tensor::Rows& parts) {
  const int32_t first = rows.offsets[sequence], end = rows.offsets[sequence + 1];
  if (input.work->parts.empty()) {
    parts.index.insert(parts.index.end(), rows.index.begin() + first, rows.index.begin() + end);
    parts.offsets.push_back(end);
    return;
  }
  int64_t begin = 0;
  for (const int64_t part_end : input.work->parts) {
    for (int64_t i = begin; i < part_end; ++i)
      parts.index.push_back(static_cast<int32_t>(i - begin));
    parts.offsets.push_back(static_cast<int32_t>(first + part_end));
    begin = part_end;
  }
}

}  // namespace

std::vector<Tensor> EmbeddingHead::vectors(Ops& ops, const Tensor& last, const tensor::Rows& rows,
                                           std::span<const HeadInput> inputs) const {
  const Tensor hidden = token_modules_.forward(ops, last);
  tensor::Rows parts;
  std::vector<int64_t> first{0};  // vector of each sequence
  for (size_t s = 0; s < inputs.size(); ++s) {
    append_parts(inputs[s], rows, s, parts);
    first.push_back(parts.sequences());
  }
  const Tensor all = vector_modules_.forward(ops, pooled(ops, hidden, parts));
  std::vector<Tensor> values;
  for (size_t s = 0; s < inputs.size(); ++s)
    values.push_back(all.slice_rows(first[s], first[s + 1] - first[s]));
  return values;
}

// A vector that is cut to defaults_.truncate has not length 1 afterwards, unless somebody says.
Tensor EmbeddingHead::finish(Ops& ops, Tensor y, const Embed& task) const {
  const std::optional<int64_t>& truncate = defaults_.truncate;
  std::optional<int64_t> dimensions = task.dimensions ? task.dimensions : defaults_.dimensions;
  if (truncate && task.normalize && !dimensions) dimensions = std::min(*truncate, y.columns());
  if (dimensions) y = y.slice_columns(0, *dimensions);
  if (task.normalize.value_or(defaults_.normalize)) y = ops.l2_normalize(std::move(y));
  if (truncate && !dimensions) y = y.slice_columns(0, std::min(*truncate, y.columns()));
  return y;
}

std::vector<Answer> EmbeddingHead::answer(Ops& ops, const Tensor& last, const tensor::Rows& rows,
                                          std::span<const HeadInput> inputs) const {
  std::vector<Tensor> values = vectors(ops, last, rows, inputs);
  for (size_t s = 0; s < inputs.size(); ++s)
    values[s] = finish(ops, std::move(values[s]), inputs[s].parameters<Embed>());
  std::vector<Answer> answers;
  for (Matrix& read : read_all(ops, values)) {
    answers.push_back(
        Vectors{.rows = read.rows, .columns = read.columns, .values = std::move(read.values)});
  }
  return answers;
}

}  // namespace vecton::heads
