// Gemma (arXiv:2403.08295): Llama with scaled embeddings and norms of 1 + w. Gemma 2
// (arXiv:2408.00118) and Gemma 3 (arXiv:2503.19786), EmbeddingGemma among them: norms before and
// after attention and MLP, windows over most layers.
#include "models/gemma.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/decoder.h"
#include "models/family.h"
#include "models/llama.h"
#include "nn/activation.h"
#include "nn/image_rows.h"
#include "nn/layer_types.h"
#include "nn/sandwich_norm.h"
#include "vecton/error.h"

namespace vecton::models::gemma {

void rename_parts(checkpoint::Weights& weights) {
  const std::vector<checkpoint::Weights::Rename> levels[] = {
      {{"vlm.", ""}},
      {{"model.", ""}},
      {{"model.", ""}},
      {{"language_model.model.", ""},
       {"language_model.lm_head.", "lm_head."},
       {"language_model.", ""},
       {"vision_tower.vision_model.", "vision_tower."},
       {"embedding_proj_layer.", "linear."},
       {"custom_text_proj.", "linear."}}};
  for (const auto& rules : levels) weights.rename_prefixes(rules);
}

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config, {.head_dim = 256, .max_positions = 8192});
  // "gelu" of the first releases means its tanh form.
  const std::string name =
      config.string_or("hidden_activation", config.string_or("hidden_act", "gelu_pytorch_tanh"));
  const bool named = config.has("hidden_activation");
  s.activation = name == "gelu" ? ops::Activation::kGeluTanh
                                : nn::activation(config, named ? "hidden_activation" : "hidden_act",
                                                 "gelu_pytorch_tanh");
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.norm_plus = 1;
  s.embedding_scale = std::sqrt(static_cast<float>(s.shape.hidden));
  return s;
}

namespace {

// What the configs of Gemma 2 and 3 decide.
struct Settings {
  ModelShape shape;
  nn::RopeOptions rope, local_rope;  // of layers that see everything, and of those with a window
  float softcap = 0;                 // of attention scores
  bool qk_norm = false;
};

struct Layer {
  nn::SandwichNormAttention attention;
  nn::SandwichNormMlp mlp;
};

class Gemma final : public Model {
 public:
  Gemma(const Settings& settings, const checkpoint::Config& config,
        const checkpoint::Weights& weights);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Layer layer(const checkpoint::Weights& w, const checkpoint::Config& config, int64_t index) const;
  ops::NormWeight norm(const checkpoint::Weights& w, int64_t size) const {
    return w.rms_norm(size, eps_, 1);
  }

  Settings settings_;
  double eps_;
  ops::Activation activation_;
  nn::Rope rope_, local_rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

Gemma::Gemma(const Settings& settings, const checkpoint::Config& config,
             const checkpoint::Weights& w)
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

Layer Gemma::layer(const checkpoint::Weights& w, const checkpoint::Config& config,
                   int64_t index) const {
  const ModelShape& shape = settings_.shape;
  const int64_t n = shape.hidden, intermediate = config.integer("intermediate_size");
  const int64_t q = shape.heads * shape.head_dim, kv = shape.kv_heads * shape.head_dim;
  const auto bias = config.boolean_or("attention_bias", false)
                        ? checkpoint::Weights::Bias::kRequired
                        : checkpoint::Weights::Bias::kNone;
  const checkpoint::Weights self = w / "self_attn", mlp = w / "mlp";
  const std::pair<std::string, int64_t> kv_parts[] = {{"k_proj", kv}, {"v_proj", kv}};
  nn::SelfAttention attention{
      .layer = index,
      .q = (self / "q_proj").linear(q, n, bias),
      .kv = self.stacked(kv_parts, n, bias),
      .out = (self / "o_proj").linear(n, q, bias),
      .shape = {.heads = shape.heads,
                .kv_heads = shape.kv_heads,
                .head_dim = shape.head_dim,
                .scale = 1.0f / std::sqrt(static_cast<float>(
                                    config.number_or("query_pre_attn_scalar", 256))),
                .causal = shape.causal,
                .window = shape.windows[static_cast<size_t>(index)],
                .softcap = settings_.softcap}};
  if (settings_.qk_norm) {
    attention.q_norm = norm(self / "q_norm", shape.head_dim);
    attention.k_norm = norm(self / "k_norm", shape.head_dim);
  }
  return {.attention = nn::SandwichNormAttention{.norm = norm(w / "input_layernorm", n),
                                                 .attention = std::move(attention),
                                                 .after = norm(w / "post_attention_layernorm", n)},
          .mlp = nn::SandwichNormMlp{
              .norm = norm(w / "pre_feedforward_layernorm", n),
              .mlp = nn::Mlp{.up = mlp.gated("gate_proj", "up_proj", intermediate, n),
                             .down = (mlp / "down_proj")
                                         .linear(n, intermediate, checkpoint::Weights::Bias::kNone),
                             .activation = activation_},
              .after = norm(w / "post_feedforward_layernorm", n)}};
}

Tensor Gemma::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass), local_rope = local_rope_.rotation(pass);
  const ModelShape& shape = settings_.shape;
  Tensor x = ops.scale(ops.embed(words), std::sqrt(static_cast<float>(shape.hidden)));
  nn::ImageRows(pass, shape.hidden).replace(x);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const nn::LayerRows rows = pass.enter(static_cast<int64_t>(i), shape.layers, x);
    const bool local = shape.windows[i] > 0;
    x = layers_[i].attention.forward(pass, x, rows, local ? &local_rope : &rope);
    x = layers_[i].mlp.forward(ops, x);
  }
  return ops.norm(std::move(x), norm_);
}

