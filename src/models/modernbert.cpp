// ModernBERT: Warner et al. 2024, arXiv:2412.13663.
#include "models/modernbert.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/equal_heads.h"
#include "models/family.h"
#include "nn/activation.h"
#include "nn/image_rows.h"
#include "nn/layer_types.h"
#include "nn/pre_norm.h"
#include "nn/rope.h"
#include "vecton/error.h"

namespace vecton::models::modernbert {

namespace {

checkpoint::Weights::Bias bias_if(const checkpoint::Config& config, std::string_view key,
                                  bool fallback = false) {
  return config.boolean_or(key, fallback) ? checkpoint::Weights::Bias::kRequired
                                          : checkpoint::Weights::Bias::kNone;
}

struct Layer {
  nn::PreNormAttention attention;
  nn::PreNormMlp mlp;
};

class ModernBert final : public Model {
 public:
  ModernBert(const checkpoint::Config& config, const checkpoint::Weights& weights);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w, const checkpoint::Config& config, int64_t index) const;

  ModelShape shape_;
  nn::Rope global_rope_, local_rope_;
  ops::PreparedWeight words_;
  ops::NormWeight embedding_norm_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

ModernBert::ModernBert(const checkpoint::Config& config, const checkpoint::Weights& w)
    : shape_(shape(config)),
      global_rope_(
          config, shape_.head_dim,
          nn::RopeOptions{
              .theta = 160000, .theta_key = "global_rope_theta", .layer_type = "full_attention"}),
      local_rope_(
          config, shape_.head_dim,
          nn::RopeOptions{
              .theta = 10000, .theta_key = "local_rope_theta", .layer_type = "sliding_attention"}) {
  const double eps = config.number_or("norm_eps", 1e-5);
  const auto bias = bias_if(config, "norm_bias");
  words_ = (w / "embeddings" / "tok_embeddings").table(shape_.vocab, shape_.hidden);
  embedding_norm_ = (w / "embeddings" / "norm").layer_norm(shape_.hidden, eps, bias);
  for (int64_t i = 0; i < shape_.layers; ++i) layers_.push_back(layer(w / "layers" / i, config, i));
  norm_ = (w / "final_norm").layer_norm(shape_.hidden, eps, bias);
}

Layer ModernBert::layer(const checkpoint::Weights& w, const checkpoint::Config& config,
                        int64_t index) const {
  const int64_t n = shape_.hidden, intermediate = config.integer("intermediate_size");
  const double eps = config.number_or("norm_eps", 1e-5);
  const auto norm_bias = bias_if(config, "norm_bias"), mlp_bias = bias_if(config, "mlp_bias"),
             attention_bias = bias_if(config, "attention_bias");
  const checkpoint::Weights attention = w / "attn", mlp = w / "mlp", qkv = attention / "Wqkv";
  Layer layer{
      .attention =
          nn::PreNormAttention{
              .norm = {},
              .attention =
                  nn::SelfAttention{
                      .layer = index,
                      .q = qkv.linear_rows(0, n, 3 * n, n, attention_bias),
                      .kv = qkv.linear_rows(n, 2 * n, 3 * n, n, attention_bias),
                      .out = (attention / "Wo").linear(n, n, attention_bias),
                      .shape = {.heads = shape_.heads,
                                .kv_heads = shape_.kv_heads,
                                .head_dim = shape_.head_dim,
                                .scale = 1.0f / std::sqrt(static_cast<float>(shape_.head_dim)),
                                .window = shape_.windows[static_cast<size_t>(index)]}}},
      .mlp =
          nn::PreNormMlp{
              .norm = (w / "mlp_norm").layer_norm(n, eps, norm_bias),
              .mlp = nn::Mlp{.up = (mlp / "Wi")
                                       .gated_halves(intermediate, n,
                                                     checkpoint::Weights::Halves::kGateFirst,
                                                     mlp_bias),
                             .down = (mlp / "Wo").linear(n, intermediate, mlp_bias),
                             .activation = nn::activation(config, "hidden_activation", "gelu")}},
  };
  // The embeddings' norm is that of the first layer.
  if (index > 0) layer.attention.norm = (w / "attn_norm").layer_norm(n, eps, norm_bias);
  return layer;
}

Tensor ModernBert::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation global = global_rope_.rotation(pass), local = local_rope_.rotation(pass);
  const nn::ImageRows images(pass, shape_.hidden);
  Tensor x = ops.embed(words);
  images.replace(x);
  x = ops.norm(std::move(x), embedding_norm_);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const nn::LayerRows rows = pass.enter(static_cast<int64_t>(i), shape_.layers, x);
    x = layers_[i].attention.forward(pass, x, rows, shape_.windows[i] > 0 ? &local : &global);
    x = layers_[i].mlp.forward(ops, x);
  }
  return ops.norm(std::move(x), norm_);
}

}  // namespace

