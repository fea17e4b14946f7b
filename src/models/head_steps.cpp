#include "models/head_steps.h"

#include <utility>

namespace vecton {

HeadStep label_step(const Weights& w, int64_t labels, int64_t n) {
  return {.linear = w.linear(labels, n)};
}

HeadWeights token_classifier(const Weights& w, int64_t labels, int64_t n) {
  return {.every_token = true, .steps = {label_step(w, labels, n)}};
}

HeadWeights first_token_classifier(LinearWeight dense, Activation activation, const Weights& w,
                                   int64_t labels, int64_t n) {
  return {
      .steps = {{.linear = std::move(dense), .activation = activation}, label_step(w, labels, n)}};
}

HeadWeights bert_classifier(HeadKind kind, int64_t labels, const Weights& w, int64_t n) {
  if (kind == HeadKind::kTokenClassification) return token_classifier(w / "classifier", labels, n);
  HeadWeights head = first_token_classifier((w / "pooler" / "dense").linear(n, n),
                                            Activation::kTanh, w / "classifier", labels, n);
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

HeadWeights roberta_head(const Config& config, HeadKind kind, int64_t labels, const Weights& w,
                         double eps) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  const Weights lm = w / "lm_head", classifier = w / "classifier";
  if (kind == HeadKind::kTokenClassification) return token_classifier(classifier, labels, n);
  if (kind == HeadKind::kSequenceClassification) {
    return first_token_classifier((classifier / "dense").linear(n, n), Activation::kTanh,
                                  classifier / "out_proj", labels, n);
  }
  return masked_lm({.linear = (lm / "dense").linear(n, n),
                    .activation = Activation::kGelu,
                    .norm = (lm / "layer_norm").layer_norm(n, eps)},
                   lm / "decoder", w / "embeddings" / "word_embeddings", decoder_bias(lm, vocab),
                   vocab, n);
}

}  // namespace vecton
