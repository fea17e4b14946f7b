// TokenEmbeddingHead: a vector per token: the hidden rows themselves, or their projection (late
// interaction), of length 1 where TokenEmbed or the checkpoint says so.
#pragma once

#include <optional>
#include <vector>

#include "heads/head.h"
#include "heads/row_modules.h"

namespace vecton::heads {

class TokenEmbeddingHead final : public Head {
 public:
  // `linear` and then `modules`; neither = the hidden rows. `normalize` counts where a request says
  // nothing. `skip_first`: the first token has no vector (BGE-M3).
  TokenEmbeddingHead(std::optional<ops::LinearWeight> linear, RowModules modules, bool normalize,
                     bool skip_first = false);

  void want(const HeadInput& input, tensor::Rows& wanted) const override;
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;
  int64_t weight_bytes() const override { return modules_.weight_bytes(); }

 private:
  std::optional<ops::LinearWeight> linear_;
  RowModules modules_;
  bool normalize_, skip_first_;
};

}  // namespace vecton::heads
