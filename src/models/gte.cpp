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

ModelShape shape(const Config& config);

struct Layer {
  nn::PostNormAttention attention;
  nn::PostNormMlp mlp;
};

double eps(const Config& config) { return config.number_or("layer_norm_eps", 1e-12); }

// transformers' own files call themselves "gte", those of the first publication "new".
double default_theta(const Config& config) {
  return config.string_or("model_type", "") == "new" ? 10000.0 : 160000.0;
}

class Gte final : public Model {
 public:
  Gte(const Config& config, const Weights& weights);
  Tensor forward(Ops& ops, const Batch& batch, Cache* cache) const override;

 private:
  Layer layer(const Weights& w, const Config& config) const;

  ModelShape shape_;
  nn::Rope rope_;
  nn::TokenEmbedding embedding_;
  NormWeight embedding_norm_;
  std::vector<Layer> layers_;
};

Gte::Gte(const Config& config, const Weights& w)
    : shape_(shape(config)), rope_(config, shape_.head_dim, default_theta(config)) {
  const Weights e = w / "embeddings";
  embedding_.words = (e / "word_embeddings").table(shape_.vocab, shape_.hidden);
  if (shape_.token_types > 0)
    embedding_.types = (e / "token_type_embeddings").table(shape_.token_types, shape_.hidden);
  embedding_norm_ = (e / "LayerNorm").layer_norm(shape_.hidden, eps(config));
  for (int64_t i = 0; i < shape_.layers; ++i)
    layers_.push_back(layer(w / "encoder" / "layer" / i, config));
}

Layer Gte::layer(const Weights& w, const Config& config) const {
  const int64_t n = shape_.hidden, intermediate = config.integer("intermediate_size");
  const Weights attention = w / "attention", mlp = w / "mlp", packed = attention / "qkv_proj";
  const std::pair<std::string, int64_t> kv[] = {{"k_proj", n}, {"v_proj", n}};
  const bool is_packed = packed.has("weight");
  return {.attention =
              nn::PostNormAttention{
                  .attention =
                      nn::SelfAttention{
                          .q = is_packed ? packed.linear_rows(0, n, 3 * n, n)
                                         : (attention / "q_proj").linear(n, n),
                          .kv = is_packed ? packed.linear_rows(n, 2 * n, 3 * n, n)
                                          : attention.stacked(kv, n, Weights::Bias::kRequired),
                          .out = (attention / "o_proj").linear(n, n),
                          .shape = bert_attention(shape_)},
                  .norm = (w / "attn_ln").layer_norm(n, eps(config))},
          .mlp = nn::PostNormMlp{
              .mlp = nn::Mlp{.up = (mlp / "up_gate_proj")
                                       .gated_halves(intermediate, n, Weights::Halves::kUpFirst),
                             .down = (mlp / "down_proj").linear(n, intermediate),
                             .activation = nn::activation(config, "hidden_act", "gelu")},
              .norm = (w / "mlp_ln").layer_norm(n, eps(config))}};
}

Tensor Gte::forward(Ops& ops, const Batch& batch, Cache* cache) const {
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

ModelShape shape(const Config& config) {
  config.require("position_embedding_type", "rope");
  config.require("layer_norm_type", "layer_norm");
  config.require("logn_attention_scale", false);
  config.require("logn_attention_clip1", false);
  config.ignore({"pack_qkv"});  // the file shows it
  ModelShape shape = bert_shape(config);
  shape.token_types = config.integer_or("type_vocab_size", 1, 0);
  return shape;
}

std::unique_ptr<Model> load(const Config& config, Weights weights) {
  const Weights::Rename prefixes[] = {{"new.", ""}, {"gte.", ""}};
  const std::string_view heads[] = {"pooler.", "lm_head.", "classifier.", "qa_outputs."};
  weights.rename_prefixes(prefixes);
  weights.skip(heads);
  return std::make_unique<Gte>(config, weights);
}

HeadWeights head(const Config& config, HeadKind kind, int64_t labels, const Weights& w) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  if (kind != HeadKind::kMaskedLm) return bert_classifier(kind, labels, w, n);
  const Weights lm = w / "lm_head";
  const Weights norm = lm.has("norm.weight") ? lm / "norm" : lm / "layer_norm";
  return masked_lm({.linear = (lm / "dense").linear(n, n),
                    .activation = Activation::kGelu,
                    .norm = norm.layer_norm(n, eps(config))},
                   lm / "decoder", w / "embeddings" / "word_embeddings", decoder_bias(lm, vocab),
                   vocab, n);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "gte",
    .model_types = {"gte", "new"},
    .architectures = {{"GteModel"},
                      {"GteForMaskedLM", HeadKind::kMaskedLm},
                      {"GteForSequenceClassification", HeadKind::kSequenceClassification},
                      {"GteForTokenClassification", HeadKind::kTokenClassification},
                      {"NewModel"},
                      {"NewForMaskedLM", HeadKind::kMaskedLm},
                      {"NewForSequenceClassification", HeadKind::kSequenceClassification},
                      {"NewForTokenClassification", HeadKind::kTokenClassification},
                      {"NewForQuestionAnswering", HeadKind::kOther}},
    .default_pooling = Pooling::kCls,
    .tensors = {.words = "embeddings.word_embeddings.weight",
                .prefixes = {"new.", "gte."},
                .classifiers = kBertClassifiers},
    .shape = shape,
    .load = load,
    .head = head,
    .matryoshka = {{"snowflake-arctic-embed-m-v2.0", {256}}, {"gte-multilingual-base", {}, 128}},
};

}  // namespace vecton::models::gte
