// Sparse heads: weights of the vocabulary's tokens. SpladeHead takes them from a masked language
// model (Formal et al. 2021, arXiv:2109.10086), LexicalHead gives every token of the text one
// weight (BGE-M3, arXiv:2402.03216), StaticWeightsHead has a table of them.
#pragma once

#include <optional>
#include <set>

#include "checkpoint/head_weights.h"
#include "checkpoint/modules.h"
#include "heads/head.h"
#include "heads/row_modules.h"

namespace vecton::heads {

// Of token v: the maximum (or sum) over the positions of log1p(relu(logit of v)), through
// `modules`; then the `most` largest of them, where that is given.
class SpladeHead final : public Head {
 public:
  SpladeHead(checkpoint::HeadWeights weights, const checkpoint::SpladePooling& pooling,
             RowModules modules, std::optional<int64_t> most);
  void want(const HeadInput& input, tensor::Rows& wanted) const override {
    want_tokens(input, wanted);
  }
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;

 private:
  checkpoint::HeadWeights weights_;
  checkpoint::SpladePooling pooling_;
  RowModules modules_;
  std::optional<int64_t> most_;
};

// Of token v: the largest relu(w h + b) of the places where v stands; special tokens have none.
class LexicalHead final : public Head {
 public:
  LexicalHead(ops::LinearWeight linear, std::set<int32_t> special);
  void want(const HeadInput& input, tensor::Rows& wanted) const override {
    want_tokens(input, wanted);
  }
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;

 private:
  ops::LinearWeight linear_;
  std::set<int32_t> special_;
};

// Of each token in the text its own weight, the row that the model has of it (inference-free
// SPLADE); then the `most` largest of them.
class StaticWeightsHead final : public Head {
 public:
  explicit StaticWeightsHead(std::optional<int64_t> most) : most_(most) {}
  void want(const HeadInput& input, tensor::Rows& wanted) const override {
    want_tokens(input, wanted);
  }
  std::vector<Answer> answer(Ops& ops, const Tensor& hidden, const tensor::Rows& rows,
                             std::span<const HeadInput> inputs) const override;

 private:
  std::optional<int64_t> most_;
};

}  // namespace vecton::heads
