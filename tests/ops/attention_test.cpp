// attention().
#include <algorithm>

#include "ops/support.h"

namespace vecton::test {
namespace {

enum class Wanted { kAll, kFirst, kLast, kSome, kNone };

struct AttentionCase {
  int64_t heads, kv_heads, head_dim;
  bool causal = false;
  std::vector<int32_t> lengths;
  Wanted wanted = Wanted::kAll;
  float magnitude = 1;  // of q and k: scores grow with its square
  bool fused = false;   // q, k, v are columns of one tensor, as a stacked linear layer gives them
};

std::string describe(const AttentionCase& c) {
  return std::to_string(c.heads) + "/" + std::to_string(c.kv_heads) + " heads of " +
         std::to_string(c.head_dim) + (c.causal ? ", causal" : "") + ", lengths " +
         testing::PrintToString(c.lengths) + ", wanted " +
         std::to_string(static_cast<int>(c.wanted)) + ", magnitude " + std::to_string(c.magnitude) +
         (c.fused ? ", fused" : "");
}

Rows wanted_rows(const std::vector<int32_t>& lengths, Wanted wanted) {
  Rows rows;
  for (size_t s = 0; s < lengths.size(); ++s) {
    const int32_t length = lengths[s];
    for (int32_t i = 0; i < length; ++i) {
      const bool some = (i * 7 + static_cast<int32_t>(s)) % 3 == 0 &&
                        s % 4 != 3;  // none of every fourth sequence
      if (wanted == Wanted::kAll || (wanted == Wanted::kFirst && i == 0) ||
          (wanted == Wanted::kLast && i == length - 1) || (wanted == Wanted::kSome && some)) {
        rows.index.push_back(i);
      }
    }
    rows.offsets.push_back(static_cast<int32_t>(rows.index.size()));
  }
  return rows;
}

// A rounding error in a score multiplies the weight of its value, so errors grow with the scores:
// max |v| (1 + max |score|).
Matrix attention_scale(const Matrix& q, const Matrix& k, const Matrix& v,
                       const AttentionShape& shape, const Rows& queries,
                       const std::vector<int32_t>& keys) {
  Matrix scale(q.rows, q.columns);
  const int64_t d = shape.head_dim;
  for (int64_t s = 0; s < queries.sequences(); ++s) {
    for (int64_t i = queries.offsets[s]; i < queries.offsets[s + 1]; ++i) {
      for (int64_t head = 0; head < shape.heads; ++head) {
        const int64_t column = head / (shape.heads / shape.kv_heads) * d;
        double score = 0, value = 0;
        for (int64_t j = keys[s]; j < keys[s + 1]; ++j) {
          double sum = 0;
          for (int64_t c = 0; c < d; ++c) {
            sum += std::abs(static_cast<double>(q.at(i, head * d + c)) * k.at(j, column + c));
            value = std::max<double>(value, std::abs(v.at(j, column + c)));
          }
          score = std::max(score, sum * shape.scale);
        }
        for (int64_t c = 0; c < d; ++c)
          scale.at(i, head * d + c) = static_cast<float>(value * (1 + score));
      }
    }
  }
  return scale;
}

class Attention : public OpTest {
 protected:
  void check(const AttentionCase& c) {
    if (HasFailure()) return;
    SCOPED_TRACE(describe(c));
    Random random(static_cast<uint32_t>(c.heads * 100 + c.head_dim));
    const Rows all = all_rows(c.lengths), queries = wanted_rows(c.lengths, c.wanted);
    const int64_t q_columns = c.heads * c.head_dim, kv_columns = c.kv_heads * c.head_dim;
    const Matrix q = random_matrix(random, queries.count(), q_columns, c.magnitude);
    const Matrix k = random_matrix(random, all.count(), kv_columns, c.magnitude);
    const Matrix v = random_matrix(random, all.count(), kv_columns);
    const AttentionShape shape{c.heads, c.kv_heads, c.head_dim,
                               1 / std::sqrt(static_cast<float>(c.head_dim)), c.causal};
    const auto run = [&](Ops& on) {
      Tensor tq = upload(on, q), tk = upload(on, k), tv = upload(on, v);
      if (c.fused) {
        const Tensor parts[] = {tk, tv};
        const Tensor kv = on.concat_columns(parts);
        tk = kv.slice_columns(0, kv_columns);
        tv = kv.slice_columns(kv_columns, kv_columns);
        tq = upload(on, q, Layout::kStrided);
      }
      return download(on, on.attention(tq, tk, tv, shape, queries, all.offsets));
    };
    expect_close(run(*ops_), run(*ref_), attention_scale(q, k, v, shape, queries, all.offsets),
                 sum_bound(600));
  }
};

TEST_P(Attention, HeadDims) {
  for (const int64_t head_dim : {8, 16, 24, 32, 40, 64, 80, 96, 128, 256}) {
    for (const bool causal : {false, true}) {
      check({.heads = 3,
             .kv_heads = 3,
             .head_dim = head_dim,
             .causal = causal,
             .lengths = {1, 5, 17, 64, 33}});
      check({.heads = 4,
             .kv_heads = 2,
             .head_dim = head_dim,
             .causal = causal,
             .lengths = {40, 1, 2},
             .fused = true});
    }
  }
}

TEST_P(Attention, EveryLength) {
  for (const bool causal : {false, true}) {
    for (int32_t length = 0; length <= 70; ++length) {
      check({.heads = 2, .kv_heads = 1, .head_dim = 16, .causal = causal, .lengths = {length}});
    }
    for (const int32_t length : {95, 96, 97, 127, 128, 129, 255, 256, 257, 511, 513, 600}) {
      check({.heads = 2, .kv_heads = 2, .head_dim = 32, .causal = causal, .lengths = {length}});
    }
  }
}

TEST_P(Attention, ManySequences) {
  for (const bool causal : {false, true}) {
    for (const bool fused : {false, true}) {
      check({.heads = 12,
             .kv_heads = 12,
             .head_dim = 32,
             .causal = causal,
             .lengths = {3, 1, 77, 12, 0, 31, 32, 33, 5, 120, 2},
             .fused = fused});
      check({.heads = 16,
             .kv_heads = 8,
             .head_dim = 64,
             .causal = causal,
             .lengths = {60, 7, 1, 19},
             .fused = fused});
    }
  }
}

TEST_P(Attention, GroupsOfHeads) {
  for (const int64_t group : {1, 2, 3, 4, 7, 8}) {
    check({.heads = 2 * group,
           .kv_heads = 2,
           .head_dim = 16,
           .causal = true,
           .lengths = {1, 30, 65}});
    check({.heads = group, .kv_heads = 1, .head_dim = 24, .lengths = {50}, .fused = true});
  }
}

TEST_P(Attention, WantedRows) {
  for (const bool causal : {false, true}) {
    for (const Wanted wanted : {Wanted::kFirst, Wanted::kLast, Wanted::kSome, Wanted::kNone}) {
      check({.heads = 4,
             .kv_heads = 2,
             .head_dim = 32,
             .causal = causal,
             .lengths = {1, 2, 65, 20, 130, 7, 1, 300},
             .wanted = wanted,
             .fused = causal});
    }
  }
}

TEST_P(Attention, LargeScores) {
  for (const bool causal : {false, true}) {
    for (const float magnitude : {1e-4f, 5.0f, 20.0f, 200.0f}) {
      check({.heads = 2,
             .kv_heads = 2,
             .head_dim = 64,
             .causal = causal,
             .lengths = {100, 3},
             .magnitude = magnitude});
    }
  }
}

VECTON_FOR_EVERY_TARGET(Attention);

}  // namespace
}  // namespace vecton::test
