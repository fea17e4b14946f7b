#include "models/qwen3.h"

#include <cmath>
#include <vector>

#include "nn/activation.h"
#include "nn/rope.h"
#include "nn/self_attention.h"
#include "vecton/error.h"

namespace vecton::qwen3 {

namespace {

struct Layer {
  NormWeight attention_norm;
  nn::SelfAttention attention;
  NormWeight mlp_norm;
  GatedWeight gate_up;
  LinearWeight down;
};

class Qwen3 final : public Model {
 public:
  Qwen3(const Config& config, const Weights& weights);
  Tensor forward(Ops& ops, const Batch& batch) const override;

 private:
  Layer layer(const Weights& w, const Config& config) const;

  ModelShape shape_;
  Activation activation_;
  nn::Rope rope_;
  PreparedWeight words_;
  std::vector<Layer> layers_;
  NormWeight norm_;
};

Qwen3::Qwen3(const Config& config, const Weights& w)
    : shape_(shape(config)),
      activation_(nn::activation(config, "hidden_act", "silu")),
      rope_(config, shape_.head_dim, 10000.0) {
  words_ = (w / "embed_tokens").table(shape_.vocab, shape_.hidden);
  for (int64_t i = 0; i < shape_.layers; ++i) layers_.push_back(layer(w / "layers" / i, config));
  norm_ = (w / "norm").rms_norm(shape_.hidden, config.number_or("rms_norm_eps", 1e-6));
}

Layer Qwen3::layer(const Weights& w, const Config& config) const {
  const int64_t n = shape_.hidden, intermediate = config.integer("intermediate_size");
  const int64_t q = shape_.heads * shape_.head_dim, kv = shape_.kv_heads * shape_.head_dim;
  const double eps = config.number_or("rms_norm_eps", 1e-6);
  const auto bias =
      config.boolean_or("attention_bias", false) ? Weights::Bias::kRequired : Weights::Bias::kNone;
  const Weights self = w / "self_attn", mlp = w / "mlp";
  const std::pair<std::string, int64_t> kv_parts[] = {{"k_proj", kv}, {"v_proj", kv}};
  return {
      .attention_norm = (w / "input_layernorm").rms_norm(n, eps),
      .attention = {.q = (self / "q_proj").linear(q, n, bias),
                    .kv = self.stacked(kv_parts, n, bias),
                    .out = (self / "o_proj").linear(n, q, bias),
                    .q_norm = (self / "q_norm").rms_norm(shape_.head_dim, eps),
                    .k_norm = (self / "k_norm").rms_norm(shape_.head_dim, eps),
                    .shape = {.heads = shape_.heads,
                              .kv_heads = shape_.kv_heads,
                              .head_dim = shape_.head_dim,
                              .scale = 1.0f / std::sqrt(static_cast<float>(shape_.head_dim)),
                              .causal = true}},
      .mlp_norm = (w / "post_attention_layernorm").rms_norm(n, eps),
      .gate_up = mlp.gated("gate_proj", "up_proj", intermediate, n),
      .down = (mlp / "down_proj").linear(n, intermediate, Weights::Bias::kNone),
  };
}

Tensor Qwen3::forward(Ops& ops, const Batch& batch) const {
  const Ops::Lookup words[] = {{*words_, batch.ids}};
  const auto rope = rope_.table(batch.rows.longest());
  Tensor x = ops.embed(words);
  for (const Layer& layer : layers_) {
    const auto rows = nn::LayerRows::of_layer(batch, &layer - layers_.data(), shape_.layers);
    const Tensor h = ops.norm(x, layer.attention_norm), q = rows.of(ops, h);
    x = rows.of(ops, x);
    x = layer.attention.forward(ops, h, q, rows, batch, &x, rope.get());
    const Tensor m = ops.gated_linear(ops.norm(x, layer.mlp_norm), layer.gate_up, activation_);
    x = ops.linear(m, layer.down, Activation::kIdentity, &x);
  }
  return ops.norm(std::move(x), norm_);
}

}  // namespace

ModelShape shape(const Config& config) {
  config.require("use_sliding_window", false);
  for (const std::string& type : config.strings_or_empty("layer_types")) {
    if (type != "full_attention") {
      throw Error(ErrorCode::kUnsupported, config.file() + ": layer_types \"" + type +
                                               "\" is not supported; full_attention is");
    }
  }
  config.ignore(
      {"sliding_window", "max_window_layers"});  // they count only with use_sliding_window
  const int64_t hidden = config.integer("hidden_size"),
                heads = config.integer("num_attention_heads");
  ModelShape shape{.layers = config.integer("num_hidden_layers"),
                   .hidden = hidden,
                   .vocab = config.integer("vocab_size"),
                   .max_positions = config.integer("max_position_embeddings"),
                   .heads = heads,
                   .kv_heads = config.integer_or("num_key_value_heads", heads),
                   .head_dim = config.integer_or("head_dim", hidden / heads),
                   .causal = true};
  if (shape.heads % shape.kv_heads != 0) {
    throw Error(ErrorCode::kCorrupt,
                config.file() + ": num_attention_heads must be a multiple of num_key_value_heads");
  }
  if (shape.head_dim % 2 != 0)
    throw Error(ErrorCode::kCorrupt, config.file() + ": head_dim must be even");
  return shape;
}

std::unique_ptr<Model> load(const Config& config, Weights weights) {
  const Weights::Rename prefixes[] = {{"model.", ""}};
  const std::string_view heads[] = {"lm_head.", "score."};
  weights.rename_prefixes(prefixes);
  weights.skip(heads);
  return std::make_unique<Qwen3>(config, weights);
}

}  // namespace vecton::qwen3
