// Qwen3-Next and Qwen3.5 (https://qwen.ai/blog?id=qwen3-next): three layers of gated delta nets for
// one of attention, which has an output gate; Qwen3-Next and Qwen3.5-MoE with mixtures of experts.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/weight_rows.h"
#include "models/composite.h"
#include "models/decoder.h"
#include "models/equal_heads.h"
#include "models/family.h"
#include "models/qwen_experts.h"
#include "models/qwen_vision.h"
#include "nn/activation.h"
#include "nn/feed_forward.h"
#include "nn/gated_delta_net.h"
#include "nn/image_rows.h"
#include "nn/layer_types.h"
#include "nn/self_attention.h"
#include "vecton/error.h"

namespace vecton::models::qwen3_next {

namespace {

constexpr List<std::string_view, 5> kNormsPlusOne = {
    ".input_layernorm.weight", ".post_attention_layernorm.weight", "model.norm.weight",
    ".q_norm.weight", ".k_norm.weight"};

using Bias = checkpoint::Weights::Bias;

struct Settings {
  ModelShape shape;
  nn::RopeOptions rope{.theta = 1e4, .partial_rotary_factor = 0.25};
  std::vector<bool> attends;  // by layer; else it is a gated delta net
  ops::DeltaShape delta;
  int64_t conv_width = 4;
  double eps = 1e-6;
  ops::Activation activation = ops::Activation::kSilu;
  bool attention_bias = false;
  std::optional<QwenExperts> experts;
  std::vector<bool> sparse;  // by layer: has them

  int64_t keys() const { return delta.key_heads * delta.key_dim; }
  int64_t values() const { return delta.value_heads * delta.value_dim; }
};

struct Layer {
  ops::NormWeight norm;
  std::optional<nn::SelfAttention> attention;
  std::optional<nn::GatedDeltaNet> delta;
  ops::NormWeight mlp_norm;
  nn::FeedForward mlp;
};

class Qwen3Next final : public Model {
 public:
  Qwen3Next(const Settings& s, const checkpoint::Config& config, const checkpoint::Weights& w);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  nn::SelfAttention attention(const checkpoint::Weights& w, int64_t index) const;
  nn::GatedDeltaNet delta(const checkpoint::Weights& w, int64_t index) const;
  ops::NormWeight norm(const checkpoint::Weights& w, int64_t size) const {
    return w.rms_norm(size, s_.eps, norm_plus_);
  }