// A number that some files say is null, and others leave to its default.
float softcap(const checkpoint::Config& config, std::string_view key, double fallback) {
  return config.is_null(key) ? 0 : static_cast<float>(config.number_or(key, fallback));
}

constexpr DecoderDefaults kDefaults{.kv_heads = 4, .head_dim = 256};

Settings settings2(const checkpoint::Config& config) {
  config.require("use_bidirectional_attention", false);
  config.ignore({"hidden_act"});  // hidden_activation counts
  Settings s{.shape = decoder_shape(config, kDefaults),
             .softcap = softcap(config, "attn_logit_softcapping", 50)};
  config.ignore({"final_logit_softcapping"});  // of the head alone
  const int64_t width = config.integer_or("sliding_window", 4096);
  s.shape.windows =
      windows_of(nn::sliding_layers(config, s.shape.layers, [](int64_t i) { return i % 2 == 0; }),
                 decoder_window(width, s.shape.causal));
  return s;
}

Settings settings3(const checkpoint::Config& config, const DecoderDefaults& defaults = kDefaults) {
  // The model's code has no cap of scores, whatever the file says.
  config.ignore({"hidden_act", "attn_logit_softcapping"});
  Settings s{.shape = decoder_shape(config, defaults),
             .rope = {.theta = 1e6, .layer_type = "full_attention"},
             .local_rope = {.theta = 1e4,
                            .theta_key = "rope_local_base_freq",
                            .layer_type = "sliding_attention",
                            .scaled = false},
             .qk_norm = true};
  config.ignore({"final_logit_softcapping"});  // of the head alone
  const int64_t width = config.integer_or("sliding_window", 4096);
  const bool both_ways = config.boolean_or("use_bidirectional_attention", false);
  const int64_t pattern = config.integer_or("sliding_window_pattern", 6);
  // What newer files write beside layer_types.
  const bool told = config.has("layer_types") || config.has("sliding_window_pattern");
  if (!told) config.require("_sliding_window_pattern", pattern);
  config.ignore({"_sliding_window_pattern"});
  // Both ways, half of the width lies on each side.
  s.shape.windows = windows_of(
      nn::sliding_layers(config, s.shape.layers, [&](int64_t i) { return (i + 1) % pattern != 0; }),
      both_ways ? width / 2 + 1 : decoder_window(width, s.shape.causal));
  return s;
}

