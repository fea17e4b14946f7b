// Gemma 4 (https://ai.google.dev/gemma/docs/core): norms before and after attention and MLP, two
// sizes of heads, keys that are values too, layers that read the keys and values of another one, a
// table of embeddings for every layer, and experts beside the MLP.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/composite.h"
#include "models/decoder.h"
#include "models/equal_heads.h"
#include "models/experts.h"
#include "models/family.h"
#include "nn/activation.h"
#include "nn/layer_types.h"
#include "nn/mixture_of_experts.h"
#include "nn/rope.h"
#include "vecton/error.h"

namespace vecton::models::gemma4 {

namespace {

using Bias = checkpoint::Weights::Bias;

// One kind of layer: with a window, or without.
struct Heads {
  int64_t kv_heads = 0, head_dim = 0, window = 0;
  bool values_are_keys = false;
};

struct Settings {
  ModelShape shape;
  std::vector<bool> sliding;
  std::vector<int64_t> source;  // by layer: whose keys and values it reads
  Heads local, global;
  double eps = 1e-6;
  ops::Activation activation = ops::Activation::kGeluTanh;
  bool attention_bias = false;
  int64_t intermediate = 0, per_layer = 0, per_layer_vocab = 0;
  bool double_wide = false;
  ExpertSizes experts;  // count 0 = none
  ops::Router routing;

  const Heads& heads(int64_t layer) const {
    return sliding[static_cast<size_t>(layer)] ? local : global;
  }
  bool shares(int64_t layer) const { return source[static_cast<size_t>(layer)] != layer; }
};

struct Attention {
  ops::LinearWeight q, k, out;
  std::optional<ops::LinearWeight> v;  // absent: values are keys before their norm
  ops::NormWeight q_norm, k_norm, v_norm;
  ops::AttentionShape shape;
};

// norm(experts(before(x))) of the rows that the router judges by their own norm.
struct ExpertBranch {
  ops::NormWeight judged, before, after, after_mlp;
  nn::MixtureOfExperts mixture;
};

struct PerLayerInput {
  ops::LinearWeight gate, projection;
  ops::NormWeight norm;
};

struct Layer {
  ops::NormWeight attention_norm, after_attention, mlp_norm, after_mlp;
  Attention attention;
  nn::Mlp mlp;
  std::optional<ExpertBranch> experts;
  std::optional<PerLayerInput> input;
  float scalar = 1;
};

// Of a layer, for it and for layers that read the same ones.
struct KeyValues {
  Tensor k, v;           // of the rows of this pass
  ops::KeyPages before;  // of earlier tokens
};

class Gemma4 final : public Model {
 public:
  Gemma4(const Settings& settings, const checkpoint::Config& config, const checkpoint::Weights& w);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w, int64_t index) const;
  Attention attention(const checkpoint::Weights& w, int64_t index) const;
  ExpertBranch experts(const checkpoint::Weights& w) const;
  ops::NormWeight norm(const checkpoint::Weights& w, int64_t size) const {
    return w.rms_norm(size, s_.eps);
  }
  Tensor layer_inputs(const nn::ForwardPass& pass, const Tensor& x) const;
  KeyValues keep(const nn::ForwardPass& pass, int64_t index, const Tensor& h,
                 const nn::Rotation& rope) const;
  Tensor attend(const nn::ForwardPass& pass, const Attention& attention, const Tensor& h,
                const nn::LayerRows& rows, const KeyValues& keys, const nn::Rotation& rope) const;
  Tensor feed_forward(Ops& ops, const Layer& layer, const Tensor& x) const;

