// Ops: the seam to hardware. Everything that touches numbers goes through here; nothing here knows
// a model, a task or a file.
//
// Called by nn/, models/ and heads/. An Ops is one stream of execution with an arena of its own:
// not thread-safe, one per worker (fork()). Weights, parameters and indices prepared by one may be
// used by every fork of it, from any thread.
//
// A pure virtual operation must be written for every backend; one with a body (ops.cpp) is its
// meaning in terms of the others, to be overridden where a profile asks for it. All arithmetic is
// float32 where nothing else is said. Every element of a result is computed in an order that
// depends on its own row and sequence alone: not on the batch around it, nor on the number of
// threads. Shapes are checked by the caller at load; operations may assume them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ops/compute.h"
#include "ops/types.h"
#include "tensor/batch.h"
#include "tensor/weight.h"

namespace vecton::base {

class ThreadPool;

}  // namespace vecton::base

namespace vecton::ops {

class Ops {
 public:
  virtual ~Ops() = default;

  virtual std::string_view name() const = 0;  // "cpu", "ref"
  virtual std::string_view isa() const = 0;   // "avx512", "avx2", "neon", "scalar"
  virtual std::unique_ptr<Ops> fork() const = 0;

  // Gives back the memory that is kept for the next forward pass. Called on the thread that uses
  // this Ops, when it has had nothing to do for a while.
  virtual void give_back_memory() {}

  // Bytes that forward passes on this one and on all of its family (fork()) hold, or keep for the
  // next; 0 where nobody counts.
  virtual int64_t held_bytes() const { return 0; }

  // A fresh [rows, columns] of undefined contents; kept: for what outlives a forward pass, as a
  // cache does.
  virtual Tensor allocate(int64_t rows, int64_t columns) = 0;
  virtual Tensor allocate_kept(int64_t rows, int64_t columns) { return allocate(rows, columns); }
  // Copies in and out of the backend's memory.
  virtual Tensor upload(std::span<const float> values, int64_t rows, int64_t columns) = 0;
  // Alike, for what lives longer than the tensor: a backend on the host reads it where it lies.
  virtual Tensor borrow(std::span<const float> values, int64_t rows, int64_t columns) {
    return upload(values, rows, columns);
  }
  virtual void download(const Tensor& x, std::span<float> values) = 0;
  // Several results at once: a device is waited for once.
  virtual std::vector<std::vector<float>> download_all(std::span<const Tensor> xs);
  // A backend on the host keeps the list that it is given.
  virtual tensor::Indices upload_indices(std::vector<int32_t> values) = 0;
  virtual std::vector<int32_t> download_indices(const tensor::Indices& indices) = 0;
  tensor::SequenceRows upload_rows(tensor::Rows rows);

  // Stacks `parts` ([n_i, k] each, same k) into one matrix for linear(); each part is stored as it
  // is, or as `compute` multiplies it, which the prepared weight knows from then on. Throws where a
  // part can't be: check_compute().
  virtual PreparedWeight prepare_linear(std::span<const tensor::Weight> parts,
                                        Compute compute = Compute::kFloat32) = 0;
  // Gate and up, [n, k] each, for gated_linear().
  virtual PreparedWeight prepare_gated(const tensor::Weight& gate, const tensor::Weight& up,
                                       Compute compute = Compute::kFloat32);
  // A table of rows for embed().
  virtual PreparedWeight prepare_table(const tensor::Weight& table) = 0;
  // Parameters that every pass reads: biases, norms, tables of rotations.
  virtual Tensor prepare_parameters(std::span<const float> values, int64_t rows, int64_t columns);

  // y[i] = sum over the tables of table[ids[i]], added in the order given.
  struct Lookup {
    const Prepared& table;
    tensor::Indices ids;
  };
  virtual Tensor embed(std::span<const Lookup> lookups) = 0;

  // y = act(x W^T + b) + residual. x [m, k] -> [m, n].
  virtual Tensor linear(const Tensor& x, const LinearWeight& w,
                        Activation act = Activation::kIdentity,
                        const Tensor* residual = nullptr) = 0;

  // y = act(x G^T + g) * (x U^T + u), act one of is_common(). x [m, k] -> [m, n].
  virtual Tensor gated_linear(const Tensor& x, const GatedWeight& gate_up, Activation act);

