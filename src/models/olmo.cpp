// OLMo 2 (arXiv:2501.00656) and 3 (arXiv:2512.13961): norms after attention and MLP, norms of all
// queries and keys of a row; OLMo 3 has a window in three of four layers, and YaRN in the others.
#include "models/olmo.h"

#include <utility>

#include "models/decoder.h"
#include "models/family.h"
#include "nn/layer_types.h"
#include "nn/sandwich_norm.h"

namespace vecton::models {

namespace olmo {

namespace {

struct Layer {
  nn::SandwichNormAttention attention;
  nn::SandwichNormMlp mlp;
};

class Olmo final : public Model {
 public:
  Olmo(const Settings& settings, const checkpoint::Config& config, const checkpoint::Weights& w);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  Settings settings_;
  nn::Rope rope_, local_rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

Olmo::Olmo(const Settings& settings, const checkpoint::Config& config, const checkpoint::Weights& w)
    : settings_(settings),
      rope_(config, settings.base.shape.head_dim, settings.base.rope),
      local_rope_(config, settings.base.shape.head_dim,
                  settings.local_rope.value_or(settings.base.rope)) {
  const llama::Settings& s = settings_.base;
  words_ = (w / "embed_tokens").table(s.shape.vocab, s.shape.hidden);
  for (int64_t i = 0; i < s.shape.layers; ++i) {
    const checkpoint::Weights layer = w / "layers" / i;
    layers_.push_back(Layer{
        .attention =
            nn::SandwichNormAttention{.norm = {},
                                      .attention = llama::attention(s, layer, i),
                                      .after = llama::norm(s, layer / "post_attention_layernorm")},
        .mlp = nn::SandwichNormMlp{.norm = {},
                                   .mlp = llama::mlp(s, config, layer),
                                   .after = llama::norm(s, layer / "post_feedforward_layernorm")}});
  }
  norm_ = llama::norm(s, w / "norm");
}

Tensor Olmo::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass), local_rope = local_rope_.rotation(pass);
  const llama::Settings& s = settings_.base;
  Tensor x = ops.embed(words);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const nn::LayerRows rows = pass.enter(static_cast<int64_t>(i), s.shape.layers, x);
    const bool local = !s.shape.windows.empty() && s.shape.windows[i] > 0,
               rotates = s.rotates.empty() || s.rotates[i];
    const nn::Rotation* turned = local ? &local_rope : rotates ? &rope : nullptr;
    x = layers_[i].attention.forward(pass, x, rows, turned);
    x = layers_[i].mlp.forward(ops, x);
  }
  return ops.norm(std::move(x), norm_);
}

Settings settings2(const checkpoint::Config& config, const nn::RopeOptions& rope = {}) {
  Settings s{.base = llama::settings(config, {}, rope), .local_rope = {}};
  s.base.eps = config.number_or("rms_norm_eps", 1e-5);
  s.base.qkv_bias = s.base.out_bias = config.boolean_or("attention_bias", false);
  s.base.qk_norm = llama::Settings::QkNorm::kRows;
  return s;
}

Settings settings3(const checkpoint::Config& config) {
  Settings s = settings2(config, {.theta = 5e5, .layer_type = "full_attention"});
  s.local_rope = {.theta = 5e5, .layer_type = "sliding_attention", .scaled = false};
  // The kinds' own settings, which rope_scaling stands above.
  if (const auto scaling = config.child("rope_scaling"))
    scaling->ignore({"full_attention", "sliding_attention"});
  const int64_t width = config.integer_or("sliding_window", 4096);
  s.base.shape.windows = windows_of(
      nn::sliding_layers(config, s.base.shape.layers, [](int64_t i) { return (i + 1) % 4 != 0; }),
      decoder_window(width, s.base.shape.causal));
  return s;
}

ModelShape shape2(const checkpoint::Config& config) { return settings2(config).base.shape; }
ModelShape shape3(const checkpoint::Config& config) { return settings3(config).base.shape; }

std::unique_ptr<Model> load2(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings2(config), config, std::move(weights));
}

std::unique_ptr<Model> load3(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings3(config), config, std::move(weights));
}

}  // namespace

std::unique_ptr<Model> build(const Settings& settings, const checkpoint::Config& config,
                             checkpoint::Weights weights) {
  prepare_decoder(settings.base.shape, weights);
  return std::make_unique<Olmo>(settings, config, weights);
}

}  // namespace olmo

namespace olmo2 {

extern constinit const Family kFamily{
    .name = "olmo2",
    .model_types = {"olmo2"},
    .architectures = {{"Olmo2Model"},
                      {"Olmo2ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Olmo2ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = olmo::shape2,
    .load = olmo::load2,
    .head = llama::head,
};

}  // namespace olmo2

namespace olmo3 {

extern constinit const Family kFamily{
    .name = "olmo3",
    .model_types = {"olmo3"},
    .architectures = {{"Olmo3Model"},
                      {"Olmo3ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Olmo3ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = olmo::shape3,
    .load = olmo::load3,
    .head = llama::head,
};

}  // namespace olmo3

}  // namespace vecton::models