  Settings s_;
  nn::Rope rope_, local_rope_;
  ops::PreparedWeight words_, layer_words_;
  ops::LinearWeight layer_projection_;
  ops::NormWeight layer_norm_, norm_;
  std::vector<Layer> layers_;
};

// RmsNorm that multiplies by the same number everywhere.
ops::NormWeight plain_norm(Ops& ops, std::vector<float> weight, double eps) {
  const auto size = static_cast<int64_t>(weight.size());
  return {ops::NormWeight::Kind::kRmsNorm,
          ops.prepare_parameters(weight, 1, size),
          {},
          static_cast<float>(eps)};
}

Gemma4::Gemma4(const Settings& settings, const checkpoint::Config& config,
               const checkpoint::Weights& w)
    : s_(settings),
      rope_(config, settings.global.head_dim,
            {.theta = 1e6, .partial_rotary_factor = 0.25, .layer_type = "full_attention"}),
      local_rope_(config, settings.local.head_dim, {.layer_type = "sliding_attention"}) {
  const int64_t n = s_.shape.hidden, inputs = s_.shape.layers * s_.per_layer;
  words_ = (w / "embed_tokens").table(s_.shape.vocab, n);
  if (s_.per_layer > 0) {
    layer_words_ = (w / "embed_tokens_per_layer").table(s_.per_layer_vocab, inputs);
    layer_projection_ = (w / "per_layer_model_projection").linear(inputs, n, Bias::kNone);
    layer_norm_ = norm(w / "per_layer_projection_norm", s_.per_layer);
  }
  for (int64_t i = 0; i < s_.shape.layers; ++i) layers_.push_back(layer(w / "layers" / i, i));
  norm_ = norm(w / "norm", n);
}

Attention Gemma4::attention(const checkpoint::Weights& w, int64_t index) const {
  const Heads& heads = s_.heads(index);
  const int64_t n = s_.shape.hidden, d = heads.head_dim, q = s_.shape.heads * d,
                kv = heads.kv_heads * d;
  const auto bias = s_.attention_bias ? Bias::kRequired : Bias::kNone;
  Attention made{.q = (w / "q_proj").linear(q, n, bias),
                 .out = (w / "o_proj").linear(n, q, bias),
                 .q_norm = norm(w / "q_norm", d),
                 .shape = {.heads = s_.shape.heads,
                           .kv_heads = heads.kv_heads,
                           .head_dim = d,
                           .scale = 1,
                           .causal = s_.shape.causal,
                           .window = heads.window}};
  if (s_.shares(index)) return made;
  made.k = (w / "k_proj").linear(kv, n, bias);
  if (!heads.values_are_keys) made.v = (w / "v_proj").linear(kv, n, bias);
  made.k_norm = norm(w / "k_norm", d);
  made.v_norm = plain_norm(w.ops(), std::vector<float>(static_cast<size_t>(d), 1.0f), s_.eps);
  return made;
}

ExpertBranch Gemma4::experts(const checkpoint::Weights& w) const {
  const int64_t n = s_.shape.hidden;
  const checkpoint::Weights router = (w / "router").in_float32();
  std::vector<float> scale = router.values("scale", n);
  for (float& value : scale) value /= std::sqrt(static_cast<float>(n));
  ExpertBranch made{.judged = plain_norm(w.ops(), std::move(scale), s_.eps),
                    .before = norm(w / "pre_feedforward_layernorm_2", n),
                    .after = norm(w / "post_feedforward_layernorm_2", n),
                    .after_mlp = norm(w / "post_feedforward_layernorm_1", n),
                    .mixture = nn::MixtureOfExperts{
                        .router = (router / "proj").linear(s_.experts.count, n, Bias::kNone),
                        .routing = s_.routing,
                        .experts = load_experts(w, s_.experts, s_.activation)}};
  made.mixture.routing.factors = router.vector("per_expert_scale", s_.experts.count);
  return made;
}

Layer Gemma4::layer(const checkpoint::Weights& w, int64_t index) const {
  const int64_t n = s_.shape.hidden;
  const int64_t wide = s_.double_wide && s_.shares(index) ? 2 : 1;
  Layer made{.attention_norm = norm(w / "input_layernorm", n),
             .after_attention = norm(w / "post_attention_layernorm", n),
             .mlp_norm = norm(w / "pre_feedforward_layernorm", n),
             .after_mlp = norm(w / "post_feedforward_layernorm", n),
             .attention = attention(w / "self_attn", index),
             .mlp = dense_mlp(w / "mlp", wide * s_.intermediate, n, s_.activation),
             .scalar = w.values("layer_scalar", 1).front()};
  if (s_.experts.count > 0) made.experts = experts(w);
  if (s_.per_layer > 0) {
    made.input = PerLayerInput{
        .gate = (w / "per_layer_input_gate").linear(s_.per_layer, n, Bias::kNone),
        .projection = (w / "per_layer_projection").linear(n, s_.per_layer, Bias::kNone),
        .norm = norm(w / "post_per_layer_input_norm", n)};
  }
  return made;
}

// What each layer reads of a token beside the row that comes to it, layer by layer.
Tensor Gemma4::layer_inputs(const nn::ForwardPass& pass, const Tensor& x) const {
  Ops& ops = pass.ops;
  const Ops::Lookup words[] = {{*layer_words_, pass.ids}};
  const Tensor own = ops.scale(ops.embed(words), std::sqrt(static_cast<float>(s_.per_layer)));
  Tensor projected = ops.scale(ops.linear(x, layer_projection_),
                               1 / std::sqrt(static_cast<float>(s_.shape.hidden)));
  return ops.scale(ops.add(ops.norm(std::move(projected), layer_norm_), own),
                   static_cast<float>(1 / std::sqrt(2.0)));
}

KeyValues Gemma4::keep(const nn::ForwardPass& pass, int64_t index, const Tensor& h,
                       const nn::Rotation& rope) const {
  Ops& ops = pass.ops;
  const Attention& a = layers_[static_cast<size_t>(index)].attention;
  const Tensor k = ops.linear(h, a.k), v = a.v ? ops.linear(h, *a.v) : k;
  KeyValues keys{.k = ops.rope(ops.norm(k, a.k_norm), a.shape.head_dim, rope.all, *rope.table),
                 .v = ops.norm(v, a.v_norm),
                 .before = {}};
  keys.before = pass.exchange(index, keys.k, keys.v);
  return keys;
}

Tensor Gemma4::attend(const nn::ForwardPass& pass, const Attention& a, const Tensor& h,
                      const nn::LayerRows& rows, const KeyValues& keys,
                      const nn::Rotation& rope) const {
  Ops& ops = pass.ops;
  const Tensor q = ops.rope(ops.norm(ops.linear(rows.of(ops, h), a.q), a.q_norm), a.shape.head_dim,
                            rope.positions(rows), *rope.table);
  return ops.linear(ops.attention(q, keys.k, keys.v, a.shape, rows.rows(), pass.rows.offsets, {},
                                  keys.before, pass.attended),
                    a.out);
}

Tensor Gemma4::feed_forward(Ops& ops, const Layer& layer, const Tensor& x) const {
  Tensor y = layer.mlp.forward(ops, ops.norm(x, layer.mlp_norm));
  if (layer.experts) {
    const ExpertBranch& branch = *layer.experts;
    Tensor routed =
        branch.mixture.routed(ops, ops.norm(x, branch.judged), ops.norm(x, branch.before));
    y = ops.add(ops.norm(std::move(y), branch.after_mlp),
                ops.norm(std::move(routed), branch.after));
  }
  return ops.add(ops.norm(std::move(y), layer.after_mlp), x);
}

Tensor Gemma4::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass), local_rope = local_rope_.rotation(pass);
  Tensor x = ops.scale(ops.embed(words), std::sqrt(static_cast<float>(s_.shape.hidden)));
  Tensor inputs;
  if (s_.per_layer > 0) inputs = layer_inputs(pass, x);
  std::map<int64_t, KeyValues> read_again;
  for (int64_t i = 0; i < s_.shape.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const nn::LayerRows rows = pass.enter(i, s_.shape.layers, x);
    const nn::Rotation& turned = s_.sliding[static_cast<size_t>(i)] ? local_rope : rope;
    const int64_t source = s_.source[static_cast<size_t>(i)];
    const Tensor h = ops.norm(x, layer.attention_norm);
    const KeyValues keys = s_.shares(i) ? read_again.at(source) : keep(pass, i, h, turned);
    for (int64_t later = i + 1; later < s_.shape.layers; ++later) {
      if (s_.source[static_cast<size_t>(later)] == i) read_again.emplace(i, keys);
    }
    Tensor attended = attend(pass, layer.attention, h, rows, keys, turned);
    x = ops.add(ops.norm(std::move(attended), layer.after_attention), rows.of(ops, x));
    x = feed_forward(ops, layer, x);
    if (layer.input) {
      const Tensor own = rows.of(ops, inputs.slice_columns(i * s_.per_layer, s_.per_layer));
      const Tensor gate = ops.linear(x, layer.input->gate, s_.activation);
      Tensor added = ops.linear(ops.multiply(gate, own), layer.input->projection);
      x = ops.add(ops.norm(std::move(added), layer.input->norm), x);
    }
    x = ops.scale(std::move(x), layer.scalar);
  }
  return ops.norm(std::move(x), norm_);
}

