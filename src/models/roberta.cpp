// RoBERTa, XLM-RoBERTa, CamemBERT: Liu et al. 2019, arXiv:1907.11692; Conneau et al. 2019,
// arXiv:1911.02116. Jina's implementation of XLM-RoBERTa, with positions of a table or rotary ones
// (Jina embeddings v3, arXiv:2409.10173), is the same block under other names.
#include <string>
#include <utility>

#include "models/bert_encoder.h"
#include "models/family.h"
#include "models/head_steps.h"
#include "nn/activation.h"
#include "vecton/error.h"

namespace vecton::models::roberta {

namespace {

double eps(const checkpoint::Config& config) { return config.number_or("layer_norm_eps", 1e-5); }

int64_t padding_id(const checkpoint::Config& config) {
  return config.integer_or("pad_token_id", 1, 0);
}

// transformers' Jina has rotary positions always, Jina's own files say so.
bool is_rotary(const checkpoint::Config& config) {
  return config.string_or("model_type", "") == "jina_embeddings_v3" ||
         config.string_or("position_embedding_type", "absolute") == "rotary";
}

std::unique_ptr<const nn::Rope> rope(const checkpoint::Config& config, const ModelShape& shape) {
  const bool own = config.string_or("model_type", "") == "jina_embeddings_v3";
  return std::make_unique<const nn::Rope>(
      config, shape.head_dim,
      nn::RopeOptions{.theta = own ? 20000.0 : 10000.0,
                      .theta_key = own ? "rope_theta" : "rotary_emb_base"});
}

// encoder.layers.N as Jina names them.
std::vector<BertLayer> jina_layers(const checkpoint::Config& config,
                                   const checkpoint::Weights& layers, const ModelShape& shape) {
  const int64_t n = shape.hidden, intermediate = config.integer("intermediate_size");
  const ops::Activation activation = nn::activation(config, "hidden_act", "gelu");
  std::vector<BertLayer> result;
  for (int64_t i = 0; i < shape.layers; ++i) {
    const checkpoint::Weights w = layers / i, mixer = w / "mixer", mlp = w / "mlp",
                              qkv = mixer / "Wqkv";
    result.push_back(
        {.attention =
             nn::PostNormAttention{
                 .attention = nn::SelfAttention{.q = qkv.linear_rows(0, n, 3 * n, n),
                                                .kv = qkv.linear_rows(n, 2 * n, 3 * n, n),
                                                .out = (mixer / "out_proj").linear(n, n),
                                                .shape = bert_attention(shape)},
                 .norm = (w / "norm1").layer_norm(n, eps(config))},
         .mlp = nn::PostNormMlp{.mlp = nn::Mlp{.up = (mlp / "fc1").linear(intermediate, n),
                                               .down = (mlp / "fc2").linear(n, intermediate),
                                               .activation = activation},
                                .norm = (w / "norm2").layer_norm(n, eps(config))}});
  }
  return result;
}

ModelShape shape(const checkpoint::Config& config) {
  config.require("emb_pooler", nullptr);
  config.require("truncate_dim", nullptr);
  config.require("lora_adaptations", nullptr);
  ModelShape shape = bert_shape(config);
  shape.token_types = config.integer_or("type_vocab_size", 2);
  if (is_rotary(config)) return shape;
  config.require("position_embedding_type", "absolute");
  shape.max_positions -= padding_id(config) + 1;
  if (shape.max_positions < 1) {
    throw Error(ErrorCode::kCorrupt,
                config.file() +
                    ": max_position_embeddings must be above pad_token_id + 1, "
                    "positions start there");
  }
  return shape;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"roberta.emb_ln.", "embeddings.LayerNorm."},
                                                  {"emb_ln.", "embeddings.LayerNorm."},
                                                  {"roberta.", ""}};
  const checkpoint::Weights::Rename parts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                               {"LayerNorm.beta", "LayerNorm.bias"}};
  const std::string_view heads[] = {"pooler.", "lm_head.", "classifier.", "qa_outputs.", "linear."};
  weights.rename_prefixes(prefixes);
  weights.rename_parts(parts);
  weights.skip(heads);
  const ModelShape shape = roberta::shape(config);
  const checkpoint::Weights embeddings = weights / "embeddings",
                            layers = weights / "encoder" / "layers";
  BertParts model = bert_embeddings(shape, embeddings, shape.hidden, eps(config));
  if (is_rotary(config)) {
    model.rope = rope(config, shape);
  } else {
    model.embedding.padding_id = static_cast<int32_t>(padding_id(config));
    model.embedding.positions = (embeddings / "position_embeddings")
                                    .table(config.integer("max_position_embeddings"), shape.hidden);
  }
  model.layers = layers.has("0.mixer.Wqkv.weight")
                     ? jina_layers(config, layers, shape)
                     : bert_layers(config, weights / "encoder" / "layer", shape, eps(config));
  return std::make_unique<BertEncoder>(std::move(model));
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  return roberta_head(config, kind, labels, w, eps(config));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "roberta",
    .model_types = {"roberta", "xlm-roberta", "camembert", "jina_embeddings_v3"},
    .architectures =
        {{"RobertaModel"},
         {"RobertaForMaskedLM", checkpoint::HeadKind::kMaskedLm},
         {"RobertaForSequenceClassification", checkpoint::HeadKind::kSequenceClassification},
         {"RobertaForTokenClassification", checkpoint::HeadKind::kTokenClassification},
         {"RobertaForQuestionAnswering", checkpoint::HeadKind::kOther},
         {"RobertaForMultipleChoice", checkpoint::HeadKind::kOther},
         {"XLMRobertaModel"},
         {"XLMRobertaForMaskedLM", checkpoint::HeadKind::kMaskedLm},
         {"XLMRobertaForSequenceClassification", checkpoint::HeadKind::kSequenceClassification},
         {"XLMRobertaForTokenClassification", checkpoint::HeadKind::kTokenClassification},
         {"XLMRobertaForQuestionAnswering", checkpoint::HeadKind::kOther},
         {"XLMRobertaForMultipleChoice", checkpoint::HeadKind::kOther},
         {"CamembertModel"},
         {"CamembertForMaskedLM", checkpoint::HeadKind::kMaskedLm},
         {"CamembertForSequenceClassification", checkpoint::HeadKind::kSequenceClassification},
         {"CamembertForTokenClassification", checkpoint::HeadKind::kTokenClassification},
         {"CamembertForQuestionAnswering", checkpoint::HeadKind::kOther},
         {"CamembertForMultipleChoice", checkpoint::HeadKind::kOther},
         {"JinaEmbeddingsV3Model"},
         {"JinaEmbeddingsV3ForMaskedLM", checkpoint::HeadKind::kMaskedLm},
         {"JinaEmbeddingsV3ForSequenceClassification",
          checkpoint::HeadKind::kSequenceClassification},
         {"JinaEmbeddingsV3ForTokenClassification", checkpoint::HeadKind::kTokenClassification},
         {"JinaEmbeddingsV3ForQuestionAnswering", checkpoint::HeadKind::kOther},
         {.name = "ColBERTJinaRobertaModel", .late_interaction = true}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"roberta."},
                .classifiers = kRobertaClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
    .matryoshka = {{"snowflake-arctic-embed-l-v2.0", {256}},
                   {"jina-embeddings-v3", {768, 512, 256, 128, 64, 32}},
                   {"deepset-mxbai-embed-de-large"}},
};

}  // namespace vecton::models::roberta
