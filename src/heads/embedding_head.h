// EmbeddingHead: hidden rows of a sequence to one vector: pooling modes side by side, Dense layers,
// then, per request, the first `dimensions` values and length 1. Names the rows it wants;
// immutable, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "checkpoint/sentence_transformers.h"
#include "ops/ops.h"

namespace vecton {

class EmbeddingHead {
 public:
  // `dense` as the checkpoint has them, read with `ops`. Errors name the module whose sizes don't
  // follow on another.
  EmbeddingHead(std::vector<Pooling> pooling, bool include_prompt,
                std::span<const DenseModule> dense, int64_t hidden, Ops& ops);

  // Adds the rows wanted of a sequence of `tokens` tokens, the first `prompt_tokens` of which are
  // the prompt's.
  void want(int64_t tokens, int64_t prompt_tokens, Rows& wanted) const;

  // [rows.sequences(), size()]: `hidden` holds the rows wanted. `prompt_tokens` [sequences] are
  // left out of means and maxima where the checkpoint says so.
  Tensor forward(Ops& ops, const Tensor& hidden, const Rows& rows,
                 std::span<const int64_t> prompt_tokens) const;

  // One row of forward(): cut (Matryoshka), then normalised.
  static Tensor finish(Ops& ops, const Tensor& row, std::optional<int64_t> dimensions,
                       bool normalize);

  int64_t size() const { return size_; }
  // Bytes that the Dense layers hold.
  int64_t weight_bytes() const { return weight_bytes_; }

 private:
  struct Dense {
    LinearWeight linear;
    Activation activation;
  };
  static bool one_row(Pooling pooling) {
    return pooling == Pooling::kCls || pooling == Pooling::kLast;
  }

  std::vector<Pooling> pooling_;
  bool include_prompt_, all_rows_;
  std::vector<Dense> dense_;
  int64_t size_ = 0, weight_bytes_ = 0;
};

}  // namespace vecton