// The last layer of the same kind that has keys and values of its own.
std::vector<int64_t> sources(const checkpoint::Config& config, const std::vector<bool>& sliding) {
  const auto layers = static_cast<int64_t>(sliding.size());
  const int64_t own =
      layers - config.integer_or("num_kv_shared_layers", 0, 0, std::max<int64_t>(0, layers - 1));
  std::vector<int64_t> result;
  int64_t last[2] = {-1, -1};  // of those that see everything, and of those that slide
  for (int64_t i = 0; i < layers; ++i) {
    int64_t& source = last[sliding[static_cast<size_t>(i)] ? 1 : 0];
    if (i < own) source = i;
    if (source < 0) {
      throw Error(ErrorCode::kCorrupt,
                  config.file() +
                      ": num_kv_shared_layers: no layer before them is of the kind "
                      "of layer " +
                      std::to_string(i));
    }
    result.push_back(source);
  }
  return result;
}

void read_experts(const checkpoint::Config& config, Settings& s) {
  if (!config.boolean_or("enable_moe_block", false)) {
    config.ignore({"num_experts", "top_k_experts", "moe_intermediate_size"});
    return;
  }
  s.experts = {.count = config.integer("num_experts", 1, checkpoint::Config::kMostCounted),
               .width = config.integer("moe_intermediate_size"),
               .hidden = s.shape.hidden};
  s.routing = {.k = config.integer("top_k_experts", 1, s.experts.count), .normalize = true};
}

