#include "nn/forward_pass.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace vecton::nn {

ForwardPass::ForwardPass(Ops& on, const tensor::Batch& of, tensor::Cache* cache)
    : ops(on),
      batch(of),
      ids(ops.upload_indices(batch.ids)),
      rows(ops.upload_rows(batch.rows)),
      cache_(cache) {
  if (!batch.attended.empty()) attended = ops.upload_indices(batch.attended);
  if (!batch.all_wanted()) {
    wanted_ = ops.upload_rows(batch.wanted);
    wanted_at_ = ops.upload_indices(tensor::wanted_positions(batch));
  }
  if (!batch.both_ways.empty()) {
    spans_ = spans(false);
    if (!batch.all_wanted()) wanted_spans_ = spans(true);
  }
  if (!cache_) return;
  for (size_t g = 0; g < batch.block_tables.size(); ++g) {
    const tensor::BlockTable& table = batch.block_tables[g];
    const tensor::SlotMapping& mapping = batch.slot_mappings[g];
    groups_.push_back({.pages = ops.upload_indices(table.pages),
                       .offsets = ops.upload_indices(table.offsets),
                       .cached = ops.upload_indices(table.cached),
                       .from = ops.upload_indices(mapping.rows),
                       .slots = ops.upload_indices(mapping.slots)});
  }
}

std::vector<ForwardPass::Spans> ForwardPass::spans(bool wanted_only) const {
  const int64_t sequences = batch.sequences();
  std::vector<std::vector<tensor::RowSpan>> of(static_cast<size_t>(sequences));
  size_t most = 0, sequence = 0;
  for (const tensor::RowSpan& span : batch.both_ways) {
    while (span.begin >= batch.rows.offsets[sequence + 1]) ++sequence;
    of[sequence].push_back(span);
    most = std::max(most, of[sequence].size());
  }
  std::vector<int32_t> places(static_cast<size_t>(batch.rows.count()), -1);  // among the layer's
  if (wanted_only) {
    int32_t place = 0;
    for (const int32_t row : tensor::wanted_positions(batch))
      places[static_cast<size_t>(row)] = place++;
  } else {
    std::iota(places.begin(), places.end(), 0);
  }
  std::vector<Spans> result;
  for (size_t n = 0; n < most; ++n) {
    tensor::Rows rows;
    std::vector<int32_t> at, attended_rows;
    for (size_t s = 0; s < of.size(); ++s) {
      const int32_t first = batch.rows.offsets[s];
      const tensor::RowSpan span = n < of[s].size() ? of[s][n] : tensor::RowSpan{first, first};
      for (int32_t row = span.begin; row < span.end; ++row) {
        const int32_t place = places[static_cast<size_t>(row)];
        if (place < 0) continue;
        at.push_back(place);
        rows.index.push_back(batch.rows.index[static_cast<size_t>(row)]);
      }
      rows.offsets.push_back(static_cast<int32_t>(rows.index.size()));
      attended_rows.push_back(span.end - first);
    }
    if (at.empty()) continue;
    std::vector<int32_t> own(at.size());
    std::iota(own.begin(), own.end(), 0);
    result.push_back({.queries = ops.upload_rows(rows),
                      .at = ops.upload_indices(std::move(at)),
                      .own = ops.upload_indices(std::move(own)),
                      .attended = ops.upload_indices(std::move(attended_rows))});
  }
  return result;
}

Tensor ForwardPass::attend(const Tensor& q, const Tensor& k, const Tensor& v,
                           const ops::AttentionShape& shape, const LayerRows& queries,
                           const ops::AttentionBias& bias, const ops::KeyPages& before) const {
  Tensor context =
      ops.attention(q, k, v, shape, queries.rows(), rows.offsets, bias, before, attended);
  if (!shape.causal) return context;
  ops::AttentionShape both = shape;
  both.causal = false;
  for (const Spans& spans : queries.all() ? spans_ : wanted_spans_) {
    const Tensor seen = ops.attention(ops.gather_rows(q, spans.at), k, v, both, spans.queries,
                                      rows.offsets, bias, before, spans.attended);
    ops.store_rows(seen, spans.own, context, spans.at);
  }
  return context;
}

ops::KeyPages ForwardPass::pages(int64_t layer) const {
  const tensor::Cache::Layer& kept = cache_->layers[static_cast<size_t>(layer)];
  const Group& group = groups_[static_cast<size_t>(kept.group)];
  return {.k = kept.k,
          .v = kept.v,
          .page_rows = cache_->page_rows,
          .pages = group.pages,
          .offsets = group.offsets,
          .cached = group.cached};
}

ops::KeyPages ForwardPass::exchange(int64_t layer, Tensor& rows) const {
  if (cache_) rows = ops.round_to(std::move(rows), cache_->dtype);
  if (groups_.empty()) return {};
  const tensor::Cache::Layer& kept = cache_->layers[static_cast<size_t>(layer)];
  const Group& group = groups_[static_cast<size_t>(kept.group)];
  ops.store_rows(rows, group.from, kept.k, group.slots);
  return pages(layer);
}

ops::KeyPages ForwardPass::exchange(int64_t layer, Tensor& k, Tensor& v) const {
  if (cache_) v = ops.round_to(std::move(v), cache_->dtype);
  if (!groups_.empty()) {
    const tensor::Cache::Layer& kept = cache_->layers[static_cast<size_t>(layer)];
    const Group& group = groups_[static_cast<size_t>(kept.group)];
    ops.store_rows(v, group.from, kept.v, group.slots);
  }
  return exchange(layer, k);
}

}  // namespace vecton::nn
