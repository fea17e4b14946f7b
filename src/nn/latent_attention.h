// LatentAttention: multi-head latent attention. DeepSeek-V2, arXiv:2405.04434.
//
// A token keeps one compressed row, from which every head's key and value are made, and a part of
// the key that turns and that all heads share. A head's products with keys made of the row are
// those of its query, taken through the key's projection, with the row itself: so all heads read
// one key and value per token, [turning part | row], whether it lies in the cache or not.
#pragma once

#include <optional>
#include <vector>

#include "nn/forward_pass.h"
#include "nn/rope.h"
#include "ops/ops.h"

namespace vecton::nn {

struct LatentAttention {
  int64_t layer = 0;  // which layer of the cache is this one's
  // Queries go through a bottleneck, where there is one.
  std::optional<ops::LinearWeight> q_down;
  std::optional<ops::NormWeight> q_norm;
  ops::LinearWeight q_turning, q_still;  // [heads * dim, hidden or bottleneck]
  ops::LinearWeight k_turning;           // [rope_dim, hidden]
  ops::LinearWeight down;                // [rank, hidden]
  ops::NormWeight norm;                  // of the row
  std::vector<ops::LinearWeight> key;    // by head: a query to what a row is multiplied with
  std::vector<ops::LinearWeight> value;  // by head: a row to its value
  ops::LinearWeight out;                 // [hidden, heads * value_dim]
  int64_t rope_dim = 0, rank = 0;
  ops::AttentionShape shape;  // one key head of rope_dim + rank columns

  // `x` holds every row of the batch, `x_query` the rows that attend (`queries`). Returns the
  // output projection, plus `residual` where there is one: a row per query.
  Tensor forward(const ForwardPass& pass, const Tensor& x, const Tensor& x_query,
                 const LayerRows& queries, const Tensor* residual, const Rotation& rope) const;

 private:
  Tensor queries_of(const ForwardPass& pass, const Tensor& x, const LayerRows& queries,
                    const Rotation& rope) const;
};

}  // namespace vecton::nn
