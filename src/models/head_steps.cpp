#include "models/head_steps.h"

#include <utility>

#include "nn/activation.h"

namespace vecton::models {

checkpoint::HeadStep label_step(const checkpoint::Weights& w, int64_t labels, int64_t n) {
  return {.linear = w.linear(labels, n)};
}

checkpoint::HeadWeights token_classifier(const checkpoint::Weights& w, int64_t labels, int64_t n) {
  return {.every_token = true, .steps = {label_step(w, labels, n)}};
}

checkpoint::HeadWeights first_token_classifier(ops::LinearWeight dense, ops::Activation activation,
                                               const checkpoint::Weights& w, int64_t labels,
                                               int64_t n) {
  return {
      .steps = {{.linear = std::move(dense), .activation = activation}, label_step(w, labels, n)}};
}

checkpoint::HeadWeights bert_classifier(checkpoint::HeadKind kind, int64_t labels,
                                        const checkpoint::Weights& w, int64_t n) {
  if (kind == checkpoint::HeadKind::kTokenClassification)
    return token_classifier(w / "classifier", labels, n);
  checkpoint::HeadWeights head = first_token_classifier(
      (w / "pooler" / "dense").linear(n, n), ops::Activation::kTanh, w / "classifier", labels, n);
  head.pooler_steps = 1;
  return head;
}

checkpoint::HeadWeights masked_lm(checkpoint::HeadStep transform, const checkpoint::Weights& own,
                                  const checkpoint::Weights& words, ops::Vector bias, int64_t vocab,
                                  int64_t k) {
  ops::LinearWeight decoder =
      (own.has("weight") ? own : words).linear(vocab, k, checkpoint::Weights::Bias::kNone);
  decoder.bias = std::move(bias);
  return {.every_token = true, .steps = {std::move(transform), {.linear = std::move(decoder)}}};
}

ops::Vector decoder_bias(const checkpoint::Weights& head, int64_t vocab) {
  return head.vector(head.has("bias") ? "bias" : "decoder.bias", vocab);
}

checkpoint::HeadWeights bert_head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                  int64_t labels, const checkpoint::Weights& w, double eps) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  if (kind != checkpoint::HeadKind::kMaskedLm) return bert_classifier(kind, labels, w, n);
  const checkpoint::Weights predictions = w / "cls" / "predictions",
                            transform = predictions / "transform";
  return masked_lm({.linear = (transform / "dense").linear(n, n),
                    .activation = nn::activation(config, "hidden_act", "gelu"),
                    .norm = (transform / "LayerNorm").layer_norm(n, eps)},
                   predictions / "decoder", w / "embeddings" / "word_embeddings",
                   decoder_bias(predictions, vocab), vocab, n);
}

checkpoint::HeadWeights roberta_head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                     int64_t labels, const checkpoint::Weights& w, double eps) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  const checkpoint::Weights lm = w / "lm_head", classifier = w / "classifier";
  if (kind == checkpoint::HeadKind::kTokenClassification)
    return token_classifier(classifier, labels, n);
  if (kind == checkpoint::HeadKind::kSequenceClassification) {
    return first_token_classifier((classifier / "dense").linear(n, n), ops::Activation::kTanh,
                                  classifier / "out_proj", labels, n);
  }
  return masked_lm({.linear = (lm / "dense").linear(n, n),
                    .activation = ops::Activation::kGelu,
                    .norm = (lm / "layer_norm").layer_norm(n, eps)},
                   lm / "decoder", w / "embeddings" / "word_embeddings", decoder_bias(lm, vocab),
                   vocab, n);
}

}  // namespace vecton::models
