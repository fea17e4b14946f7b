// Ops: the seam to hardware. Everything that touches numbers goes through here; nothing here knows
// a model, a task or a file.
//
// Called by nn/, models/ and heads/. An Ops is one stream of execution with an arena of its own:
// not thread-safe, one per worker (fork()). Weights prepared by one may be used by every fork of
// it, from any thread.
//
// A pure virtual operation must be written for every backend; one with a body is its meaning in
// terms of the others, to be overridden where a profile asks for it. All arithmetic is float32.
// Every element of a result is computed in an order that depends on its own row and sequence alone:
// not on the batch around it, nor on the number of threads. Shapes are checked by the caller at
// load; operations may assume them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tensor/batch.h"
#include "tensor/tensor.h"
#include "tensor/weight.h"

namespace vecton {

class ThreadPool;

enum class Activation {
  kIdentity,
  kGelu,      // x/2 (1 + erf(x / sqrt 2))
  kGeluTanh,  // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  kRelu,      // max(x, 0)
  kSilu,      // x / (1 + e^-x)
  kTanh,
  kSigmoid,    // 1 / (1 + e^-x)
  kLog1pRelu,  // ln(1 + max(x, 0))
  // The rest of torch's, with its defaults: see is_common() in ops/activation.h.
  kLeakyRelu,    // x < 0: x / 100
  kPRelu,        // x < 0: x / 4, the slope that torch starts from
  kRRelu,        // x < 0: 11/48 x, the mean of its slopes
  kElu,          // x < 0: e^x - 1; CELU is the same
  kSelu,         // 1.0507 (x < 0: 1.67326 (e^x - 1))
  kSoftplus,     // ln(1 + e^x); x above 20
  kMish,         // x tanh(ln(1 + e^x))
  kHardtanh,     // x within -1 .. 1
  kHardSigmoid,  // x/6 + 1/2 within 0 .. 1
  kHardSwish,    // x hard sigmoid(x)
  kSoftsign,     // x / (1 + |x|)
  kRelu6,        // x within 0 .. 6
  kTanhshrink,   // x - tanh(x)
  kLogSigmoid,   // -ln(1 + e^-x)
  kSoftshrink,   // x moved towards 0 by 1/2, not beyond it
  kHardshrink,   // 0 within -1/2 .. 1/2, else x
};

// What a backend made of one or several stacked weights [n, k].
struct Prepared {
  int64_t n = 0, k = 0;
  int64_t bytes = 0;  // memory held for it
  virtual ~Prepared() = default;
};
using PreparedWeight = std::shared_ptr<const Prepared>;

// A vector of parameters (bias, norm weight), widened to float32. Empty = absent.
using Vector = std::shared_ptr<const std::vector<float>>;

// W [n, k] and, optionally, b [n].
struct LinearWeight {
  PreparedWeight w;
  Vector bias;
};

// Gate and up [n, k] and, optionally, the gate's biases [n] followed by those of up [n].
struct GatedWeight {
  PreparedWeight w;
  Vector bias;
};

struct NormWeight {
  enum class Kind { kLayerNorm, kRmsNorm };
  Kind kind = Kind::kLayerNorm;
  Vector weight, bias;  // [columns]; bias may be absent
  float eps = 0;
};

// cos and sin of every position and frequency: [positions, rotary_dim / 2]. Pairs are (i, i +
// rotary_dim / 2).
struct RopeTable {
  int64_t rotary_dim = 0, positions = 0;
  std::vector<float> cos, sin;
};

struct AttentionShape {
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  float scale = 0;  // of q k^T
  bool causal = false;
  int64_t window = 0;  // a query at p sees keys at j with |p - j| < window; 0 = all
  float softcap = 0;   // scores become softcap tanh(score / softcap); 0 = they stay
};

// What is added to the scaled (and capped) score of head h, query row i at position p and key row r
// at position j: by_head[h, b] + by_query[i, h*buckets + b] + by_key[r, h*buckets + b], where b =
// bucket[p - j + reach], p - j clamped to -reach .. reach. Empty tensors add nothing. Relative
// position biases of T5 (arXiv:1910.10683) and MPNet are by_head, the disentangled attention of
// DeBERTa (arXiv:2006.03654) is by_query and by_key.
struct AttentionBias {
  int64_t reach = 0, buckets = 0;
  std::span<const int32_t> bucket;  // [2 reach + 1]; empty = no bias
  Tensor by_head, by_query, by_key;
};

// Keys and values of earlier tokens in pages of `page_rows` rows of k and v: sequence s starts with
// the pages pages[offsets[s]] .. pages[offsets[s + 1]], all of them full. Empty offsets = none.
struct KeyPages {
  Tensor k, v;
  int64_t page_rows = 0;
  std::span<const int32_t> pages, offsets;
};

enum class Pooling { kCls, kMax, kMean, kMeanSqrtLen, kWeightedMean, kLast };

class Ops {
 public:
  virtual ~Ops() = default;

  virtual std::string_view name() const = 0;  // "cpu", "ref"
  virtual std::string_view isa() const = 0;   // "avx512", "avx2", "neon", "scalar"
  virtual std::unique_ptr<Ops> fork() const = 0;

  // Gives back the memory that is kept for the next forward pass. Called on the thread that uses
  // this Ops, when it has had nothing to do for a while.
  virtual void give_back_memory() {}

