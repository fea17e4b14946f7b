// GTE with rotary positions (mGTE): Zhang et al. 2024, arXiv:2407.19669.
#include <string>
#include <utility>
#include <vector>

#include "models/bert_encoder.h"
#include "models/family.h"
#include "models/head_steps.h"
#include "nn/activation.h"
#include "nn/post_norm.h"
#include "nn/rope.h"
#include "nn/token_embedding.h"

namespace vecton::models::gte {

namespace {

ModelShape shape(const checkpoint::Config& config);

struct Layer {
  nn::PostNormAttention attention;
  nn::PostNormMlp mlp;
};

double eps(const checkpoint::Config& config) { return config.number_or("layer_norm_eps", 1e-12); }

// transformers' own files call themselves "gte", those of the first publication "new".
double default_theta(const checkpoint::Config& config) {
  return config.string_or("model_type", "") == "new" ? 10000.0 : 160000.0;
}

class Gte final : public Model {
 public:
  Gte(const checkpoint::Config& config, const checkpoint::Weights& weights);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w, const checkpoint::Config& config) const;

  ModelShape shape_;
  nn::Rope rope_;
  nn::TokenEmbedding embedding_;
  ops::NormWeight embedding_norm_;
  std::vector<Layer> layers_;
};

Gte::Gte(const checkpoint::Config& config, const checkpoint::Weights& w)
    : shape_(shape(config)), rope_(config, shape_.head_dim, default_theta(config)) {
  const checkpoint::Weights e = w / "embeddings";
  embedding_.words = (e / "word_embeddings").table(shape_.vocab, shape_.hidden);
  if (shape_.token_types > 0)
    embedding_.types = (e / "token_type_embeddings").table(shape_.token_types, shape_.hidden);
  embedding_norm_ = (e / "LayerNorm").layer_norm(shape_.hidden, eps(config));
  for (int64_t i = 0; i < shape_.layers; ++i)
    layers_.push_back(layer(w / "encoder" / "layer" / i, config));
}

Layer Gte::layer(const checkpoint::Weights& w, const checkpoint::Config& config) const {
  const int64_t n = shape_.hidden, intermediate = config.integer("intermediate_size");
  const checkpoint::Weights attention = w / "attention", mlp = w / "mlp",
                            packed = attention / "qkv_proj";
  const std::pair<std::string, int64_t> kv[] = {{"k_proj", n}, {"v_proj", n}};
  const bool is_packed = packed.has("weight");
  return {.attention =
              nn::PostNormAttention{
                  .attention =
                      nn::SelfAttention{
                          .q = is_packed ? packed.linear_rows(0, n, 3 * n, n)
                                         : (attention / "q_proj").linear(n, n),
                          .kv = is_packed ? packed.linear_rows(n, 2 * n, 3 * n, n)
                                          : attention.stacked(kv, n,
                                                              checkpoint::Weights::Bias::kRequired),
                          .out = (attention / "o_proj").linear(n, n),
                          .shape = bert_attention(shape_)},
                  .norm = (w / "attn_ln").layer_norm(n, eps(config))},
          .mlp = nn::PostNormMlp{
              .mlp = nn::Mlp{.up = (mlp / "up_gate_proj")
                                       .gated_halves(intermediate, n,
                                                     checkpoint::Weights::Halves::kUpFirst),
                             .down = (mlp / "down_proj").linear(n, intermediate),
                             .activation = nn::activation(config, "hidden_act", "gelu")},
              .norm = (w / "mlp_ln").layer_norm(n, eps(config))}};
}

Tensor Gte::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const nn::Rotation rope = rope_.rotation(pass);
  Tensor x = ops.norm(embedding_.forward(pass), embedding_norm_);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    x = layer.attention.forward(pass, x, pass.enter(i, shape_.layers, x), &rope);
    x = layer.mlp.forward(ops, x);
  }
  return x;
}

ModelShape shape(const checkpoint::Config& config) {
  config.require("position_embedding_type", "rope");
  config.require("layer_norm_type", "layer_norm");
  config.require("logn_attention_scale", false);
  config.require("logn_attention_clip1", false);
  config.ignore({"pack_qkv"});  // the file shows it
  ModelShape shape = bert_shape(config);
  shape.token_types = config.integer_or("type_vocab_size", 1, 0);
  return shape;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"new.", ""}, {"gte.", ""}};
  const std::string_view heads[] = {"pooler.", "lm_head.", "classifier.", "qa_outputs."};
  weights.rename_prefixes(prefixes);
  weights.skip(heads);
  return std::make_unique<Gte>(config, weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  if (kind != checkpoint::HeadKind::kMaskedLm) return bert_classifier(kind, labels, w, n);
  const checkpoint::Weights lm = w / "lm_head";
  const checkpoint::Weights norm = lm.has("norm.weight") ? lm / "norm" : lm / "layer_norm";
  return masked_lm({.linear = (lm / "dense").linear(n, n),
                    .activation = ops::Activation::kGelu,
                    .norm = norm.layer_norm(n, eps(config))},
                   lm / "decoder", w / "embeddings" / "word_embeddings", decoder_bias(lm, vocab),
                   vocab, n);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "gte",
    .model_types = {"gte", "new"},
    .architectures = {{"GteModel"},
                      {"GteForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"GteForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"GteForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"NewModel"},
                      {"NewForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"NewForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"NewForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"NewForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"new.", "gte."},
                .classifiers = kBertClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
    // The models' cards: 256 of 768, and mGTE's elastic 128 to 768. Stella has a Dense layer for
    // each size instead (dense_path).
    .matryoshka = {{"snowflake-arctic-embed-m-v2.0", {256}}, {"gte-multilingual-base", {}, 128}},
};

}  // namespace vecton::models::gte
