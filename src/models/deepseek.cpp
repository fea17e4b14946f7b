// DeepSeek-V3 and R1 (arXiv:2412.19437) and GLM-4.7-Flash: multi-head latent attention and mixtures
// of experts after some first layers.
#include <utility>
#include <vector>

#include "models/decoder.h"
#include "models/deepseek_moe.h"
#include "models/family.h"
#include "models/latent.h"
#include "models/llama.h"
#include "nn/activation.h"
#include "nn/feed_forward.h"

namespace vecton::models {

namespace deepseek {

namespace {

struct Settings {
  LatentSettings attention;
  DeepseekMoe moe;
  ops::Activation activation = ops::Activation::kSilu;
};

struct Layer {
  ops::NormWeight norm;
  nn::LatentAttention attention;
  ops::NormWeight mlp_norm;
  nn::FeedForward mlp;
};

class Deepseek final : public Model {
 public:
  Deepseek(const Settings& s, const checkpoint::Config& config, const checkpoint::Weights& w);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  ModelShape shape_;
  nn::Rope rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

Deepseek::Deepseek(const Settings& s, const checkpoint::Config& config,
                   const checkpoint::Weights& w)
    : shape_(s.attention.shape), rope_(config, s.attention.rope_dim, 10000) {
  const int64_t n = shape_.hidden;
  const double eps = s.attention.eps;
  words_ = (w / "embed_tokens").table(shape_.vocab, n);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const checkpoint::Weights layer = w / "layers" / i, mlp = layer / "mlp";
    Layer made{.norm = (layer / "input_layernorm").rms_norm(n, eps),
               .attention = latent_attention(s.attention, layer / "self_attn", i),
               .mlp_norm = (layer / "post_attention_layernorm").rms_norm(n, eps),
               .mlp = {}};
    if (s.moe.sparse[static_cast<size_t>(i)]) {
      made.mlp = mixture(s.moe, mlp);
    } else {
      made.mlp = dense_mlp(mlp, config.integer("intermediate_size"), n, s.activation);
    }
    layers_.push_back(std::move(made));
  }
  norm_ = (w / "norm").rms_norm(n, eps);
}

Tensor Deepseek::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass);
  Tensor x = ops.embed(words);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const nn::LayerRows rows = pass.enter(i, shape_.layers, x);
    const Tensor h = ops.norm(x, layer.norm), q = rows.of(ops, h), along = rows.of(ops, x);
    x = layer.attention.forward(pass, h, q, rows, &along, rope);
    x = nn::feed_forward(layer.mlp, ops, ops.norm(x, layer.mlp_norm), &x);
  }
  return ops.norm(std::move(x), norm_);
}

Settings settings(const checkpoint::Config& config) {
  Settings s{.attention = latent_settings(config),
             .moe = {},
             .activation = nn::activation(config, "hidden_act", "silu")};
  s.attention.interleaved = config.boolean_or("rope_interleave", true);
  ModelShape& shape = s.attention.shape;
  s.moe = deepseek_moe(config, shape.layers, shape.hidden, s.activation);
  config.ignore({"intermediate_size"});  // of layers that are not mixtures
  shape.long_after = nn::Rope(config, s.attention.rope_dim, 10000).long_after();
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).attention.shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const Settings s = settings(config);
  prepare_decoder(s.attention.shape, weights);
  return std::make_unique<Deepseek>(s, config, weights);
}

}  // namespace

}  // namespace deepseek

namespace {

constexpr MlxRules kLatentMlx = [] {
  MlxRules rules = kDeepseekMlx;
  rules.latent_heads = true;
  return rules;
}();

}  // namespace

namespace deepseek_v3 {

extern constinit const Family kFamily{
    .name = "deepseek_v3",
    .model_types = {"deepseek_v3"},
    .architectures = {{"DeepseekV3Model"},
                      {"DeepseekV3ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"DeepseekV3ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"DeepseekV3ForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = deepseek::shape,
    .load = deepseek::load,
    .head = llama::head,
    .mlx = kLatentMlx,
};

}  // namespace deepseek_v3

namespace glm4_moe_lite {

extern constinit const Family kFamily{
    .name = "glm4_moe_lite",
    .model_types = {"glm4_moe_lite"},
    .architectures = {{"Glm4MoeLiteModel"},
                      {"Glm4MoeLiteForCausalLM", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model."}},
    .shape = deepseek::shape,
    .load = deepseek::load,
    .head = llama::head,
    .mlx = kLatentMlx,
};

}  // namespace glm4_moe_lite

}  // namespace vecton::models