  Settings s_;
  float norm_plus_ = 1;  // norms multiply by w + norm_plus_
  nn::Rope rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

// Rows begin .. begin + n of each of `heads` parts of `step` rows.
std::vector<int64_t> rows_of(int64_t heads, int64_t step, int64_t begin, int64_t n) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < heads * n; ++i) rows.push_back(i / n * step + begin + i % n);
  return rows;
}

std::vector<float> picked(const std::vector<float>& values, const std::vector<int64_t>& rows) {
  std::vector<float> result;
  for (const int64_t row : rows) {
    if (!values.empty()) result.push_back(values[static_cast<size_t>(row)]);
  }
  return result;
}

// MLX's checkpoints, whose convolutions lie otherwise, have norms with the 1 added.
bool is_mlx(const Settings& s, const checkpoint::Weights& w) {
  const auto first = std::ranges::find(s.attends, false);
  if (first == s.attends.end()) return false;
  return (w / "layers" / (first - s.attends.begin()) / "linear_attn" / "conv1d")
      .has("weight", {2 * s.keys() + s.values(), s.conv_width, 1});
}

Qwen3Next::Qwen3Next(const Settings& s, const checkpoint::Config& config,
                     const checkpoint::Weights& w)
    : s_(s), rope_(config, s.shape.head_dim, s.rope) {
  const int64_t n = s_.shape.hidden;
  if (is_mlx(s_, w)) norm_plus_ = 0;
  words_ = (w / "embed_tokens").table(s_.shape.vocab, n);
  for (int64_t i = 0; i < s_.shape.layers; ++i) {
    const checkpoint::Weights layer = w / "layers" / i, mlp = layer / "mlp";
    Layer made{.norm = norm(layer / "input_layernorm", n),
               .attention = {},
               .delta = {},
               .mlp_norm = norm(layer / "post_attention_layernorm", n),
               .mlp = {}};
    if (s_.attends[static_cast<size_t>(i)]) {
      made.attention = attention(layer / "self_attn", i);
    } else {
      made.delta = delta(layer / "linear_attn", i);
    }
    if (s_.experts && s_.sparse[static_cast<size_t>(i)]) {
      made.mlp = mixture(*s_.experts, mlp, s_.activation);
    } else {
      made.mlp = dense_mlp(mlp, config.integer("intermediate_size"), n, s_.activation);
    }
    layers_.push_back(std::move(made));
  }
  norm_ = norm(w / "norm", n);
}

// q_proj has, head by head, the query and the gate of what attention gives.
nn::SelfAttention Qwen3Next::attention(const checkpoint::Weights& w, int64_t index) const {
  const int64_t n = s_.shape.hidden, heads = s_.shape.heads, d = s_.shape.head_dim,
                kv = s_.shape.kv_heads * d;
  const auto bias = s_.attention_bias ? Bias::kRequired : Bias::kNone;
  const tensor::Weight both = w.matrix("q_proj.weight", 2 * heads * d, n);
  const std::vector<float> both_bias =
      s_.attention_bias ? w.values("q_proj.bias", 2 * heads * d) : std::vector<float>();
  const auto half = [&](int64_t begin) {
    const std::vector<int64_t> rows = rows_of(heads, 2 * d, begin, d);
    return w.linear_of(checkpoint::pick_rows(both, rows), picked(both_bias, rows));
  };
  const std::pair<std::string, int64_t> kv_parts[] = {{"k_proj", kv}, {"v_proj", kv}};
  nn::SelfAttention made{.layer = index,
                         .q = half(0),
                         .kv = w.stacked(kv_parts, n, bias),
                         .out = (w / "o_proj").linear(n, heads * d, bias),
                         .q_norm = norm(w / "q_norm", d),
                         .k_norm = norm(w / "k_norm", d),
                         .shape = {.heads = heads,
                                   .kv_heads = s_.shape.kv_heads,
                                   .head_dim = d,
                                   .scale = 1.0f / std::sqrt(static_cast<float>(d)),
                                   .causal = true}};
  made.gate = half(d);
  return made;
}

// Qwen3-Next keeps queries, keys, values and gates of a key head together, and its betas and steps;
// Qwen3.5 all queries, all keys, all values, and the others apart; GGUF files of Qwen3-Next take
// the first apart alone.
nn::GatedDeltaNet Qwen3Next::delta(const checkpoint::Weights& w, int64_t index) const {
  const int64_t n = s_.shape.hidden, keys = s_.keys(), values = s_.values(),
                heads = s_.delta.value_heads;
  nn::GatedDeltaNet made{.layer = index,
                         .taps = (w / "conv1d").taps(2 * keys + values, s_.conv_width),
                         .norm = (w / "norm").rms_norm(s_.delta.value_dim, s_.eps),
                         .out = (w / "out_proj").linear(n, values, Bias::kNone),
                         .shape = s_.delta};
  const std::vector<float> dt_bias = w.values("dt_bias", heads);
  std::vector<float> rate = w.values("A_log", heads);
  for (float& value : rate) value = -std::exp(value);
  made.rate = w.ops().prepare_parameters(rate, 1, heads);
  const int64_t parts = s_.delta.key_heads;
  if (w.has("in_proj_qkv.weight")) {
    made.qkv = (w / "in_proj_qkv").linear(2 * keys + values, n, Bias::kNone);
    made.gate = (w / "in_proj_z").linear(values, n, Bias::kNone);
  } else {
    const int64_t d = s_.delta.key_dim, each = values / parts, step = 2 * (d + each);
    const tensor::Weight qkvz = w.matrix("in_proj_qkvz.weight", 2 * (keys + values), n);
    const tensor::Weight qkv[] = {checkpoint::pick_rows(qkvz, rows_of(parts, step, 0, d)),
                                  checkpoint::pick_rows(qkvz, rows_of(parts, step, d, d)),
                                  checkpoint::pick_rows(qkvz, rows_of(parts, step, 2 * d, each))};
    made.qkv = w.linear_of(qkv);
    made.gate = w.linear_of(checkpoint::pick_rows(qkvz, rows_of(parts, step, 2 * d + each, each)));
  }
  const checkpoint::Weights exact = w.in_float32();  // how states fade and what they take in
  if (w.has("in_proj_b.weight")) {
    made.beta = (w / "in_proj_b").in_float32().linear(heads, n, Bias::kNone);
    made.step = exact.linear_of(w.matrix("in_proj_a.weight", heads, n), dt_bias);
  } else {
    const int64_t share = heads / parts;
    const tensor::Weight ba = w.matrix("in_proj_ba.weight", 2 * heads, n);
    made.beta = exact.linear_of(checkpoint::pick_rows(ba, rows_of(parts, 2 * share, 0, share)));
    made.step = exact.linear_of(checkpoint::pick_rows(ba, rows_of(parts, 2 * share, share, share)),
                                dt_bias);
  }
  return made;
}

Tensor Qwen3Next::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass);
  Tensor x = ops.embed(words);
  nn::ImageRows(pass, s_.shape.hidden).replace(x);
  for (int64_t i = 0; i < s_.shape.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const nn::LayerRows rows = pass.enter(i, s_.shape.layers, x);
    Tensor h = ops.norm(x, layer.norm);
    x = rows.of(ops, x);
    if (layer.attention) {
      const Tensor q = rows.of(ops, h);
      x = layer.attention->forward(pass, h, q, rows, &x, &rope);
    } else {
      x = layer.delta->forward(pass, std::move(h), rows, x);
    }
    x = nn::feed_forward(layer.mlp, ops, ops.norm(x, layer.mlp_norm), &x);
  }
  return ops.norm(std::move(x), norm_);
}

