#include "models/gemma.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "models/decoder.h"
#include "models/llama.h"
#include "nn/activation.h"
#include "nn/layer_types.h"
#include "nn/self_attention.h"
#include "vecton/error.h"

namespace vecton::gemma {

namespace {

// What the configs of Gemma 2 and 3 decide.
struct Settings {
  ModelShape shape;
  nn::RopeOptions rope, local_rope;  // of layers that see everything, and of those with a window
  float softcap = 0;                 // of attention scores
  bool qk_norm = false;
};

struct Layer {
  NormWeight attention_norm;
  nn::SelfAttention attention;
  NormWeight after_attention_norm, mlp_norm;
  GatedWeight gate_up;
  LinearWeight down;
  NormWeight after_mlp_norm;
};

class Gemma final : public Model {
 public:
  Gemma(const Settings& settings, const Config& config, const Weights& weights);
  Tensor forward(Ops& ops, const Batch& batch) const override;

 private:
  Layer layer(const Weights& w, const Config& config, int64_t index) const;
  NormWeight norm(const Weights& w, int64_t size) const { return w.rms_norm(size, eps_, 1); }

  Settings settings_;
  double eps_;
  Activation activation_;
  nn::Rope rope_, local_rope_;
  PreparedWeight words_;
  std::vector<Layer> layers_;
  NormWeight norm_;
};

Gemma::Gemma(const Settings& settings, const Config& config, const Weights& w)
    : settings_(settings),
      eps_(config.number_or("rms_norm_eps", 1e-6)),
      activation_(nn::activation(config, "hidden_activation", "gelu_pytorch_tanh")),
      rope_(config, settings.shape.head_dim, settings.rope),
      local_rope_(config, settings.shape.head_dim, settings.local_rope) {
  const ModelShape& shape = settings_.shape;
  words_ = (w / "embed_tokens").table(shape.vocab, shape.hidden);
  for (int64_t i = 0; i < shape.layers; ++i) layers_.push_back(layer(w / "layers" / i, config, i));
  norm_ = norm(w / "norm", shape.hidden);
}

Layer Gemma::layer(const Weights& w, const Config& config, int64_t index) const {
  const ModelShape& shape = settings_.shape;
  const int64_t n = shape.hidden, intermediate = config.integer("intermediate_size");
  const int64_t q = shape.heads * shape.head_dim, kv = shape.kv_heads * shape.head_dim;
  const auto bias =
      config.boolean_or("attention_bias", false) ? Weights::Bias::kRequired : Weights::Bias::kNone;
  const Weights self = w / "self_attn", mlp = w / "mlp";
  const std::pair<std::string, int64_t> kv_parts[] = {{"k_proj", kv}, {"v_proj", kv}};
  Layer layer{
      .attention_norm = norm(w / "input_layernorm", n),
      .attention = {.layer = index,
                    .q = (self / "q_proj").linear(q, n, bias),
                    .kv = self.stacked(kv_parts, n, bias),
                    .out = (self / "o_proj").linear(n, q, bias),
                    .shape = {.heads = shape.heads,
                              .kv_heads = shape.kv_heads,
                              .head_dim = shape.head_dim,
                              .scale = 1.0f / std::sqrt(static_cast<float>(
                                                  config.number_or("query_pre_attn_scalar", 256))),
                              .causal = shape.causal,
                              .window = settings_.shape.windows[static_cast<size_t>(index)],
                              .softcap = settings_.softcap}},
      .after_attention_norm = norm(w / "post_attention_layernorm", n),
      .mlp_norm = norm(w / "pre_feedforward_layernorm", n),
      .gate_up = mlp.gated("gate_proj", "up_proj", intermediate, n),
      .down = (mlp / "down_proj").linear(n, intermediate, Weights::Bias::kNone),
      .after_mlp_norm = norm(w / "post_feedforward_layernorm", n),
  };
  if (settings_.qk_norm) {
    layer.attention.q_norm = norm(self / "q_norm", shape.head_dim);
    layer.attention.k_norm = norm(self / "k_norm", shape.head_dim);
  }
  return layer;
}

Tensor Gemma::forward(Ops& ops, const Batch& batch) const {
  const Ops::Lookup words[] = {{*words_, batch.ids}};
  const auto rope = rope_.table(batch.rows.longest()),
             local_rope = local_rope_.table(batch.rows.longest());
  const ModelShape& shape = settings_.shape;
  Tensor x = ops.scale(ops.embed(words), std::sqrt(static_cast<float>(shape.hidden)));
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const auto rows = nn::LayerRows::of_layer(batch, static_cast<int64_t>(i), shape.layers);
    const bool local = layer.attention.shape.window > 0;
    const Tensor h = ops.norm(x, layer.attention_norm), q = rows.of(ops, h);
    x = rows.of(ops, x);
    Tensor a = layer.attention.forward(ops, h, q, rows, batch, nullptr,
                                       local ? local_rope.get() : rope.get());
    x = ops.add(ops.norm(std::move(a), layer.after_attention_norm), x);
    const Tensor m = ops.gated_linear(ops.norm(x, layer.mlp_norm), layer.gate_up, activation_);
    x = ops.add(ops.norm(ops.linear(m, layer.down), layer.after_mlp_norm), x);
  }
  return ops.norm(std::move(x), norm_);
}

// A number that some files say is null, and others leave to its default.
float softcap(const Config& config, std::string_view key, double fallback) {
  return config.is_null(key) ? 0 : static_cast<float>(config.number_or(key, fallback));
}

// `window` of the layers that slide.
std::vector<int64_t> windows(const std::vector<bool>& sliding, int64_t window) {
  std::vector<int64_t> result;
  for (const bool slides : sliding) result.push_back(slides ? window : 0);
  return result;
}

constexpr DecoderDefaults kDefaults{.kv_heads = 4, .head_dim = 256};

Settings settings2(const Config& config) {
  config.require("use_bidirectional_attention", false);
  config.ignore({"hidden_act"});  // hidden_activation counts
  Settings s{.shape = decoder_shape(config, kDefaults),
             .softcap = softcap(config, "attn_logit_softcapping", 50)};
  s.shape.logit_softcap = softcap(config, "final_logit_softcapping", 30);
  const int64_t width = config.integer_or("sliding_window", 4096);
  s.shape.windows =
      windows(nn::sliding_layers(config, s.shape.layers, [](int64_t i) { return i % 2 == 0; }),
              decoder_window(width, s.shape.causal));
  return s;
}

Settings settings3(const Config& config) {
  // The model's code has no cap of scores, whatever the file says.
  config.ignore({"hidden_act", "attn_logit_softcapping"});
  Settings s{.shape = decoder_shape(config, kDefaults),
             .rope = {.theta = 1e6, .layer_type = "full_attention"},
             .local_rope = {.theta = 1e4,
                            .theta_key = "rope_local_base_freq",
                            .layer_type = "sliding_attention",
                            .scaled = false},
             .qk_norm = true};
  s.shape.logit_softcap = softcap(config, "final_logit_softcapping", 0);
  const int64_t width = config.integer_or("sliding_window", 4096);
  const bool both_ways = config.boolean_or("use_bidirectional_attention", false);
  const int64_t pattern = config.integer_or("sliding_window_pattern", 6);
  // What newer files write beside layer_types.
  const bool told = config.has("layer_types") || config.has("sliding_window_pattern");
  if (!told) config.require("_sliding_window_pattern", pattern);
  config.ignore({"_sliding_window_pattern"});
  // Both ways, half of the width lies on each side.
  s.shape.windows = windows(
      nn::sliding_layers(config, s.shape.layers, [&](int64_t i) { return (i + 1) % pattern != 0; }),
      both_ways ? width / 2 + 1 : decoder_window(width, s.shape.causal));
  return s;
}

ModelShape shape_of(const Config& config, const Settings& settings) {
  ModelShape shape = settings.shape;
  for (const nn::RopeOptions& options : {settings.rope, settings.local_rope})
    shape.cacheable &= !nn::Rope(config, shape.head_dim, options).depends_on_length();
  return shape;
}

std::unique_ptr<Model> build(const Settings& settings, const Config& config, Weights weights) {
  prepare_decoder(settings.shape, weights);
  return std::make_unique<Gemma>(settings, config, weights);
}

llama::Settings settings1(const Config& config) {
  llama::Settings s = llama::settings(config, {.head_dim = 256});
  // "gelu" of the first releases means its tanh form.
  const std::string name =
      config.string_or("hidden_activation", config.string_or("hidden_act", "gelu_pytorch_tanh"));
  const bool named = config.has("hidden_activation");
  s.activation = name == "gelu" ? Activation::kGeluTanh
                                : nn::activation(config, named ? "hidden_activation" : "hidden_act",
                                                 "gelu_pytorch_tanh");
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.norm_plus = 1;
  s.embedding_scale = std::sqrt(static_cast<float>(s.shape.hidden));
  return s;
}

}  // namespace

ModelShape shape(const Config& config) { return settings1(config).shape; }

std::unique_ptr<Model> load(const Config& config, Weights weights) {
  return llama::build(settings1(config), config, std::move(weights));
}

ModelShape shape2(const Config& config) { return shape_of(config, settings2(config)); }

std::unique_ptr<Model> load2(const Config& config, Weights weights) {
  return build(settings2(config), config, std::move(weights));
}

ModelShape shape3(const Config& config) { return shape_of(config, settings3(config)); }

std::unique_ptr<Model> load3(const Config& config, Weights weights) {
  return build(settings3(config), config, std::move(weights));
}

}  // namespace vecton::gemma
