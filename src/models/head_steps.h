// Steps of heads that several families have, read from their checkpoints: what a family's head()
// is put together from.
#pragma once

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/family.h"

namespace vecton::models {

// One row per label: `w`'s [labels, n].
checkpoint::HeadStep label_step(const checkpoint::Weights& w, int64_t labels, int64_t n);

// A row of labels for every token: XForTokenClassification.
checkpoint::HeadWeights token_classifier(const checkpoint::Weights& w, int64_t labels, int64_t n);

// act(dense) of the first token, then labels: XForSequenceClassification.
checkpoint::HeadWeights first_token_classifier(ops::LinearWeight dense, ops::Activation activation,
                                               const checkpoint::Weights& w, int64_t labels,
                                               int64_t n);

// The two classifiers under BERT's names: pooler.dense, tanh, classifier; classifier.
checkpoint::HeadWeights bert_classifier(checkpoint::HeadKind kind, int64_t labels,
                                        const checkpoint::Weights& w, int64_t n);

// norm(act(dense)) of every token, then the vocabulary: XForMaskedLM. The decoder is `own` where
// the file has one, else the table of `words`; [vocab, k] with `bias`.
checkpoint::HeadWeights masked_lm(checkpoint::HeadStep transform, const checkpoint::Weights& own,
                                  const checkpoint::Weights& words, ops::Vector bias, int64_t vocab,
                                  int64_t k);

// <head>.bias, or <head>.decoder.bias where the decoder alone has it.
ops::Vector decoder_bias(const checkpoint::Weights& head, int64_t vocab);

// BERT's three: bert_classifier(); cls.predictions.transform, cls.predictions.decoder.
checkpoint::HeadWeights bert_head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                  int64_t labels, const checkpoint::Weights& w, double eps);

// RoBERTa's three, which others took over: classifier.dense, tanh, classifier.out_proj;
// classifier; lm_head.dense, gelu, lm_head.layer_norm, lm_head.decoder.
checkpoint::HeadWeights roberta_head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                     int64_t labels, const checkpoint::Weights& w, double eps);

// The tensors of these: of bert_classifier(), of roberta_head().
inline constexpr List<HeadSign, 2> kBertClassifiers = {
    {checkpoint::HeadKind::kSequenceClassification, {"pooler.dense.weight", "classifier.weight"}},
    {checkpoint::HeadKind::kTokenClassification, {"classifier.weight"}}};
inline constexpr List<HeadSign, 2> kRobertaClassifiers = {
    {checkpoint::HeadKind::kSequenceClassification,
     {"classifier.dense.weight", "classifier.out_proj.weight"}},
    {checkpoint::HeadKind::kTokenClassification, {"classifier.weight"}}};

}  // namespace vecton::models