Settings read(const checkpoint::Config& config) {
  Settings s{.shape = decoder_shape(config, {.kv_heads = 2, .head_dim = 256}),
             .eps = config.number_or("rms_norm_eps", 1e-6),
             .activation = nn::activation(config, "hidden_act", "silu"),
             .attention_bias = config.boolean_or("attention_bias", false)};
  if (!s.shape.causal)
    throw Error(ErrorCode::kUnsupported, config.file() + ": is_causal false is not supported");
  if (s.activation != ops::Activation::kSilu)
    throw Error(ErrorCode::kUnsupported, config.file() + ": hidden_act: only silu is supported");
  const auto counted = [&](const char* key, int64_t fallback) {
    return config.integer_or(key, fallback, 1, checkpoint::Config::kMostCounted);
  };
  s.conv_width = counted("linear_conv_kernel_dim", 4);
  s.delta = {.key_heads = counted("linear_num_key_heads", 16),
             .value_heads = counted("linear_num_value_heads", 32),
             .key_dim = counted("linear_key_head_dim", 128),
             .value_dim = counted("linear_value_head_dim", 128),
             .in_turn = config.boolean_or("linear_value_heads_in_turn", false)};  // of GGUF files
  check_multiple(config, "linear_num_value_heads", s.delta.value_heads, "linear_num_key_heads",
                 s.delta.key_heads);
  config.require("attn_output_gate", true);
  config.ignore({"mamba_ssm_dtype", "mtp_num_hidden_layers", "mtp_use_dedicated_embeddings"});
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto rope = config.child(key);
    if (rope && rope->has("mrope_section")) s.rope.axes = nn::RopeOptions::Axes::kInterleaved;
  }
  const int64_t interval = config.integer_or("full_attention_interval", 4);
  const std::vector<std::string> types =
      nn::layer_types(config, s.shape.layers, {"full_attention", "linear_attention"});
  for (int64_t i = 0; i < s.shape.layers; ++i) {
    s.attends.push_back(types.empty() ? (i + 1) % interval == 0
                                      : types[static_cast<size_t>(i)] == "full_attention");
    if (s.attends.back()) {
      s.shape.cache.push_back(tensor::KeysAndValues{.kv_heads = s.shape.kv_heads,
                                                    .key_dim = s.shape.head_dim,
                                                    .value_dim = s.shape.head_dim});
    } else {
      s.shape.cache.push_back(tensor::RecurrentState{.rows = s.conv_width - 1,
                                                     .columns = 2 * s.keys() + s.values(),
                                                     .state = s.values() * s.delta.key_dim});
    }
  }
  s.shape.long_after = nn::Rope(config, s.shape.head_dim, s.rope).long_after();
  return s;
}

