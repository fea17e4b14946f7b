#include "nn/forward_pass.h"

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
