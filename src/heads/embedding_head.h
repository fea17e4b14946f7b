// EmbeddingHead: hidden rows of a sequence to one vector: modules of the rows, pooling modes side
// by side, modules of the vector; then, per request, the first `dimensions` values and length 1. Of
// a sequence with parts (late chunking) every part is pooled for itself: a vector per part.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "checkpoint/modules.h"
#include "heads/head.h"
#include "heads/row_modules.h"
#include "ops/ops.h"

namespace vecton::heads {

class EmbeddingHead final : public Head {
 public:
  // `truncate`: where a request names no dimensions, its finished vector is cut to so many values.
  EmbeddingHead(RowModules token_modules, std::vector<ops::Pooling> pooling, bool include_prompt,
                RowModules vector_modules, std::optional<int64_t> truncate = std::nullopt);

  void want(const HeadInput& input, tensor::Rows& wanted) const override;
  std::vector<HeadAnswer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                                 std::span<const HeadInput> inputs) const override;
  // The same before it is read: of each sequence the vectors, [parts, columns].
  std::vector<Tensor> vectors(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                              std::span<const HeadInput> inputs) const;
  int64_t weight_bytes() const override {
    return token_modules_.weight_bytes() + vector_modules_.weight_bytes();
  }

 private:
  // [rows.sequences(), width].
  Tensor pooled(Ops& ops, const Tensor& hidden, const tensor::Rows& rows) const;
  static bool one_row(ops::Pooling pooling) {
    return pooling == ops::Pooling::kCls || pooling == ops::Pooling::kLast;
  }

  RowModules token_modules_, vector_modules_;
  std::vector<ops::Pooling> pooling_;
  bool include_prompt_, all_rows_;
  std::optional<int64_t> truncate_;
};

}  // namespace vecton::heads
