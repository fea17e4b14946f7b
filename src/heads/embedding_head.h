// EmbeddingHead: hidden rows of a sequence to one vector: pooling modes side by side, Dense layers,
// then, per request, the first `dimensions` values and length 1. Of a sequence with parts (late
// chunking) every part is pooled for itself: a vector per part.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "checkpoint/sentence_transformers.h"
#include "heads/dense_stack.h"
#include "heads/head.h"
#include "ops/ops.h"

namespace vecton {

class EmbeddingHead final : public Head {
 public:
  // `dense` as the checkpoint has them, read with `ops`. Errors name the module whose sizes don't
  // follow on another.
  EmbeddingHead(std::vector<Pooling> pooling, bool include_prompt,
                std::span<const DenseModule> dense, int64_t hidden, Ops& ops);

  void want(const HeadInput& input, Rows& wanted) const override;
  std::vector<HeadAnswer> answer(Ops& ops, const Tensor& hidden, const Rows& rows,
                                 std::span<const HeadInput> inputs) const override;
  int64_t weight_bytes() const override { return dense_.weight_bytes(); }

 private:
  // [rows.sequences(), width].
  Tensor pooled(Ops& ops, const Tensor& hidden, const Rows& rows) const;
  static bool one_row(Pooling pooling) {
    return pooling == Pooling::kCls || pooling == Pooling::kLast;
  }

  std::vector<Pooling> pooling_;
  bool include_prompt_, all_rows_;
  DenseStack dense_;
};

}  // namespace vecton
