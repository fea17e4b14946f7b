// HeadWeights: the layers that a checkpoint has on top of its backbone, as a family reads them and
// heads/ computes them. A plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ops/ops.h"

namespace vecton::checkpoint {

// What an architecture has on top of its backbone.
enum class HeadKind {
  kNone,                    // XModel
  kSequenceClassification,  // XForSequenceClassification: one row of labels per text or pair
  kTokenClassification,     // XForTokenClassification: one row of labels per token
  kMaskedLm,                // XForMaskedLM: logits of the vocabulary
  kCausalLm,                // XForCausalLM: logits of the next token
  kOther,                   // known, and not computed: only the backbone can be served
};

// y = norm(act(x W^T + b)); without `norm` that is the last step.
struct HeadStep {
  ops::LinearWeight linear;
  ops::Activation activation = ops::Activation::kIdentity;
  std::optional<ops::NormWeight> norm;
};

struct HeadWeights {
  bool every_token = false;  // steps are taken for every row, not for the pooled one
  ops::Pooling pooling = ops::Pooling::kCls;  // of the rows of a sequence
  int32_t padding_id = -1;                    // kLast is the last token that is not this one
  size_t token_steps = 0;       // so many of the steps are taken for every row, then pooled
  std::vector<HeadStep> steps;  // in order; the last gives the logits
  size_t pooler_steps = 0;      // the first of them that make a text's vector of its first token's
  // Of kCausalLm, whose rows are lm_head's or the embedding table's: logits x become
  // softcap tanh(scale x / softcap); softcap 0 = scale x.
  float logit_scale = 1, logit_softcap = 0;
};

}  // namespace vecton::checkpoint