Settings settings(const checkpoint::Config& whole) {
  const checkpoint::Config config = text_config(whole);
  if (!config.has("rope_parameters")) {
    throw Error(ErrorCode::kCorrupt,
                config.file() + ": \"rope_parameters\": missing, expected an object");
  }
  const std::string both_ways = config.string_or("use_bidirectional_attention", "vision");
  if (both_ways != "vision") {  // which changes how pictures are read alone
    throw Error(ErrorCode::kUnsupported, config.file() + ": use_bidirectional_attention \"" +
                                             both_ways +
                                             "\" is not supported; null and vision are");
  }
  Settings s{
      .shape = {.layers = config.integer("num_hidden_layers", 1, checkpoint::Config::kMostCounted),
                .hidden = config.integer("hidden_size"),
                .vocab = config.integer("vocab_size"),
                .max_positions = config.integer("max_position_embeddings"),
                .heads = config.integer("num_attention_heads"),
                .kv_heads = config.integer_or("num_key_value_heads", 4),
                .head_dim = config.integer_or("head_dim", 256, 1, checkpoint::Config::kMostCounted),
                .causal = true},
      .eps = config.number_or("rms_norm_eps", 1e-6),
      .activation = nn::activation(config, "hidden_activation", "gelu_pytorch_tanh"),
      .attention_bias = config.boolean_or("attention_bias", false),
      .intermediate = config.integer("intermediate_size"),
      .per_layer = config.integer_or("hidden_size_per_layer_input", 256, 0),
      .per_layer_vocab = config.integer_or("vocab_size_per_layer_input", 262144),
      .double_wide = config.boolean_or("use_double_wide_mlp", false)};
  config.ignore({"final_logit_softcapping"});  // of the head alone
  s.sliding =
      nn::sliding_layers(config, s.shape.layers, [](int64_t i) { return (i + 1) % 6 != 0; });
  s.sliding.back() = false;
  s.source = sources(config, s.sliding);
  s.local = {.kv_heads = s.shape.kv_heads,
             .head_dim = s.shape.head_dim,
             .window = decoder_window(config.integer_or("sliding_window", 512), true)};
  s.global = {
      .kv_heads = s.shape.kv_heads,
      .head_dim = config.integer_or("global_head_dim", 512, 1, checkpoint::Config::kMostCounted),
      .values_are_keys = config.boolean_or("attention_k_eq_v", false)};
  const int64_t global_heads = config.integer_or("num_global_key_value_heads", s.shape.kv_heads);
  if (s.global.values_are_keys) s.global.kv_heads = global_heads;
  check_multiple(config, "num_attention_heads", s.shape.heads, "num_key_value_heads",
                 s.local.kv_heads);
  check_multiple(config, "head_dim", s.local.head_dim, "2", 2);
  check_multiple(config, "num_attention_heads", s.shape.heads, "num_global_key_value_heads",
                 s.global.kv_heads);
  check_multiple(config, "global_head_dim", s.global.head_dim, "2", 2);
  for (int64_t i = 0; i < s.shape.layers; ++i) {
    const Heads& heads = s.heads(i);
    s.shape.windows.push_back(heads.window);
    if (s.shares(i)) {
      s.shape.cache.push_back(tensor::SharedWith{.layer = s.source[static_cast<size_t>(i)]});
    } else {
      s.shape.cache.push_back(tensor::KeysAndValues{.kv_heads = heads.kv_heads,
                                                    .key_dim = heads.head_dim,
                                                    .value_dim = heads.head_dim,
                                                    .window = heads.window});
    }
  }
  read_experts(config, s);
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const Settings s = settings(config);
  prepare_text_model(
      s.shape, weights,
      {"vision_tower", "embed_vision", "audio_tower", "embed_audio", "multi_modal_projector"});
  // Layers that read others' keys and values have some of their own in some files.
  std::vector<std::string> names;
  for (int64_t i = 0; i < s.shape.layers; ++i) {
    for (const char* part : {"k_proj", "v_proj", "k_norm", "v_norm"}) {
      if (s.shares(i))
        names.push_back("layers." + std::to_string(i) + ".self_attn." + std::string(part));
    }
  }
  const std::vector<std::string_view> unused(names.begin(), names.end());
  weights.skip(unused);
  return std::make_unique<Gemma4>(s, text_config(config), weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& whole, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  const checkpoint::Config config = text_config(whole);
  checkpoint::HeadWeights head = decoder_head(config, kind, labels, weights);
  head.logit_softcap = static_cast<float>(config.number_or("final_logit_softcapping", 0));
  return head;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "gemma4",
    .model_types = {"gemma4", "gemma4_text"},
    .architectures = {{"Gemma4TextModel"},
                      {"Gemma4Model"},
                      {"Gemma4ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Gemma4ForConditionalGeneration", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model.", "model.language_model."}},
    .shape = shape,
    .load = load,
    .head = head,
    .mlx = {.experts = MlxExperts{.place = "experts.switch_glu"},
            .eight_bits = {"router.proj"},
            .language_model = {"gemma4"},
            .other_parts = {"vision_tower.", "multi_modal_projector.", "audio_tower.",
                            "embed_audio.", "embed_vision.", "vision_embedder."},
            .of_own_keys = {"self_attn.k_proj", "self_attn.v_proj", "self_attn.k_norm"}},
};

}  // namespace vecton::models::gemma4
