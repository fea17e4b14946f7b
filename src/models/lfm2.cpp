// LFM2: short convolutions and grouped-query attention, layer by layer. Liquid AI 2025,
// https://www.liquid.ai/blog/liquid-foundation-models-v2-our-second-series-of-generative-ai-models
// LFM2-MoE: the same with mixtures of experts in all layers but the first ones. LFM2-Bidirectional
// (LFM2.5's models for retrieval): tokens see all others, and convolutions as far ahead as back.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "models/decoder.h"
#include "models/experts.h"
#include "models/family.h"
#include "nn/layer_types.h"
#include "nn/pre_norm.h"
#include "nn/recurrent.h"
#include "vecton/error.h"

namespace vecton::models::lfm2 {

namespace {

ModelShape shape(const checkpoint::Config& config);
ModelShape shape_of(const checkpoint::Config& config, bool causal);

constexpr auto kNoBias = checkpoint::Weights::Bias::kNone;

// in x = [b | c | v]; out(c * convolution(b * v)).
struct ShortConv {
  int64_t layer = 0;      // of the cache
  ops::LinearWeight in;   // [3 hidden, hidden]
  Tensor taps;            // [width, hidden]
  ops::Vector bias;       // [hidden]
  ops::LinearWeight out;  // [hidden, hidden]
};

struct Layer {
  ops::NormWeight operator_norm;
  std::optional<nn::SelfAttention> attention;  // else conv
  ShortConv conv;
  nn::PreNormMlp mlp;
};

// Width of the MLP: the file's, or two thirds of it made a multiple of a block.
int64_t mlp_width(const checkpoint::Config& config) {
  if (config.has("num_experts")) return config.integer("intermediate_size");
  const int64_t given = config.integer_or(
      "block_ff_dim", config.has("block_ff_dim") ? 1 : config.integer("intermediate_size"));
  config.ignore({"intermediate_size"});
  const double multiplier = config.is_null("block_ffn_dim_multiplier")
                                ? 0
                                : config.number_or("block_ffn_dim_multiplier", 1);
  const int64_t block = config.integer_or("block_multiple_of", 256);
  if (!config.boolean_or("block_auto_adjust_ff_dim", true)) return given;
  const int64_t width = 2 * given / 3;
  if (multiplier == 0) return width;
  const double scaled = multiplier * static_cast<double>(width);
  if (!(scaled >= 1 && scaled <= 1e9)) {
    throw Error(ErrorCode::kCorrupt,
                config.file() + ": block_ffn_dim_multiplier: gives an MLP of impossible width");
  }
  return (static_cast<int64_t>(scaled) + block - 1) / block * block;
}

// Mixtures of layers from `first` on.
struct Mixtures {
  int64_t first = 0;
  ExpertSizes sizes;
  ops::Router routing;
  bool corrected = false;  // the choice, by expert_bias
};

// Nothing where all layers are dense.
std::optional<Mixtures> mixtures(const checkpoint::Config& config, const ModelShape& shape) {
  if (!config.has("num_experts")) return std::nullopt;
  config.ignore({"intermediate_size"});  // of dense layers, if there are any
  const int64_t count = config.integer("num_experts", 1, checkpoint::Config::kMostCounted);
  return Mixtures{
      .first = config.integer_or("num_dense_layers", 2, 0),
      .sizes = {.count = count,
                .width = config.integer("moe_intermediate_size"),
                .hidden = shape.hidden},
      .routing = {.scores = ops::Router::Scores::kSigmoid,
                  .k = experts_per_token(config, count),
                  .normalize = config.boolean_or("norm_topk_prob", true),
                  .least = 1e-6,
                  .scale = static_cast<float>(config.number_or("routed_scaling_factor", 1))},
      .corrected = config.boolean_or("use_expert_bias", true)};
}

nn::MixtureOfExperts mixture(const Mixtures& m, const checkpoint::Weights& w) {
  nn::MixtureOfExperts made{
      .router = (w / "gate").in_float32().linear(m.sizes.count, m.sizes.hidden, kNoBias),
      .routing = m.routing,
      .experts = load_experts(w, m.sizes, ops::Activation::kSilu,
                              {.gate = "w1", .up = "w3", .down = "w2"})};
  if (m.corrected) made.routing.correction = w.vector("expert_bias", m.sizes.count);
  return made;
}

int64_t conv_width(const checkpoint::Config& config) {
  return config.integer_or("conv_L_cache", 3);
}

class Lfm2 final : public Model {
 public:
  Lfm2(const checkpoint::Config& config, const checkpoint::Weights& weights, bool causal);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w, const checkpoint::Config& config, int64_t index,
              bool attends) const;
  nn::FeedForward feed_forward(const checkpoint::Weights& w, const checkpoint::Config& config,
                               int64_t index) const;
  nn::SelfAttention attention(const checkpoint::Weights& w, int64_t index) const;
  ShortConv conv(const checkpoint::Weights& w, const checkpoint::Config& config,
                 int64_t index) const;
  Tensor convolve(const nn::ForwardPass& pass, const ShortConv& conv, Tensor h,
                  const nn::LayerRows& rows, const Tensor& residual) const;

