// ELECTRA: Clark et al. 2020, arXiv:2003.10555.
#include <utility>

#include "models/bert_encoder.h"
#include "models/family.h"
#include "models/head_steps.h"

namespace vecton::models::electra {

namespace {

double eps(const checkpoint::Config& config) { return config.number_or("layer_norm_eps", 1e-12); }

int64_t embedding_size(const checkpoint::Config& config) {
  return config.integer_or("embedding_size", 128);
}

ModelShape shape(const checkpoint::Config& config) {
  config.require("position_embedding_type", "absolute");
  embedding_size(config);
  ModelShape shape = bert_shape(config);
  shape.token_types = config.integer_or("type_vocab_size", 2);
  return shape;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"electra.", ""}};
  const checkpoint::Weights::Rename parts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                               {"LayerNorm.beta", "LayerNorm.bias"}};
  const std::string_view heads[] = {"classifier.",
                                    "qa_outputs.",
                                    "discriminator_predictions.",
                                    "generator_predictions.",
                                    "generator_lm_head.",
                                    "sequence_summary."};
  weights.rename_prefixes(prefixes);
  weights.rename_parts(parts);
  weights.skip(heads);
  const ModelShape shape = electra::shape(config);
  const int64_t width = embedding_size(config);
  const checkpoint::Weights embeddings = weights / "embeddings";
  BertParts model = bert_embeddings(shape, embeddings, width, eps(config));
  model.embedding.positions =
      (embeddings / "position_embeddings").table(shape.max_positions, width);
  if (width != shape.hidden)
    model.projection = (weights / "embeddings_project").linear(shape.hidden, width);
  model.layers = bert_layers(config, weights / "encoder" / "layer", shape, eps(config));
  return std::make_unique<BertEncoder>(std::move(model));
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size"),
                width = embedding_size(config);
  const checkpoint::Weights classifier = w / "classifier",
                            predictions = w / "generator_predictions";
  if (kind == checkpoint::HeadKind::kTokenClassification)
    return token_classifier(classifier, labels, n);
  if (kind == checkpoint::HeadKind::kSequenceClassification) {
    return first_token_classifier((classifier / "dense").linear(n, n), ops::Activation::kGelu,
                                  classifier / "out_proj", labels, n);
  }
  const checkpoint::Weights decoder = w / "generator_lm_head";
  return masked_lm({.linear = (predictions / "dense").linear(width, n),
                    .activation = ops::Activation::kGelu,
                    .norm = (predictions / "LayerNorm").layer_norm(width, eps(config))},
                   decoder, w / "embeddings" / "word_embeddings", decoder.vector("bias", vocab),
                   vocab, width);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "electra",
    .model_types = {"electra"},
    .architectures = {{"ElectraModel"},
                      {"ElectraForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"ElectraForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"ElectraForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"ElectraForQuestionAnswering", checkpoint::HeadKind::kOther},
                      {"ElectraForMultipleChoice", checkpoint::HeadKind::kOther},
                      {"ElectraForPreTraining", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"electra."},
                .classifiers = kRobertaClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
};

}  // namespace vecton::models::electra
