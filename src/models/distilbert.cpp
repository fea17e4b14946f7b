// DistilBERT: Sanh et al. 2019, arXiv:1910.01108.
#include <utility>

#include "models/bert_encoder.h"
#include "models/family.h"
#include "models/head_steps.h"
#include "nn/activation.h"

namespace vecton::models::distilbert {

namespace {

constexpr double kEps = 1e-12;  // config.json has no key for it

constexpr BertSpelling kSpelling{.layers = "n_layers",
                                 .hidden = "dim",
                                 .heads = "n_heads",
                                 .intermediate = "hidden_dim",
                                 .activation = "activation",
                                 .query = "attention.q_lin",
                                 .key = "attention.k_lin",
                                 .value = "attention.v_lin",
                                 .out = "attention.out_lin",
                                 .attention_norm = "sa_layer_norm",
                                 .up = "ffn.lin1",
                                 .down = "ffn.lin2",
                                 .mlp_norm = "output_layer_norm"};

ModelShape shape(const checkpoint::Config& config) {
  config.ignore({"sinusoidal_pos_embds"});  // how the table of the file was made
  return encoder_shape(config, kSpelling);
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"distilbert.", ""}};
  const checkpoint::Weights::Rename parts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                               {"LayerNorm.beta", "LayerNorm.bias"}};
  const std::string_view heads[] = {"pre_classifier.",  "classifier.",       "qa_outputs.",
                                    "vocab_transform.", "vocab_layer_norm.", "vocab_projector."};
  weights.rename_prefixes(prefixes);
  weights.rename_parts(parts);
  weights.skip(heads);
  const ModelShape shape = distilbert::shape(config);
  const checkpoint::Weights embeddings = weights / "embeddings";
  BertParts model;
  model.embedding.words = (embeddings / "word_embeddings").table(shape.vocab, shape.hidden);
  model.embedding.positions =
      (embeddings / "position_embeddings").table(shape.max_positions, shape.hidden);
  model.embedding_norm = (embeddings / "LayerNorm").layer_norm(shape.hidden, kEps);
  model.layers = bert_layers(config, weights / "transformer" / "layer", shape, kEps, kSpelling);
  return std::make_unique<BertEncoder>(std::move(model));
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  const int64_t n = config.integer("dim"), vocab = config.integer("vocab_size");
  if (kind == checkpoint::HeadKind::kTokenClassification)
    return token_classifier(w / "classifier", labels, n);
  if (kind == checkpoint::HeadKind::kSequenceClassification) {
    return first_token_classifier((w / "pre_classifier").linear(n, n), ops::Activation::kRelu,
                                  w / "classifier", labels, n);
  }
  const checkpoint::Weights projector = w / "vocab_projector";
  return masked_lm({.linear = (w / "vocab_transform").linear(n, n),
                    .activation = nn::activation(config, "activation", "gelu"),
                    .norm = (w / "vocab_layer_norm").layer_norm(n, kEps)},
                   projector, w / "embeddings" / "word_embeddings", projector.vector("bias", vocab),
                   vocab, n);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "distilbert",
    .model_types = {"distilbert"},
    .architectures = {{"DistilBertModel"},
                      {"DistilBertForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"DistilBertForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"DistilBertForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification},
                      {"DistilBertForQuestionAnswering", checkpoint::HeadKind::kOther},
                      {"DistilBertForMultipleChoice", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"distilbert."},
                .classifiers = {{checkpoint::HeadKind::kSequenceClassification,
                                 {"pre_classifier.weight", "classifier.weight"}},
                                {checkpoint::HeadKind::kTokenClassification,
                                 {"classifier.weight"}}}},
    .shape = shape,
    .load = load,
    .head = head,
};

}  // namespace vecton::models::distilbert
