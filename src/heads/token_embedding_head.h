// TokenEmbeddingHead: a vector per token: the hidden rows themselves, or their projection (late
// interaction), of length 1 where that is asked for.
#pragma once

#include <optional>
#include <vector>

#include "heads/dense_stack.h"
#include "heads/head.h"

namespace vecton {

class TokenEmbeddingHead final : public Head {
 public:
  // `linear` and then `dense`; neither = the hidden rows. `skip_first`: the first token has no
  // vector (BGE-M3).
  TokenEmbeddingHead(std::optional<LinearWeight> linear, DenseStack dense, bool skip_first = false);

  void want(const HeadInput& input, Rows& wanted) const override;
  std::vector<HeadAnswer> answer(Ops& ops, const Tensor& hidden, const Rows& rows,
                                 std::span<const HeadInput> inputs) const override;
  int64_t weight_bytes() const override { return dense_.weight_bytes(); }

 private:
  std::optional<LinearWeight> linear_;
  DenseStack dense_;
  bool skip_first_;
};

}  // namespace vecton
