// Sparse heads: weights of the vocabulary's tokens. SpladeHead takes them from a masked language
// model (Formal et al. 2021, arXiv:2109.10086), LexicalHead gives every token of the text one
// weight (BGE-M3, arXiv:2402.03216).
#pragma once

#include <set>

#include "checkpoint/head_weights.h"
#include "checkpoint/sentence_transformers.h"
#include "heads/head.h"

namespace vecton {

// Of token v: the maximum (or sum) over the positions of log1p(relu(logit of v)).
class SpladeHead final : public Head {
 public:
  SpladeHead(HeadWeights weights, const SpladePooling& pooling);
  void want(const HeadInput& input, Rows& wanted) const override { want_tokens(input, wanted); }
  std::vector<HeadAnswer> answer(Ops& ops, const Tensor& hidden, const Rows& rows,
                                 std::span<const HeadInput> inputs) const override;

 private:
  HeadWeights weights_;
  SpladePooling pooling_;
};

// Of token v: the largest relu(w h + b) of the places where v stands; special tokens have none.
class LexicalHead final : public Head {
 public:
  LexicalHead(LinearWeight linear, std::set<int32_t> special);
  void want(const HeadInput& input, Rows& wanted) const override { want_tokens(input, wanted); }
  std::vector<HeadAnswer> answer(Ops& ops, const Tensor& hidden, const Rows& rows,
                                 std::span<const HeadInput> inputs) const override;

 private:
  LinearWeight linear_;
  std::set<int32_t> special_;
};

}  // namespace vecton
