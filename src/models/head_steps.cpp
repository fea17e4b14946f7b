#include "models/head_steps.h"

#include <utility>

#include "checkpoint/labels.h"

namespace vecton {

HeadStep label_step(const Config& config, const Weights& w, int64_t n) {
  return {.linear = w.linear(static_cast<int64_t>(read_labels(config).size()), n)};
}

HeadWeights token_classifier(const Config& config, const Weights& w, int64_t n) {
  return {.every_token = true, .steps = {label_step(config, w, n)}};
}

HeadWeights first_token_classifier(const Config& config, LinearWeight dense, Activation activation,
                                   const Weights& labels, int64_t n) {
  return {.steps = {{.linear = std::move(dense), .activation = activation},
                    label_step(config, labels, n)}};
}

HeadWeights bert_classifier(const Config& config, HeadKind kind, const Weights& w, int64_t n) {
  if (kind == HeadKind::kTokenClassification) return token_classifier(config, w / "classifier", n);
  HeadWeights head = first_token_classifier(config, (w / "pooler" / "dense").linear(n, n),
                                            Activation::kTanh, w / "classifier", n);
  head.pooler_steps = 1;
  return head;
}

HeadWeights masked_lm(HeadStep transform, const Weights& own, const Weights& words, Vector bias,
                      int64_t vocab, int64_t k) {
  LinearWeight decoder = (own.has("weight") ? own : words).linear(vocab, k, Weights::Bias::kNone);
  decoder.bias = std::move(bias);
  return {.every_token = true, .steps = {std::move(transform), {.linear = std::move(decoder)}}};
}

Vector decoder_bias(const Weights& head, int64_t vocab) {
  return head.vector(head.has("bias") ? "bias" : "decoder.bias", vocab);
}

HeadWeights roberta_head(const Config& config, HeadKind kind, const Weights& w, double eps) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  const Weights lm = w / "lm_head", classifier = w / "classifier";
  if (kind == HeadKind::kTokenClassification) return token_classifier(config, classifier, n);
  if (kind == HeadKind::kSequenceClassification) {
    return first_token_classifier(config, (classifier / "dense").linear(n, n), Activation::kTanh,
                                  classifier / "out_proj", n);
  }
  return masked_lm({.linear = (lm / "dense").linear(n, n),
                    .activation = Activation::kGelu,
                    .norm = (lm / "layer_norm").layer_norm(n, eps)},
                   lm / "decoder", w / "embeddings" / "word_embeddings", decoder_bias(lm, vocab),
                   vocab, n);
}

}  // namespace vecton