  // A fresh [rows, columns] of undefined contents.
  virtual Tensor allocate(int64_t rows, int64_t columns) = 0;
  // Copies in and out of the backend's memory.
  virtual Tensor upload(std::span<const float> values, int64_t rows, int64_t columns) = 0;
  virtual void download(const Tensor& x, std::span<float> values) = 0;

  // Stacks `parts` ([n_i, k] each, same k) into one matrix for linear(); float32, float16 or
  // bfloat16, stored as it is.
  virtual PreparedWeight prepare_linear(std::span<const Weight> parts) = 0;
  // Gate and up, [n, k] each, for gated_linear().
  virtual PreparedWeight prepare_gated(const Weight& gate, const Weight& up) = 0;
  // A table of rows for embed().
  virtual PreparedWeight prepare_table(const Weight& table) = 0;

  // y[i] = sum over the tables of table[ids[i]], added in the order given.
  struct Lookup {
    const Prepared& table;
    std::span<const int32_t> ids;
  };
  virtual Tensor embed(std::span<const Lookup> lookups) = 0;

  // y = act(x W^T + b) + residual. x [m, k] -> [m, n].
  virtual Tensor linear(const Tensor& x, const LinearWeight& w,
                        Activation act = Activation::kIdentity,
                        const Tensor* residual = nullptr) = 0;

  // y = act(x G^T + g) * (x U^T + u), act one of is_common(). x [m, k] -> [m, n].
  virtual Tensor gated_linear(const Tensor& x, const GatedWeight& gate_up, Activation act) = 0;

  // Element by element. `a` and `x` lend their storage when they are given for good.
  virtual Tensor add(Tensor a, const Tensor& b) = 0;
  virtual Tensor multiply(Tensor a, const Tensor& b) = 0;
  virtual Tensor scale(Tensor x, float factor) = 0;
  virtual Tensor activate(Tensor x, Activation act) = 0;

  // LayerNorm: (x - mean) / sqrt(var + eps) * w + b; RmsNorm: x / sqrt(mean(x^2) + eps) * w, over
  // each group of w.weight->size() columns (a row, or one head of it). Reuses x's storage when it
  // is given for good.
  virtual Tensor norm(Tensor x, const NormWeight& w) = 0;

  // Rotates the first rotary_dim columns of every head by the row's position (half-split form):
  // with c, s of the position, (a, b) -> (a c - b s, b c + a s). Su et al. 2021, arXiv:2104.09864.
  virtual Tensor rope(Tensor x, int64_t head_dim, std::span<const int32_t> positions,
                      const RopeTable& table) = 0;

  // softmax(scale q k^T + bias) v per sequence and head. q [queries.count(), heads*head_dim]; k, v
  // [keys.back(), kv_heads*head_dim] with sequence s at rows keys[s] .. keys[s+1], after its pages
  // of `before`; head h reads key head h / (heads / kv_heads). Keys have positions 0, 1, ... of
  // their sequence, pages counted; queries.index holds the queries' positions. Causal: a query at
  // position p sees keys 0..p. `attended` [sequences]: only so many of a sequence's own rows are
  // keys; empty = all of them. A query that sees no key gives 0; one whose window
  // holds unattended rows only gives the mean of v over its sequence's own rows, as scores that are
  // all masked by the same large number do. The bits do not depend on how much
  // of a sequence lies in pages.
  virtual Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                           const AttentionShape& shape, const Rows& queries,
                           std::span<const int32_t> keys, const AttentionBias& bias = {},
                           const KeyPages& before = {}, std::span<const int32_t> attended = {}) = 0;

  // Depthwise causal convolution along each sequence: y[t, c] = b[c] + sum over i < width of
  // w[c, i] x[t - width + 1 + i, c]; what lies before a sequence is 0. `weight` [columns * width].
  virtual Tensor short_conv(const Tensor& x, const Vector& weight, const Vector& bias,
                            const Rows& rows) = 0;

  virtual Tensor gather_rows(const Tensor& x, std::span<const int32_t> rows) = 0;

  // One row per sequence from its rows offsets[s] .. offsets[s+1] (at least one). kMeanSqrtLen: sum
  // / sqrt(count); kWeightedMean: the row at position p of its sequence (rows.index) has weight p
  // + 1.
  virtual Tensor pool(const Tensor& x, Pooling how, const Rows& rows) = 0;

  // Rows of length 1: x / max(|x|, 1e-12).
  virtual Tensor l2_normalize(Tensor x) = 0;

  // Rows from[i] of x are written to rows to[i] of `into`, storage of a cache.
  virtual void store_rows(const Tensor& x, std::span<const int32_t> from, const Tensor& into,
                          std::span<const int32_t> to) = 0;

  // Late interaction: y[0, i] = sum over the rows of q of its largest product with a row
  // offsets[i] .. offsets[i+1] (at least one) of d. q [m, n], d [rows, n]. Khattab and Zaharia
  // 2020, arXiv:2004.12832.
  virtual Tensor max_sim(const Tensor& q, const Tensor& d, std::span<const int32_t> offsets) = 0;

  // [m, a] and [m, b], ... side by side.
  virtual Tensor concat_columns(std::span<const Tensor> parts) = 0;
};

}  // namespace vecton