  // linear() and gated_linear() of rows in groups, one and more: as many rows as the first group
  // has by its weight, those that follow by the next one's. All weights are of one size.
  virtual Tensor grouped_linear(const Tensor& x, std::span<const RowsOf<LinearWeight>> groups,
                                Activation act = Activation::kIdentity);
  virtual Tensor grouped_gated_linear(const Tensor& x, std::span<const RowsOf<GatedWeight>> groups,
                                      Activation act);

  // Mixtures of experts. route() chooses as ops::Router says, from a logit for each expert.
  // experts(): y[i] = sum over j < k of weights[i, j] f(x[i]), in the order of j, where expert
  // routes.experts[i*k + j] gives f(x) = down(act(gate(x)) * up(x)), or with clamped_swiglu, or
  // down(act(up(x))).
  virtual Routes route(const Tensor& logits, const Router& router);
  virtual Tensor experts(const Tensor& x, const Routes& routes, const Experts& experts);
  // y[i] = sum over j < k of weights[i, j] parts[i*k + j], in the order of j. weights [m, k].
  virtual Tensor weighted_rows(const Tensor& parts, const Tensor& weights);
  // (u + 1) g / (1 + e^(-alpha g)) with g = min(gate, limit), u = up within -limit .. limit.
  virtual Tensor clamped_swiglu(const Tensor& gate, const Tensor& up, float alpha, float limit);

  // Element by element. `a` and `x` lend their storage when they are given for good.
  virtual Tensor add(Tensor a, const Tensor& b) = 0;
  virtual Tensor multiply(Tensor a, const Tensor& b) = 0;
  virtual Tensor scale(Tensor x, float factor);
  virtual Tensor activate(Tensor x, Activation act) = 0;

  // LayerNorm: (x - mean) / sqrt(var + eps) * w + b; RmsNorm: x / sqrt(mean(x^2) + eps) * w, over
  // each group of w.weight.columns() columns (a row, or one head of it). Reuses x's storage when it
  // is given for good.
  virtual Tensor norm(Tensor x, const NormWeight& w) = 0;

  // Rotates the first rotary_dim columns of every head by the row's position (half-split form):
  // with c, s of the position, (a, b) -> (a c - b s, b c + a s). Su et al. 2021, arXiv:2104.09864.
  virtual Tensor rope(Tensor x, int64_t head_dim, const tensor::Indices& positions,
                      const RopeTable& table) = 0;

  // softmax(scale q k^T + bias) v per sequence and head. q [queries.count, heads*head_dim]; k, v
  // [keys.back(), kv_heads*head_dim] with sequence s at rows keys[s] .. keys[s+1], after its pages
  // of `before`; head h reads key head h / (heads / kv_heads). Keys have positions 0, 1, ... of
  // their sequence, cached ones counted; queries.index holds the queries' positions. Causal: a
  // query at position p sees keys 0..p. `attended` [sequences]: only so many of a sequence's own
  // rows are keys; empty = all of them. A query that sees no key gives 0; one whose window
  // holds unattended rows only gives the mean of v over its sequence's own rows, as scores that are
  // all masked by the same large number do. The bits do not depend on how much of a sequence lies
  // in pages, as long as its rows in k and v are what the pages would hold (round_to()).
  virtual Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                           const AttentionShape& shape, const tensor::SequenceRows& queries,
                           const tensor::Indices& keys, const AttentionBias& bias = {},
                           const KeyPages& before = {}, const tensor::Indices& attended = {}) = 0;

  // Depthwise causal convolution along each sequence: y[t, c] = b[c] + sum over i < width of
  // taps[i, c] x[t - width + 1 + i, c]; what lies before a sequence is 0. `taps` [width, columns].
  virtual Tensor short_conv(const Tensor& x, const Tensor& taps, const Vector& bias,
                            const tensor::SequenceRows& rows) = 0;

