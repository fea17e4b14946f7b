#include "heads/embedding_head.h"

#include <algorithm>
#include <utility>

#include "checkpoint/weights.h"
#include "vecton/error.h"

namespace vecton {

EmbeddingHead::EmbeddingHead(std::vector<Pooling> pooling, bool include_prompt,
                             std::span<const DenseModule> dense, int64_t hidden, Ops& ops)
    : pooling_(std::move(pooling)),
      include_prompt_(include_prompt),
      all_rows_(!std::all_of(pooling_.begin(), pooling_.end(), one_row)),
      size_(hidden * static_cast<int64_t>(pooling_.size())) {
  for (const DenseModule& module : dense) {
    if (module.in_features != size_) {
      throw Error(ErrorCode::kCorrupt, module.folder.string() + ": in_features is " +
                                           std::to_string(module.in_features) +
                                           ", what comes before it gives " + std::to_string(size_));
    }
    const Weights weights = Weights::from_file(module.folder / "model.safetensors", ops);
    const auto bias = module.bias ? Weights::Bias::kRequired : Weights::Bias::kNone;
    dense_.push_back({(weights / "linear").linear(module.out_features, module.in_features, bias),
                      module.activation});
    weights.check_taken();
    weight_bytes_ += weights.prepared_bytes();
    size_ = module.out_features;
  }
}

void EmbeddingHead::want(int64_t tokens, int64_t prompt_tokens, Rows& wanted) const {
  const int64_t skip = include_prompt_ ? 0 : prompt_tokens;
  const auto has = [this](Pooling p) {
    return std::find(pooling_.begin(), pooling_.end(), p) != pooling_.end();
  };
  for (int64_t i = 0; i < tokens; ++i) {
    const bool row = (all_rows_ && i >= skip) || (i == 0 && has(Pooling::kCls)) ||
                     (i == tokens - 1 && has(Pooling::kLast));
    if (row) wanted.index.push_back(static_cast<int32_t>(i));
  }
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

Tensor EmbeddingHead::forward(Ops& ops, const Tensor& hidden, const Rows& rows,
                              std::span<const int64_t> prompt_tokens) const {
  // The rows that means and maxima read: all of them, unless a prompt is left out and its first row
  // is there for CLS.
  Rows kept;
  std::vector<int32_t> kept_rows;
  if (all_rows_ && !include_prompt_) {
    for (int64_t s = 0; s < rows.sequences(); ++s) {
      for (int32_t r = rows.offsets[s]; r < rows.offsets[s + 1]; ++r) {
        if (rows.index[r] < prompt_tokens[s]) continue;
        kept.index.push_back(rows.index[r]);
        kept_rows.push_back(r);
      }
      kept.offsets.push_back(static_cast<int32_t>(kept.index.size()));
    }
  }
  const bool left_out = all_rows_ && kept.count() < rows.count() && !include_prompt_;
  const Tensor kept_hidden = left_out ? ops.gather_rows(hidden, kept_rows) : hidden;
  std::vector<Tensor> parts;
  for (const Pooling pooling : pooling_) {
    const bool whole = one_row(pooling) || !left_out;
    parts.push_back(ops.pool(whole ? hidden : kept_hidden, pooling, whole ? rows : kept));
  }
  Tensor y = parts.size() == 1 ? parts.front() : ops.concat_columns(parts);
  for (const Dense& dense : dense_) y = ops.linear(y, dense.linear, dense.activation);
  return y;
}

Tensor EmbeddingHead::finish(Ops& ops, const Tensor& row, std::optional<int64_t> dimensions,
                             bool normalize) {
  Tensor y = dimensions ? row.slice_columns(0, *dimensions) : row;
  return normalize ? ops.l2_normalize(std::move(y)) : y;
}

}  // namespace vecton
