// Steps of heads that several families have, read from their checkpoints: what a family's head()
// is put together from.
#pragma once

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/family.h"

namespace vecton {

// One row per label: `w`'s [labels, n].
HeadStep label_step(const Weights& w, int64_t labels, int64_t n);

// A row of labels for every token: XForTokenClassification.
HeadWeights token_classifier(const Weights& w, int64_t labels, int64_t n);

// act(dense) of the first token, then labels: XForSequenceClassification.
HeadWeights first_token_classifier(LinearWeight dense, Activation activation, const Weights& w,
                                   int64_t labels, int64_t n);

// The two classifiers under BERT's names: pooler.dense, tanh, classifier; classifier.
HeadWeights bert_classifier(HeadKind kind, int64_t labels, const Weights& w, int64_t n);

// norm(act(dense)) of every token, then the vocabulary: XForMaskedLM. The decoder is `own` where
// the file has one, else the table of `words`; [vocab, k] with `bias`.
HeadWeights masked_lm(HeadStep transform, const Weights& own, const Weights& words, Vector bias,
                      int64_t vocab, int64_t k);

// <head>.bias, or <head>.decoder.bias where the decoder alone has it.
Vector decoder_bias(const Weights& head, int64_t vocab);

// RoBERTa's three, which others took over: classifier.dense, tanh, classifier.out_proj;
// classifier; lm_head.dense, gelu, lm_head.layer_norm, lm_head.decoder.
HeadWeights roberta_head(const Config& config, HeadKind kind, int64_t labels, const Weights& w,
                         double eps);

// The tensors of these: of bert_classifier(), of roberta_head().
inline constexpr List<HeadSign, 2> kBertClassifiers = {
    {HeadKind::kSequenceClassification, {"pooler.dense.weight", "classifier.weight"}},
    {HeadKind::kTokenClassification, {"classifier.weight"}}};
inline constexpr List<HeadSign, 2> kRobertaClassifiers = {
    {HeadKind::kSequenceClassification, {"classifier.dense.weight", "classifier.out_proj.weight"}},
    {HeadKind::kTokenClassification, {"classifier.weight"}}};

}  // namespace vecton
