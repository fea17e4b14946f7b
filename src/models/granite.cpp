// Granite 3 (https://github.com/ibm-granite/granite-3.0-language-models): Llama with factors of
// embeddings, scores, branches and logits; GraniteMoE with a mixture of experts in every layer.
#include <utility>
#include <vector>

#include "models/decoder.h"
#include "models/experts.h"
#include "models/family.h"
#include "models/llama.h"

namespace vecton::models {

namespace granite {

namespace {

struct Layer {
  ops::NormWeight norm;
  nn::SelfAttention attention;
  ops::NormWeight mlp_norm;
  nn::FeedForward mlp;
};

// x += residual_multiplier f(norm(x)).
class Granite final : public Model {
 public:
  Granite(const llama::Settings& settings, const checkpoint::Config& config,
          const checkpoint::Weights& w);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  llama::Settings settings_;
  float residual_multiplier_;
  nn::Rope rope_;
  ops::PreparedWeight words_;
  std::vector<Layer> layers_;
  ops::NormWeight norm_;
};

Granite::Granite(const llama::Settings& settings, const checkpoint::Config& config,
                 const checkpoint::Weights& w)
    : settings_(settings),
      residual_multiplier_(static_cast<float>(config.number_or("residual_multiplier", 1))),
      rope_(config, settings.shape.head_dim, settings.rope) {
  words_ = (w / "embed_tokens").table(settings.shape.vocab, settings.shape.hidden);
  for (int64_t i = 0; i < settings.shape.layers; ++i) {
    const checkpoint::Weights layer = w / "layers" / i;
    layers_.push_back(Layer{.norm = llama::norm(settings, layer / "input_layernorm"),
                            .attention = llama::attention(settings, layer, i),
                            .mlp_norm = llama::norm(settings, layer / "post_attention_layernorm"),
                            .mlp = settings.feed_forward ? settings.feed_forward(layer, i)
                                                         : llama::mlp(settings, config, layer)});
  }
  norm_ = llama::norm(settings, w / "norm");
}

Tensor Granite::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass);
  Tensor x = ops.scale(ops.embed(words), settings_.embedding_scale);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const nn::LayerRows rows = pass.enter(static_cast<int64_t>(i), settings_.shape.layers, x);
    const Tensor h = ops.norm(x, layer.norm), q = rows.of(ops, h), along = rows.of(ops, x);
    Tensor attended = layer.attention.forward(pass, h, q, rows, nullptr, &rope);
    x = ops.add(ops.scale(std::move(attended), residual_multiplier_), along);
    Tensor branch = nn::feed_forward(layer.mlp, ops, ops.norm(x, layer.mlp_norm));
    x = ops.add(ops.scale(std::move(branch), residual_multiplier_), x);
  }
  return ops.norm(std::move(x), norm_);
}

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config);
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.mlp_bias = config.boolean_or("mlp_bias", false);
  s.attention_scale = static_cast<float>(config.number_or("attention_multiplier", 1));
  s.embedding_scale = static_cast<float>(config.number_or("embedding_multiplier", 1));
  config.ignore({"residual_multiplier", "logits_scaling"});  // of the layers, and of the head
  return s;
}

llama::Settings settings_moe(const checkpoint::Config& config) {
  llama::Settings s = settings(config);
  const int64_t count = count_experts(config);
  const ops::Router routing{.scores = ops::Router::Scores::kSoftmaxOfChosen,
                            .k = experts_per_token(config, count)};
  const ExpertSizes sizes{
      .count = count, .width = config.integer("intermediate_size"), .hidden = s.shape.hidden};
  s.feed_forward = [=, activation = s.activation](const checkpoint::Weights& layer,
                                                  int64_t) -> nn::FeedForward {
    const checkpoint::Weights w = layer / "block_sparse_moe";
    const bool stacked = w.has("input_linear.weight");
    return nn::MixtureOfExperts{
        .router = (w / "router" / "layer")
                      .in_float32()
                      .linear(sizes.count, sizes.hidden, checkpoint::Weights::Bias::kNone),
        .routing = routing,
        .experts =
            stacked
                ? experts_of(
                      w, w.stack("input_linear.weight", sizes.count, 2 * sizes.width, sizes.hidden),
                      w.stack("output_linear.weight", sizes.count, sizes.hidden, sizes.width),
                      sizes, activation)
                : load_experts(w, sizes, activation)};
  };
  return s;
}

template <llama::Settings (*settings)(const checkpoint::Config&)>
std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const llama::Settings s = settings(config);
  prepare_decoder(s.shape, weights);
  return std::make_unique<Granite>(s, config, weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  checkpoint::HeadWeights head = decoder_head(config, kind, labels, weights);
  head.logit_scale = static_cast<float>(1 / config.number_or("logits_scaling", 1));
  return head;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "granite",
    .model_types = {"granite"},
    .architectures = {{"GraniteModel"}, {"GraniteForCausalLM", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model."}},
    .shape = llama::shape_of<settings>,
    .load = load<settings>,
    .head = head,
    .mlx = {.eight_bits = {"self_attn.o_proj", "mlp.down_proj", "lm_head"}},
};

}  // namespace granite

namespace granitemoe {

extern constinit const Family kFamily{
    .name = "granitemoe",
    .model_types = {"granitemoe"},
    .architectures = {{"GraniteMoeModel"},
                      {"GraniteMoeForCausalLM", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model."}},
    .shape = llama::shape_of<granite::settings_moe>,
    .load = granite::load<granite::settings_moe>,
    .head = granite::head,
    .mlx = {.experts = MlxExperts{.gate_up = "input_linear", .all_down = "output_linear"},
            .eight_bits = {"block_sparse_moe.router.layer", "self_attn.o_proj", "mlp.down_proj",
                           "lm_head"}},
};

}  // namespace granitemoe

}  // namespace vecton::models
