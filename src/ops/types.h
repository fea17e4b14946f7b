// What operations take beside tensors: weights as a backend has prepared them, and the numbers and
// kinds that a model decides once. Kernels include this alone.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace vecton::ops {

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

// A vector of parameters (bias, norm weight), [1, n], as Ops::prepare_parameters gives it. Empty =
// absent.
using Vector = Tensor;

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

// How a mixture of experts chooses: the k experts of a row with the largest score, plus
// `correction` where there is one, and their weights.
struct Router {
  enum class Scores {
    kSoftmax,          // of all logits
    kSigmoid,          // of each
    kSoftmaxOfChosen,  // the logits choose; the weights are the softmax of those chosen
    // SparseMixer (arXiv:2310.00811): one after another, each weighed by softmax against the
    // logits left that are near it: (its - other) / max(|other|, its) <= 2 jitter
    kSparseMixer,
  };
  Scores scores = Scores::kSoftmax;
  int64_t k = 1;
  bool normalize = false;  // weights are divided by (their sum + least)
  double least = 1e-20;
  float scale = 1;  // then multiplied by this, and by factors[expert]
  // Only experts of the top_groups best of equally large groups are chosen; a group is as good as
  // the sum of its two best.
  int64_t groups = 1, top_groups = 1;
  float jitter = 0;
  Vector correction, factors;  // [experts]; may be absent
};

// Experts of every row, and their weights.
struct Routes {
  tensor::Indices experts;  // [rows * k], row by row
  Tensor weights;           // [rows, k]
};

// Rows that have a weight of their own among others.
template <class W>
struct RowsOf {
  const W* weight;
  int64_t rows;
};

// Gate and up apart, for clamped_swiglu().
struct SplitGate {
  LinearWeight gate, up;
};

struct Expert {
  std::variant<GatedWeight, SplitGate, LinearWeight> up;  // the last: nothing is gated
  LinearWeight down;
};

struct Experts {
  std::vector<Expert> all;
  Activation activation = Activation::kSilu;  // but of SplitGate
  float alpha = 0, limit = 0;                 // of SplitGate
};

// Sizes of a gated delta rule.
struct DeltaShape {
  int64_t key_heads = 0, value_heads = 0, key_dim = 0, value_dim = 0;
  bool in_turn = false;  // value heads of one key head lie `key_heads` apart, not side by side

  int64_t key_head(int64_t value_head) const {
    return in_turn ? value_head % key_heads : value_head / (value_heads / key_heads);
  }
};

struct DeltaInput {
  const Tensor &q, &k;        // [m, key_heads * key_dim]
  const Tensor& v;            // [m, value_heads * value_dim]
  const Tensor &step, &beta;  // [m, value_heads]
  const Vector& rate;         // [value_heads]
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
  Tensor cos, sin;
  int64_t positions() const { return cos.rows(); }
  int64_t rotary_dim() const { return 2 * cos.columns(); }
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
  tensor::Indices bucket;  // [2 reach + 1]; empty = no bias
  Tensor by_head, by_query, by_key;
  // [heads]: one more score of each head, of no key: it takes its part of the softmax and gives no
  // value (Xiao et al. 2023, arXiv:2309.17453). Empty = none.
  Vector sinks;
};

// Keys and values of earlier tokens in pages of `page_rows` rows of k and v: sequence s starts with
// `cached[s]` rows in the pages pages[offsets[s]] .. pages[offsets[s + 1]], of which the last may
// be filled in part. k and v may be of any type that Ops::allocate_cache() gives. Empty offsets =
// none.
struct KeyPages {
  Tensor k, v;
  int64_t page_rows = 0;
  tensor::Indices pages, offsets, cached;
};

// How near two vectors are: their product, its cosine, or a distance, which is negative so that the
// nearest are the largest.
enum class Nearness { kDot, kCosine, kEuclidean, kManhattan };

// Rows of which only some columns are not 0: row i has values[offsets[i]] .. values[offsets[i + 1]]
// in `columns`, which ascend.
struct SparseRows {
  Tensor values;  // [1, count]
  tensor::Indices columns, offsets;
};

enum class Pooling { kCls, kMax, kMean, kMeanSqrtLen, kWeightedMean, kLast };

}  // namespace vecton::ops
