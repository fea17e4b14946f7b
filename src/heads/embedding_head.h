// EmbeddingHead: hidden rows of a sequence to one vector: modules of the rows, pooling modes side
// by side, modules of the vector; then, as Embed or the checkpoint says, the first `dimensions`
// values and length 1. Of a sequence with parts (late chunking) every part is pooled for itself: a
// vector per part.
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
  // What counts where a request says nothing.
  struct Defaults {
    bool normalize = false;
    std::optional<int64_t> dimensions{};
    std::optional<int64_t> truncate{};  // the finished vector is cut to so many values
  };
  EmbeddingHead(RowModules token_modules, std::vector<ops::Pooling> pooling, bool include_prompt,
                RowModules vector_modules, const Defaults& defaults);

  void want(const HeadInput& input, tensor::Rows& wanted) const override;
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;
  // The vectors of each sequence as the modules leave them.
  std::vector<Tensor> vectors(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                              std::span<const HeadInput> inputs) const;
  int64_t weight_bytes() const override {
    return token_modules_.weight_bytes() + vector_modules_.weight_bytes();
  }

 private:
  Tensor finish(Ops& ops, Tensor vectors, const Embed& task) const;
  // [rows.sequences(), width].
  Tensor pooled(Ops& ops, const Tensor& hidden, const tensor::Rows& rows) const;
  static bool one_row(ops::Pooling pooling) {
    return pooling == ops::Pooling::kCls || pooling == ops::Pooling::kLast;
  }

  RowModules token_modules_, vector_modules_;
  std::vector<ops::Pooling> pooling_;
  bool include_prompt_, all_rows_;
  Defaults defaults_;
};

}  // namespace vecton::heads