  ModelShape shape_;
  bool zeroes_unattended_;  // before convolutions
  std::optional<Mixtures> mixtures_;
  double eps_;
  nn::Rope rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

// Which layers attend; the others convolve.
std::vector<bool> attention_layers(const checkpoint::Config& config, int64_t layers) {
  const std::vector<std::string> types =
      nn::layer_types(config, layers, {"full_attention", "conv"});
  const std::vector<int64_t> listed = config.integers_or_empty("full_attn_idxs");
  const bool all = types.empty() && !config.has("full_attn_idxs");
  std::vector<bool> result;
  for (int64_t i = 0; i < layers; ++i) {
    result.push_back(all || (types.empty() ? std::ranges::count(listed, i) > 0
                                           : types[static_cast<size_t>(i)] == "full_attention"));
  }
  return result;
}

// Of those that see both ways the config says so; checkpoints with code of their own leave them.
bool zeroes_unattended(const checkpoint::Config& config, bool causal) {
  return causal || config.boolean_or("conv_zero_padding",
                                     config.string_or("model_type", "") == "lfm2_bidirectional");
}

Lfm2::Lfm2(const checkpoint::Config& config, const checkpoint::Weights& w, bool causal)
    : shape_(shape_of(config, causal)),
      zeroes_unattended_(zeroes_unattended(config, causal)),
      mixtures_(mixtures(config, shape_)),
      eps_(config.number_or("norm_eps", 1e-5)),
      rope_(config, shape_.head_dim, 1e6) {
  words_ = (w / "embed_tokens").table(shape_.vocab, shape_.hidden);
  const std::vector<bool> attends = attention_layers(config, shape_.layers);
  for (int64_t i = 0; i < shape_.layers; ++i)
    layers_.push_back(layer(w / "layers" / i, config, i, attends[static_cast<size_t>(i)]));
  norm_ = (w / "embedding_norm").rms_norm(shape_.hidden, eps_);
}

nn::SelfAttention Lfm2::attention(const checkpoint::Weights& w, int64_t index) const {
  const int64_t n = shape_.hidden, d = shape_.head_dim;
  const std::pair<std::string, int64_t> kv_parts[] = {{"k_proj", shape_.kv_heads * d},
                                                      {"v_proj", shape_.kv_heads * d}};
  return {.layer = index,
          .q = (w / "q_proj").linear(shape_.heads * d, n, kNoBias),
          .kv = w.stacked(kv_parts, n, kNoBias),
          .out = (w / "out_proj").linear(n, shape_.heads * d, kNoBias),
          .q_norm = (w / "q_layernorm").rms_norm(d, eps_),
          .k_norm = (w / "k_layernorm").rms_norm(d, eps_),
          .shape = {.heads = shape_.heads,
                    .kv_heads = shape_.kv_heads,
                    .head_dim = d,
                    .scale = 1.0f / std::sqrt(static_cast<float>(d)),
                    .causal = shape_.causal}};
}

ShortConv Lfm2::conv(const checkpoint::Weights& w, const checkpoint::Config& config,
                     int64_t index) const {
  const int64_t n = shape_.hidden;
  const bool biased = config.boolean_or("conv_bias", false);
  const auto bias = biased ? checkpoint::Weights::Bias::kRequired : kNoBias;
  const checkpoint::Weights kernel = w / "conv";
  return {.layer = index,
          .in = (w / "in_proj").linear(3 * n, n, bias),
          .taps = kernel.taps(n, conv_width(config)),
          .bias = biased ? kernel.vector("bias", n) : ops::Vector(),
          .out = (w / "out_proj").linear(n, n, bias)};
}

nn::FeedForward Lfm2::feed_forward(const checkpoint::Weights& w, const checkpoint::Config& config,
                                   int64_t index) const {
  if (mixtures_ && index >= mixtures_->first) return mixture(*mixtures_, w);
  const int64_t n = shape_.hidden, intermediate = mlp_width(config);
  return nn::Mlp{.up = w.gated("w1", "w3", intermediate, n),
                 .down = (w / "w2").linear(n, intermediate, kNoBias),
                 .activation = ops::Activation::kSilu};
}

Layer Lfm2::layer(const checkpoint::Weights& w, const checkpoint::Config& config, int64_t index,
                  bool attends) const {
  const int64_t n = shape_.hidden;
  Layer layer{.operator_norm = (w / "operator_norm").rms_norm(n, eps_),
              .mlp = nn::PreNormMlp{.norm = (w / "ffn_norm").rms_norm(n, eps_),
                                    .mlp = feed_forward(w / "feed_forward", config, index)}};
  if (attends) {
    layer.attention = attention(w / "self_attn", index);
  } else {
    layer.conv = conv(w / "conv", config, index);
  }
  return layer;
}

Tensor Lfm2::convolve(const nn::ForwardPass& pass, const ShortConv& conv, Tensor h,
                      const nn::LayerRows& rows, const Tensor& residual) const {
  Ops& ops = pass.ops;
  const int64_t n = shape_.hidden;
  if (zeroes_unattended_) h = nn::attended_rows(pass, std::move(h));
  const Tensor bcv = ops.linear(h, conv.in);
  const Tensor u = ops.multiply(bcv.slice_columns(0, n), bcv.slice_columns(2 * n, n));
  const Tensor y =
      rows.of(ops, shape_.causal ? nn::causal_conv(pass, conv.layer, u, conv.taps, conv.bias)
                                 : nn::centred_conv(pass, u, conv.taps, conv.bias));
  const Tensor c = rows.of(ops, bcv.slice_columns(n, n));
  return ops.linear(ops.multiply(y, c), conv.out, ops::Activation::kIdentity, &residual);
}

Tensor Lfm2::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass);
  Tensor x = ops.embed(words);
  for (int64_t i = 0; i < shape_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const nn::LayerRows rows = pass.enter(i, shape_.layers, x);
    Tensor h = ops.norm(x, layer.operator_norm);
    x = rows.of(ops, x);
    if (layer.attention) {
      const Tensor q = rows.of(ops, h);
      x = layer.attention->forward(pass, h, q, rows, &x, &rope);
    } else {
      x = convolve(pass, layer.conv, std::move(h), rows, x);
    }
    x = layer.mlp.forward(ops, x);
  }
  return ops.norm(std::move(x), norm_);
}

