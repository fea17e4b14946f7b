// ForwardPass: a batch on its way through a model. All that layers read of a batch goes to the
// backend's memory here, once; layers get handles. Made at the start of Model::forward, used by
// one thread.
#pragma once

#include <vector>

#include "ops/ops.h"
#include "tensor/batch.h"
#include "tensor/cache.h"

namespace vecton::nn {

// Which rows a layer computes. Every layer computes keys and values of all rows of the batch; all
// else it computes of all rows too, but the last layer of the wanted rows only.
class LayerRows {
 public:
  explicit LayerRows(const tensor::SequenceRows& all) : rows_(all) {}
  LayerRows(const tensor::SequenceRows& wanted, const tensor::Indices& at)
      : rows_(wanted), at_(&at) {}

  const tensor::SequenceRows& rows() const { return rows_; }
  bool all() const { return !at_; }
  // These rows of `x`, which has a row for every token.
  Tensor of(Ops& ops, const Tensor& x) const { return at_ ? ops.gather_rows(x, *at_) : x; }

 private:
  const tensor::SequenceRows& rows_;
  const tensor::Indices* at_ = nullptr;  // null = all
};

class ForwardPass {
 public:
  // All of them outlive it. `cache`: null, or what batch.block_tables and slot_mappings speak of.
  ForwardPass(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache = nullptr);
  ForwardPass(const ForwardPass&) = delete;
  ForwardPass& operator=(const ForwardPass&) = delete;

  Ops& ops;
  const tensor::Batch& batch;

  tensor::Indices ids;        // [tokens]
  tensor::SequenceRows rows;  // every token
  tensor::Indices attended;   // Batch::attended

  // The rows that layer `layer` of `layers` computes.
  LayerRows rows_of(int64_t layer, int64_t layers) const {
    return layer + 1 == layers && !batch.all_wanted() ? LayerRows(wanted_, wanted_at_)
                                                      : LayerRows(rows);
  }
  // The state `x` of every row comes to a layer: the rows that this one computes.
  LayerRows enter(int64_t layer, int64_t layers, const Tensor& x) const {
    if (batch.layer_states) batch.layer_states->push_back(x);
    return rows_of(layer, layers);
  }
  const tensor::SequenceRows& wanted() const { return batch.all_wanted() ? rows : wanted_; }

  // Ops::attention of a layer's rows. In a causal layer those of Batch::both_ways see each other;
  // `bias` has nothing by query then, and a window is no less than such a span.
  Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const ops::AttentionShape& shape,
                const LayerRows& queries, const ops::AttentionBias& bias,
                const ops::KeyPages& before) const;

  // Keeps what of a layer's keys and values is to be kept, and gives what is there of earlier
  // tokens. Nothing without a cache. Keys and values become what the cache's type has of them, so
  // that a token attends to the same numbers, whoever has computed them and when.
  ops::KeyPages exchange(int64_t layer, Tensor& k, Tensor& v) const;
  // The same of latent rows, whose values are the keys.
  ops::KeyPages exchange(int64_t layer, Tensor& rows) const;

  // Layers with a state (tensor::RecurrentState) and a cache that has one.
  bool keeps_states() const { return cache_ && !batch.state_slots.empty(); }
  const tensor::Cache::Layer& cache_layer(int64_t layer) const {
    return cache_->layers[static_cast<size_t>(layer)];
  }

 private:
  struct Group {
    tensor::Indices pages, offsets, cached;  // its block table
    tensor::Indices from, slots;             // its slot mapping
  };

  // The n-th span of Batch::both_ways of each sequence.
  struct Spans {
    tensor::SequenceRows queries;
    tensor::Indices at, own;   // their rows among those that the layer computes, and 0, 1, ...
    tensor::Indices attended;  // of each sequence, up to the end of its span
  };

  ops::KeyPages pages(int64_t layer) const;
  std::vector<Spans> spans(bool wanted_only) const;

  tensor::SequenceRows wanted_;
  tensor::Indices wanted_at_;  // of the wanted rows among all
  tensor::Cache* cache_;
  std::vector<Group> groups_;
  std::vector<Spans> spans_, wanted_spans_;
};

}  // namespace vecton::nn