ModelShape shape(const checkpoint::Config& config) {
  config.require("position_embedding_type", "absolute");
  config.ignore({"layer_norm_eps"});  // of older files, beside norm_eps
  const int64_t hidden = config.integer("hidden_size"),
                heads = config.integer("num_attention_heads");
  ModelShape shape{
      .layers = config.integer("num_hidden_layers", 1, checkpoint::Config::kMostCounted),
      .hidden = hidden,
      .vocab = config.integer("vocab_size"),
      .max_positions = config.integer_or("max_position_embeddings", 8192),
      .heads = heads,
      .kv_heads = heads,
      .head_dim = equal_heads(config, "hidden_size", "num_attention_heads")};
  const int64_t every = config.integer_or("global_attn_every_n_layers", 3);
  // A token of a local layer sees this many others on each side.
  const int64_t side = config.integer_or("local_attention", 128) / 2;
  const auto is_local = [&](int64_t layer) { return layer % every != 0; };
  for (const bool local : nn::sliding_layers(config, shape.layers, is_local))
    shape.windows.push_back(local ? side + 1 : 0);
  return shape;
}

std::unique_ptr<Model> build(const checkpoint::Config& config, checkpoint::Weights weights) {
  const std::string_view heads[] = {"head.", "decoder.", "classifier."};
  weights.skip(heads);
  return std::make_unique<ModernBert>(config, weights);
}

namespace {

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"model.", ""}};
  weights.rename_prefixes(prefixes);
  return build(config, std::move(weights));
}

}  // namespace

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& w) {
  const int64_t n = config.integer("hidden_size"), vocab = config.integer("vocab_size");
  checkpoint::HeadStep prediction{
      .linear = (w / "head" / "dense").linear(n, n, bias_if(config, "classifier_bias")),
      .activation = nn::activation(config, "classifier_activation", "gelu"),
      .norm = (w / "head" / "norm")
                  .layer_norm(n, config.number_or("norm_eps", 1e-5), bias_if(config, "norm_bias"))};
  checkpoint::HeadWeights result{
      .every_token = kind != checkpoint::HeadKind::kSequenceClassification,
      .steps = {std::move(prediction)}};
  if (kind == checkpoint::HeadKind::kMaskedLm) {
    const bool own = w.has("decoder.weight");
    checkpoint::HeadStep decoder{.linear =
                                     (own ? w / "decoder" : w / "embeddings" / "tok_embeddings")
                                         .linear(vocab, n, checkpoint::Weights::Bias::kNone)};
    if (config.boolean_or("decoder_bias", true))
      decoder.linear.bias = (w / "decoder").vector("bias", vocab);
    result.steps.push_back(std::move(decoder));
    return result;
  }
  const std::string pooling = config.string_or("classifier_pooling", "cls");
  if (pooling != "cls" && pooling != "mean") {
    throw Error(ErrorCode::kUnsupported, config.file() + ": classifier_pooling \"" + pooling +
                                             "\" is not supported; cls and mean are");
  }
  result.pooler_steps = kind == checkpoint::HeadKind::kSequenceClassification ? 1 : 0;
  result.pooling = pooling == "cls" ? ops::Pooling::kCls : ops::Pooling::kMean;
  result.steps.push_back({.linear = (w / "classifier").linear(labels, n)});
  return result;
}

extern constinit const Family kFamily{
    .name = "modernbert",
    .model_types = {"modernbert"},
    .architectures = {{"ModernBertModel"},
                      {"ModernBertForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"ModernBertForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"ModernBertForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification},
                      {"ModernBertForQuestionAnswering", checkpoint::HeadKind::kOther},
                      {"ModernBertForMultipleChoice", checkpoint::HeadKind::kOther},
                      {.name = "ColBERTModernBertModel", .late_interaction = true}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embeddings.tok_embeddings.weight",
                .prefixes = {"model."},
                .classifiers = {{checkpoint::HeadKind::kSequenceClassification,
                                 {"head.dense.weight", "classifier.weight"}}}},
    .shape = shape,
    .load = load,
    .head = head,
    .matryoshka = {{"modernbert-embed", {256}}},
    .mlx = {.backbone_prefix = "model.",
            .without_prefix = {"ModernBertForMaskedLM", "ModernBertForSequenceClassification"},
            .tied_head = "decoder"},
};

}  // namespace vecton::models::modernbert