ModelShape shape_of(const checkpoint::Config& config, bool causal) {
  ModelShape shape = decoder_shape(config, {.causal = causal});
  for (const char* same : {"block_dim", "conv_dim", "conv_dim_out"})
    config.require(same, shape.hidden);
  config.require("num_heads", shape.heads);
  config.require("block_use_swiglu", true);
  config.require("use_pos_enc", true);
  config.ignore({"tie_embedding", "block_norm_eps", "conv_bias"});
  if (shape.causal != causal)
    throw Error(ErrorCode::kUnsupported,
                config.file() + ": is_causal " + (causal ? "false" : "true") + " is not supported");
  mixtures(config, shape);  // says what they can't be
  const int64_t width = conv_width(config);
  for (const bool attends : attention_layers(config, shape.layers)) {
    if (attends) {
      shape.cache.push_back(tensor::KeysAndValues{
          .kv_heads = shape.kv_heads, .key_dim = shape.head_dim, .value_dim = shape.head_dim});
    } else {  // what the convolution reads of the tokens before
      shape.cache.push_back(tensor::RecurrentState{.rows = width - 1, .columns = shape.hidden});
    }
  }
  return shape;
}

ModelShape shape(const checkpoint::Config& config) { return shape_of(config, true); }

ModelShape bidirectional_shape(const checkpoint::Config& config) {
  zeroes_unattended(config, false);  // reads what is said of it
  return shape_of(config, false);
}

