#include "heads/embedding_head.h"

#include <algorithm>
#include <utility>

namespace vecton {

EmbeddingHead::EmbeddingHead(RowModules token_modules, std::vector<Pooling> pooling,
                             bool include_prompt, RowModules vector_modules,
                             std::optional<int64_t> truncate)
    : token_modules_(std::move(token_modules)),
      vector_modules_(std::move(vector_modules)),
      pooling_(std::move(pooling)),
      include_prompt_(include_prompt),
      all_rows_(!std::all_of(pooling_.begin(), pooling_.end(), one_row)),
      truncate_(truncate) {}

void EmbeddingHead::want(const HeadInput& input, Rows& wanted) const {
  if (!input.parts.empty()) return want_tokens(input, wanted);
  const auto tokens = static_cast<int64_t>(input.ids.size());
  const int64_t skip = include_prompt_ ? 0 : input.prompt_tokens;
  const auto has = [this](Pooling p) {
    return std::find(pooling_.begin(), pooling_.end(), p) != pooling_.end();
  };
  for (int64_t i = 0; i < tokens; ++i) {
    const bool row = (all_rows_ && i >= skip) || (i == skip && has(Pooling::kCls)) ||
                     (i == tokens - 1 && has(Pooling::kLast));
    if (row) wanted.index.push_back(static_cast<int32_t>(i));
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

Tensor EmbeddingHead::pooled(Ops& ops, const Tensor& hidden, const Rows& rows) const {
  std::vector<Tensor> parts;
  for (const Pooling pooling : pooling_) parts.push_back(ops.pool(hidden, pooling, rows));
  return parts.size() == 1 ? parts.front() : ops.concat_columns(parts);
}

namespace {

// One row per part: a part is a sequence of its own to the pooling.
Rows rows_of_parts(const HeadInput& input, int64_t first_row) {
  Rows rows;
  rows.offsets.front() = static_cast<int32_t>(first_row);
  int64_t begin = 0;
  for (const int64_t end : input.parts) {
    for (int64_t i = begin; i < end; ++i) rows.index.push_back(static_cast<int32_t>(i - begin));
    rows.offsets.push_back(static_cast<int32_t>(first_row + end));
    begin = end;
  }
  return rows;
}

}  // namespace

std::vector<HeadAnswer> EmbeddingHead::answer(Ops& ops, const Tensor& last, const Rows& rows,
                                              std::span<const HeadInput> inputs) const {
  const Tensor hidden = token_modules_.forward(ops, last);
  const auto finish = [&](Tensor y, const HeadInput& input) {
    if (input.dimensions) y = y.slice_columns(0, *input.dimensions);
    if (input.activation) y = ops.l2_normalize(std::move(y));
    if (truncate_ && !input.dimensions) y = y.slice_columns(0, std::min(*truncate_, y.columns()));
    return to_answer(ops, y);
  };
  std::vector<HeadAnswer> answers;
  if (std::ranges::any_of(inputs, [](const HeadInput& i) { return !i.parts.empty(); })) {
    for (size_t s = 0; s < inputs.size(); ++s) {
      const HeadInput& input = inputs[s];
      const int64_t first = rows.offsets[s], count = rows.offsets[s + 1] - first;
      Rows own{.offsets = {0, static_cast<int32_t>(count)},
               .index = {rows.index.begin() + first, rows.index.begin() + first + count}};
      if (!input.parts.empty()) own = rows_of_parts(input, 0);
      const Tensor vectors = pooled(ops, hidden.slice_rows(first, count), own);
      answers.push_back(finish(vector_modules_.forward(ops, vectors), input));
    }
    return answers;
  }
  const Tensor vectors = vector_modules_.forward(ops, pooled(ops, hidden, rows));
  for (size_t s = 0; s < inputs.size(); ++s)
    answers.push_back(finish(vectors.slice_rows(static_cast<int64_t>(s), 1), inputs[s]));
  return answers;
}

}  // namespace vecton