  // Gated delta rule (Yang et al. 2024, arXiv:2412.06464) along each sequence: of every value head
  // a state S [key_dim, value_dim] and, with the unit vectors q / sqrt(|q|^2 + 1e-6) and k alike,
  // S *= e^(rate step); S += k beta (v - k^T S); y = q^T S / sqrt(key_dim). `before`: states of the
  // sequences before their first rows, [sequences, value_heads * key_dim * value_dim]; empty = 0.
  struct Delta {
    Tensor y;      // [m, value_heads * value_dim]
    Tensor state;  // after the last rows, as `before`
  };
  virtual Delta gated_delta(const DeltaInput& in, const DeltaShape& shape,
                            const tensor::SequenceRows& rows, const Tensor& before = {});

  virtual Tensor gather_rows(const Tensor& x, const tensor::Indices& rows) = 0;
  // Rows from[i] of x are written to rows to[i] of `into`, storage of a cache, as numbers of its
  // type.
  virtual void store_rows(const Tensor& x, const tensor::Indices& from, const Tensor& into,
                          const tensor::Indices& to) = 0;

  // Every row of x, to the rows to[i] of `into`, or to its first ones.
  void store_all(const Tensor& x, const Tensor& into, const tensor::Indices& to);
  void store_all(const Tensor& x, const Tensor& into);

  virtual Tensor gather_columns(const Tensor& x, const tensor::Indices& columns);
  // [m, a] and [m, b], ... side by side.
  virtual Tensor concat_columns(std::span<const Tensor> parts);

  // One row per sequence from its rows offsets[s] .. offsets[s+1] (at least one). kMeanSqrtLen: sum
  // / sqrt(count); kWeightedMean: the row at position p of its sequence (rows.index) has weight p
  // + 1.
  virtual Tensor pool(const Tensor& x, Pooling how, const tensor::SequenceRows& rows);

  // Rows of length 1: x / max(|x|, 1e-12).
  virtual Tensor l2_normalize(Tensor x);

  // Late interaction: y[0, i] = sum over the rows of q of its largest product with a row
  // offsets[i] .. offsets[i+1] (at least one) of d. q [m, n], d [rows, n]. Khattab and Zaharia
  // 2020, arXiv:2004.12832.
  virtual Tensor max_sim(const Tensor& q, const Tensor& d, const tensor::Indices& offsets);

  // What follows is computed in double and rounded to float32 once, up to top_k().

  // y[0, i] = how near row i of d [rows, n] is to q [1, n]. The cosine of a vector that is 0 is 0.
  virtual Tensor nearness(const Tensor& q, const Tensor& d, Nearness how);
  virtual Tensor nearness(const SparseRows& q, const SparseRows& d, Nearness how);
  // y[0] = sum of weights[i] x[i] / sum of the weights; of length 1 (as l2_normalize()) where
  // `normalize`.
  virtual Tensor weighted_mean(const Tensor& x, std::span<const double> weights, bool normalize);

  // What heads do to logits: (x - mean) / sigma; e^x / sum of e^x over each row and its logarithm;
  // 1 / (1 + e^-x); any activation.
  virtual Tensor standardize(Tensor x, double mean, double sigma);
  virtual Tensor softmax(Tensor x);
  virtual Tensor log_softmax(Tensor x);
  virtual Tensor sigmoid(Tensor x);
  virtual Tensor activate_exactly(Tensor x, Activation act);
  // cap tanh(x / cap); cap 0 = x.
  virtual Tensor softcap(Tensor x, float cap);
  // Of each row the k largest numbers and their columns (exact below 2^24), the largest first; of
  // equal ones the first column. [m, k] each.
  struct TopK {
    Tensor values, columns;
  };
  virtual TopK top_k(const Tensor& x, int64_t k);

  // Caches of numbers of another type (float32, bfloat16, float8_e4m3, float8_e5m2): storage as
  // allocate_kept() gives it, which store_rows() writes and attention() reads; here of float32
  // alone. And every number becomes the one of the type that is nearest to it; of two that are, the
  // even one. What is larger than all of a float8 becomes its largest; infinities stay or, where
  // there are none, become NaN.
  virtual Tensor allocate_cache(int64_t rows, int64_t columns, tensor::DType dtype);
  virtual Tensor round_to(Tensor x, tensor::DType dtype);
};

}  // namespace vecton::ops

namespace vecton {
using ops::Ops;  // every folder that computes speaks of them
}  // namespace vecton