std::unique_ptr<Model> build(const checkpoint::Config& config, checkpoint::Weights weights,
                             bool causal) {
  prepare_decoder(shape_of(config, causal), weights);
  const checkpoint::Weights::Rename parts[] = {{"feed_forward.gate_proj.", "feed_forward.w1."},
                                               {"feed_forward.up_proj.", "feed_forward.w3."},
                                               {"feed_forward.down_proj.", "feed_forward.w2."}};
  weights.rename_parts(parts);  // of dense layers, as mlx-lm writes LFM2-MoE
  return std::make_unique<Lfm2>(config, weights, causal);
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(config, std::move(weights), true);
}

std::unique_ptr<Model> load_bidirectional(const checkpoint::Config& config,
                                          checkpoint::Weights weights) {
  return build(config, std::move(weights), false);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "lfm2",
    .model_types = {"lfm2"},
    .architectures = {{"Lfm2Model"},
                      {"Lfm2ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {.name = "ColBERTLfm2Model", .late_interaction = true}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model."}},
    .shape = shape,
    .load = load,
    .mlx = {.embeds_generative = true, .backbone_prefix = "model.", .convolution = "conv.weight"},
};

}  // namespace vecton::models::lfm2

namespace vecton::models::lfm2_bidirectional {

extern constinit const Family kFamily{
    .name = "lfm2_bidirectional",
    .model_types = {"lfm2_bidirectional"},
    .architectures = {{"Lfm2BidirectionalModel"},
                      {"Lfm2BidirectionalForMaskedLM", checkpoint::HeadKind::kOther},
                      {"Lfm2BidirectionalForSequenceClassification", checkpoint::HeadKind::kOther},
                      {"Lfm2BidirectionalForTokenClassification", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kCls,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model."}},
    .shape = lfm2::bidirectional_shape,
    .load = lfm2::load_bidirectional,
    .mlx = {.backbone_prefix = "model.", .convolution = "conv.weight"},
};

}  // namespace vecton::models::lfm2_bidirectional

namespace vecton::models::lfm2_moe {

extern constinit const Family kFamily{
    .name = "lfm2_moe",
    .model_types = {"lfm2_moe"},
    .architectures = {{"Lfm2MoeModel"}, {"Lfm2MoeForCausalLM", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model."}},
    .shape = lfm2::shape,
    .load = lfm2::load,
    .mlx = {.experts = kNumberedMlxExperts,
            .convolution = "conv.weight",
            .eight_bits = {"feed_forward.gate"},
            .uncast = {"expert_bias"},
            .names = {{"feed_forward.w1.", "feed_forward.gate_proj."},
                      {"feed_forward.w3.", "feed_forward.up_proj."},
                      {"feed_forward.w2.", "feed_forward.down_proj."}}},
};

}  // namespace vecton::models::lfm2_moe
