// BERT: Devlin et al. 2018, arXiv:1810.04805.
#include <memory>

#include "models/bert_encoder.h"
#include "models/family.h"
#include "models/head_steps.h"

namespace vecton::models::bert {

namespace {

double eps(const checkpoint::Config& config) { return config.number_or("layer_norm_eps", 1e-12); }

ModelShape shape(const checkpoint::Config& config) {
  config.require("position_embedding_type", "absolute");
  ModelShape shape = bert_shape(config);
  shape.token_types = config.integer_or("type_vocab_size", 2);
  return shape;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"bert.", ""}};
  const checkpoint::Weights::Rename parts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                               {"LayerNorm.beta", "LayerNorm.bias"}};
  const std::string_view heads[] = {"pooler.", "cls.", "classifier.", "qa_outputs."};
  weights.rename_prefixes(prefixes);
  weights.rename_parts(parts);
  weights.skip(heads);
  const ModelShape shape = bert::shape(config);
  const checkpoint::Weights embeddings = weights / "embeddings";
  BertParts model = bert_embeddings(shape, embeddings, shape.hidden, eps(config));
  model.embedding.positions =
      (embeddings / "position_embeddings").table(shape.max_positions, shape.hidden);
  model.layers = bert_layers(config, weights / "encoder" / "layer", shape, eps(config));
  return std::make_unique<BertEncoder>(std::move(model));
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  return bert_head(config, kind, labels, w, eps(config));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "bert",
    .model_types = {"bert"},
    .architectures = {{"BertModel"},
                      {"BertForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"BertForPreTraining", checkpoint::HeadKind::kMaskedLm},
                      {"BertForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"BertForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"BertForQuestionAnswering", checkpoint::HeadKind::kOther},
                      {"BertForMultipleChoice", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"bert."},
                .classifiers = kBertClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
    // Snowflake's v1 and the sizes xs, s and l of 1.0 were not trained for it.
    // The models' cards; mixedbread.ai/docs of 2d-large; vLLM's tests shorten arctic m-v1.5 to 256.
    .matryoshka = {{"snowflake-arctic-embed-m-v1.5", {256}},
                   {"mxbai-embed-large"},
                   {"mxbai-embed-2d-large"},
                   {"mxbai-embed-xsmall"}},
};

}  // namespace vecton::models::bert
