// MiniCPM3 (arXiv:2404.06395): multi-head latent attention, and factors of embeddings, branches and
// logits.
#include <cmath>
#include <utility>
#include <vector>

#include "models/decoder.h"
#include "models/equal_heads.h"
#include "models/experts.h"
#include "models/family.h"
#include "models/latent.h"
#include "nn/activation.h"
#include "vecton/error.h"

namespace vecton::models::minicpm3 {

namespace {

struct Settings {
  LatentSettings attention;
  ops::Activation activation = ops::Activation::kSilu;
  float embedding_scale = 1, residual_scale = 1;
};

struct Layer {
  ops::NormWeight norm;
  nn::LatentAttention attention;
  ops::NormWeight mlp_norm;
  nn::Mlp mlp;
};

class Minicpm3 final : public Model {
 public:
  Minicpm3(const Settings& s, const checkpoint::Config& config, const checkpoint::Weights& w);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  ModelShape shape_;
  float embedding_scale_, residual_scale_;
  nn::Rope rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

Minicpm3::Minicpm3(const Settings& s, const checkpoint::Config& config,
                   const checkpoint::Weights& w)
    : shape_(s.attention.shape),
      embedding_scale_(s.embedding_scale),
      residual_scale_(s.residual_scale),
      rope_(config, s.attention.rope_dim, 10000) {
  const int64_t n = shape_.hidden, intermediate = config.integer("intermediate_size");
  const double eps = s.attention.eps;
  words_ = (w / "embed_tokens").table(shape_.vocab, n);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const checkpoint::Weights layer = w / "layers" / i;
    layers_.push_back(Layer{.norm = (layer / "input_layernorm").rms_norm(n, eps),
                            .attention = latent_attention(s.attention, layer / "self_attn", i),
                            .mlp_norm = (layer / "post_attention_layernorm").rms_norm(n, eps),
                            .mlp = dense_mlp(layer / "mlp", intermediate, n, s.activation)});
  }
  norm_ = (w / "norm").rms_norm(n, eps);
}

Tensor Minicpm3::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass);
  Tensor x = ops.scale(ops.embed(words), embedding_scale_);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const nn::LayerRows rows = pass.enter(i, shape_.layers, x);
    const Tensor h = ops.norm(x, layer.norm), q = rows.of(ops, h), along = rows.of(ops, x);
    Tensor attended = layer.attention.forward(pass, h, q, rows, nullptr, rope);
    x = ops.add(ops.scale(std::move(attended), residual_scale_), along);
    Tensor branch = layer.mlp.forward(ops, ops.norm(x, layer.mlp_norm));
    x = ops.add(ops.scale(std::move(branch), residual_scale_), x);
  }
  return ops.norm(std::move(x), norm_);
}

Settings settings(const checkpoint::Config& config) {
  Settings s{.attention =
                 latent_settings(config, equal_heads(config, "hidden_size", "num_attention_heads")),
             .activation = nn::activation(config, "hidden_act", "silu"),
             .embedding_scale = static_cast<float>(config.number_or("scale_emb", 12))};
  config.require("mlp_bias", false);
  config.ignore({"dim_model_base"});  // of the head
  s.attention.eps = config.number_or("rms_norm_eps", 1e-5);
  ModelShape& shape = s.attention.shape;
  shape.long_after = nn::Rope(config, s.attention.rope_dim, 10000).long_after();
  s.residual_scale = config.is_null("scale_depth")
                         ? 1
                         : static_cast<float>(config.number_or("scale_depth", 1.4) /
                                              std::sqrt(static_cast<double>(shape.layers)));
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).attention.shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const Settings s = settings(config);
  prepare_decoder(s.attention.shape, weights);
  return std::make_unique<Minicpm3>(s, config, weights);
}

// Logits are those of the rows divided by hidden_size / dim_model_base.
checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  checkpoint::HeadWeights head = decoder_head(config, kind, labels, weights);
  if (!config.is_null("dim_model_base")) {
    head.logit_scale = static_cast<float>(config.number_or("dim_model_base", 256) /
                                          static_cast<double>(config.integer("hidden_size")));
  }
  return head;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "minicpm3",
    .model_types = {"minicpm3"},
    .architectures = {{"MiniCPM3Model"},
                      {"MiniCPM3ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"MiniCPM3ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = shape,
    .load = load,
    .head = head,
};

}  // namespace vecton::models::minicpm3