// Qwen3-Next: which layers are mixtures the config says.
Settings settings(const checkpoint::Config& config) {
  Settings s = read(config);
  s.sparse = qwen_sparse_layers(config, s.shape.layers);
  s.experts = qwen_experts(config, s.shape.hidden, true, config.boolean_or("norm_topk_prob", true));
  if (std::ranges::count(s.sparse, false) == 0) config.ignore({"intermediate_size"});
  return s;
}

// Qwen3.5: all layers are, or none is.
Settings settings_dense(const checkpoint::Config& config) { return read(text_config(config)); }

Settings settings_moe(const checkpoint::Config& whole) {
  const checkpoint::Config config = text_config(whole);
  Settings s = read(config);
  s.sparse.assign(s.attends.size(), true);
  s.experts = qwen_experts(config, s.shape.hidden, true, true);
  config.require("norm_topk_prob", true);
  config.ignore({"intermediate_size"});
  return s;
}

std::unique_ptr<Model> build(const Settings& s, const checkpoint::Config& config,
                             checkpoint::Weights weights) {
  rename_qwen_vl(weights);
  prepare_text_model(s.shape, weights, {"mtp"});
  return with_qwen_tower(std::make_unique<Qwen3Next>(s, text_config(config), weights),
                         s.shape.hidden, config, weights);
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).shape; }
ModelShape shape_dense(const checkpoint::Config& config) { return settings_dense(config).shape; }
ModelShape shape_moe(const checkpoint::Config& config) { return settings_moe(config).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings(config), config, std::move(weights));
}

std::unique_ptr<Model> load_dense(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings_dense(config), config, std::move(weights));
}

std::unique_ptr<Model> load_moe(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings_moe(config), config, std::move(weights));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen3_next",
    .model_types = {"qwen3_next"},
    .architectures = {{"Qwen3NextModel"},
                      {"Qwen3NextForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Qwen3NextForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"Qwen3NextForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = shape,
    .load = load,
    .head = text_head<text_config>,
    .mlx = {.experts = MlxExperts(),
            .convolution = "conv1d.weight",
            .plus_one = kNormsPlusOne,
            .eight_bits = {"mlp.gate", "shared_expert_gate"},
            .other_parts = {"mtp."}},
};

}  // namespace vecton::models::qwen3_next

namespace vecton::models::qwen3_5 {

extern constinit const Family kFamily{
    .name = "qwen3_5",
    .model_types = {"qwen3_5", "qwen3_5_text"},
    .architectures = {{"Qwen3_5TextModel"},
                      {"Qwen3_5Model"},
                      {"Qwen3_5ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Qwen3_5ForConditionalGeneration", checkpoint::HeadKind::kCausalLm},
                      {.name = "ColQwen3_5", .late_interaction = true}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model.", "model.language_model."}},
    .shape = qwen3_next::shape_dense,
    .load = qwen3_next::load_dense,
    .head = text_head<text_config>,
    .images = qwen_images,
    .mlx = {.convolution = "conv1d.weight",
            .plus_one = qwen3_next::kNormsPlusOne,
            .uncast = {"A_log"},
            .language_model = {"qwen3_5"},
            .other_parts = {"mtp.", "visual.", "vision_tower."}},
};

}  // namespace vecton::models::qwen3_5

namespace vecton::models::qwen3_5_moe {

extern constinit const Family kFamily{
    .name = "qwen3_5_moe",
    .model_types = {"qwen3_5_moe", "qwen3_5_moe_text"},
    .architectures = {{"Qwen3_5MoeTextModel"},
                      {"Qwen3_5MoeModel"},
                      {"Qwen3_5MoeForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Qwen3_5MoeForConditionalGeneration", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model.", "model.language_model."}},
    .shape = qwen3_next::shape_moe,
    .load = qwen3_next::load_moe,
    .head = text_head<text_config>,
    .images = qwen_images,
    .mlx = {.experts = MlxExperts(),
            .convolution = "conv1d.weight",
            .plus_one = qwen3_next::kNormsPlusOne,
            .eight_bits = {"mlp.gate", "shared_expert_gate"},
            .uncast = {"A_log"},
            .language_model = {"qwen3_5_moe"},
            .other_parts = {"mtp.", "visual.", "vision_tower."}},
};

}  // namespace vecton::models::qwen3_5_moe
