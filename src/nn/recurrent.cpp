#include "nn/recurrent.h"

#include <utility>
#include <vector>

namespace vecton::nn {

namespace {

// Sequences with `before` rows put before those of the pass.
struct Extended {
  tensor::Rows rows;
  std::vector<int32_t> own, earlier;  // where the rows of the pass, and those before them, stand

  Extended(const tensor::Rows& pass, int32_t before) {
    for (size_t s = 0; s + 1 < pass.offsets.size(); ++s) {
      auto at = static_cast<int32_t>(rows.index.size());
      const int32_t count = pass.offsets[s + 1] - pass.offsets[s];
      for (int32_t i = 0; i < before + count; ++i, ++at) {
        (i < before ? earlier : own).push_back(at);
        rows.index.push_back(i);
      }
      rows.offsets.push_back(at);
    }
  }
};

// Rows of slots that have `each`.
std::vector<int32_t> rows_of_slots(const std::vector<int32_t>& slots, int32_t each) {
  std::vector<int32_t> rows;
  for (const int32_t slot : slots) {
    for (int32_t i = 0; i < each; ++i) rows.push_back(slot * each + i);
  }
  return rows;
}

}  // namespace

Tensor causal_conv(const ForwardPass& pass, int64_t layer, const Tensor& x, const Tensor& taps,
                   const ops::Vector& bias) {
  Ops& ops = pass.ops;
  const auto before = static_cast<int32_t>(taps.rows() - 1);
  if (!pass.keeps_states() || before == 0) return ops.short_conv(x, taps, bias, pass.rows);
  const Tensor& kept = pass.cache_layer(layer).conv;
  Extended extended(pass.batch.rows, before);
  const Tensor all = ops.allocate(extended.rows.count(), x.columns());
  const tensor::Indices own = ops.upload_indices(extended.own);
  const Tensor earlier =
      ops.gather_rows(kept, ops.upload_indices(rows_of_slots(pass.batch.state_slots, before)));
  ops.store_all(earlier, all, ops.upload_indices(extended.earlier));
  ops.store_all(x, all, own);

  const tensor::SlotMapping& mapping = pass.batch.state_mapping;
  std::vector<int32_t> last;
  for (const int32_t s : mapping.rows) {
    for (int32_t i = 0; i < before; ++i)
      last.push_back(extended.rows.offsets[static_cast<size_t>(s) + 1] - before + i);
  }
  ops.store_rows(all, ops.upload_indices(std::move(last)), kept,
                 ops.upload_indices(rows_of_slots(mapping.slots, before)));
  const tensor::SequenceRows rows = ops.upload_rows(std::move(extended.rows));
  return ops.gather_rows(ops.short_conv(all, taps, bias, rows), own);
}

// What a row sees behind it a causal convolution has seen so many rows later, where zeros follow a
// sequence.
Tensor centred_conv(const ForwardPass& pass, const Tensor& x, const Tensor& taps,
                    const ops::Vector& bias) {
  Ops& ops = pass.ops;
  const auto width = static_cast<int32_t>(taps.rows()), behind = width - 1 - width / 2;
  if (behind == 0) return ops.short_conv(x, taps, bias, pass.rows);
  const std::vector<int32_t>& offsets = pass.batch.rows.offsets;
  tensor::Rows extended;
  std::vector<int32_t> own, zeros, later;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const int32_t count = offsets[s + 1] - offsets[s];
    auto at = static_cast<int32_t>(extended.index.size());
    for (int32_t i = 0; i < count + behind; ++i, ++at) {
      (i < count ? own : zeros).push_back(at);
      if (i < count) later.push_back(at + behind);
      extended.index.push_back(i);
    }
    extended.offsets.push_back(at);
  }
  const Tensor all = ops.allocate(extended.count(), x.columns());
  const std::vector<float> nothing(zeros.size() * static_cast<size_t>(x.columns()));
  ops.store_all(x, all, ops.upload_indices(own));
  ops.store_all(ops.upload(nothing, static_cast<int64_t>(zeros.size()), x.columns()), all,
                ops.upload_indices(zeros));
  const tensor::SequenceRows rows = ops.upload_rows(std::move(extended));
  return ops.gather_rows(ops.short_conv(all, taps, bias, rows),
                         ops.upload_indices(std::move(later)));
}

Tensor gated_delta(const ForwardPass& pass, int64_t layer, const ops::DeltaInput& in,
                   const ops::DeltaShape& shape) {
  Ops& ops = pass.ops;
  if (!pass.keeps_states()) return ops.gated_delta(in, shape, pass.rows).y;
  const Tensor& kept = pass.cache_layer(layer).state;
  const Ops::Delta delta = ops.gated_delta(
      in, shape, pass.rows, ops.gather_rows(kept, ops.upload_indices(pass.batch.state_slots)));
  ops.store_rows(delta.state, ops.upload_indices(pass.batch.state_mapping.rows), kept,
                 ops.upload_indices(pass.batch.state_mapping.slots));
  return delta.y;
}

Tensor attended_rows(const ForwardPass& pass, Tensor x) {
  const tensor::Batch& batch = pass.batch;
  if (batch.attended.empty()) return x;
  std::vector<float> mask;
  for (size_t s = 0; s < batch.attended.size(); ++s) {
    const int64_t tokens = batch.rows.offsets[s + 1] - batch.rows.offsets[s];
    mask.resize(mask.size() + static_cast<size_t>(batch.attended[s] * x.columns()), 1.0f);
    mask.resize(mask.size() + static_cast<size_t>((tokens - batch.attended[s]) * x.columns()),
                0.0f);
  }
  const Tensor kept = pass.ops.upload(mask, batch.tokens(), x.columns());
  return pass.ops.multiply(std::move(x), kept);
}

}  // namespace vecton::nn