ModelShape shape_of(const checkpoint::Config& config, const Settings& settings) {
  ModelShape shape = settings.shape;
  for (const nn::RopeOptions& options : {settings.rope, settings.local_rope}) {
    const int64_t after = nn::Rope(config, shape.head_dim, options).long_after();
    if (after > 0 && shape.long_after > 0 && after != shape.long_after) {
      throw Error(ErrorCode::kUnsupported,
                  config.file() + ": rope_parameters: the layers of both kinds must turn long " +
                      "sequences otherwise after as many tokens " +
                      "(original_max_position_embeddings), not " +
                      std::to_string(shape.long_after) + " and " + std::to_string(after));
    }
    shape.long_after = std::max(shape.long_after, after);
  }
  return shape;
}

std::unique_ptr<Model> build(const Settings& settings, const checkpoint::Config& config,
                             checkpoint::Weights weights) {
  prepare_decoder(settings.shape, weights);
  return std::make_unique<Gemma>(settings, config, weights);
}

checkpoint::HeadWeights head_with(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                  int64_t labels, const checkpoint::Weights& weights,
                                  double logit_softcap) {
  checkpoint::HeadWeights head = decoder_head(config, kind, labels, weights);
  head.logit_softcap = softcap(config, "final_logit_softcapping", logit_softcap);
  return head;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  return llama::build(settings(config), config, std::move(weights));
}

ModelShape shape2(const checkpoint::Config& config) { return shape_of(config, settings2(config)); }

std::unique_ptr<Model> load2(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings2(config), config, std::move(weights));
}

checkpoint::HeadWeights head2(const checkpoint::Config& config, checkpoint::HeadKind kind,
                              int64_t labels, const checkpoint::Weights& weights) {
  return head_with(config, kind, labels, weights, 30);
}

ModelShape shape3(const checkpoint::Config& config) { return shape_of(config, settings3(config)); }

std::unique_ptr<Model> load3(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings3(config), config, std::move(weights));
}

checkpoint::HeadWeights head3(const checkpoint::Config& config, checkpoint::HeadKind kind,
                              int64_t labels, const checkpoint::Weights& weights) {
  return head_with(config, kind, labels, weights, 0);
}

// What Gemma3TextConfig says where files with a vision tower leave it out.
constexpr DecoderDefaults kDefaults3{
    .kv_heads = 4, .head_dim = 256, .heads = 8, .vocab = 262208, .max_positions = 131072};

}  // namespace

ModelShape inner_shape3(const checkpoint::Config& config) {
  return shape_of(config, settings3(config, kDefaults3));
}

std::unique_ptr<Model> build3(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings3(config, kDefaults3), config, std::move(weights));
}

checkpoint::HeadWeights inner_head3(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                    int64_t labels, const checkpoint::Weights& weights) {
  return head3(config, kind, labels, weights);
}

extern constinit const Family kFamily{
    .name = "gemma",
    .model_types = {"gemma"},
    .architectures = {{"GemmaModel"},
                      {"GemmaForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"GemmaForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"GemmaForTokenClassification", checkpoint::HeadKind::kTokenClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = shape,
    .load = load,
    .head = llama::head,
};

}  // namespace vecton::models::gemma

namespace vecton::models::gemma2 {

extern constinit const Family kFamily{
    .name = "gemma2",
    .model_types = {"gemma2"},
    .architectures = {{"Gemma2Model"},
                      {"Gemma2ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Gemma2ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"Gemma2ForTokenClassification", checkpoint::HeadKind::kTokenClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = gemma::shape2,
    .load = gemma::load2,
    .head = gemma::head2,
};

}  // namespace vecton::models::gemma2

namespace vecton::models::gemma3_text {

extern constinit const Family kFamily{
    .name = "gemma3_text",
    .model_types = {"gemma3_text"},
    .architectures = {{"Gemma3TextModel"},
                      {"Gemma3ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Gemma3TextForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification}},
    .default_pooling = ops::Pooling::kMean,
    .tensors = kDecoderTensors,
    .shape = gemma::shape3,
    .load = gemma::load3,
    .head = gemma::head3,
    .matryoshka = {{"embeddinggemma", {512, 256, 128}},
                   {"kalm-embedding-gemma3", {2048, 1024, 512, 256, 128, 64}}},
    .mlx = {.embeds_generative = true, .backbone_prefix = "model."},
};

}  // namespace vecton::models::gemma3_text
