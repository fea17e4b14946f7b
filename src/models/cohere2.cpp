// Cohere2 (Command R7B, arXiv:2504.00698): attention and MLP read the same norm; layers with a
// window have rotary positions, those that see everything have none.
#include <utility>
#include <vector>

#include "models/decoder.h"
#include "models/family.h"
#include "models/llama.h"
#include "nn/layer_types.h"
#include "nn/parallel.h"
#include "vecton/error.h"

namespace vecton::models::cohere2 {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config);
  s.eps = config.number_or("layer_norm_eps", 1e-5);
  s.interleaved = true;
  config.require("attention_bias", false);
  config.require("position_embedding_type", "rope_gptj");
  config.require("order_of_interleaved_layers", "local_attn_first");
  for (const char* key : {"use_gated_activation", "use_parallel_block"}) config.require(key, true);
  config.ignore({"use_embedding_sharing", "use_parallel_embedding"});  // as the tensors say
  if (config.is_null("sliding_window")) {
    throw Error(ErrorCode::kUnsupported,
                config.file() + ": sliding_window null is not supported; a number is");
  }
  const int64_t width = config.integer_or("sliding_window", 4096),
                step = config.integer_or("sliding_window_pattern", 4);
  s.shape.windows = windows_of(
      nn::sliding_layers(config, s.shape.layers, [&](int64_t i) { return (i + 1) % step != 0; }),
      decoder_window(width, s.shape.causal));
  config.ignore({"logit_scale"});  // of the head alone
  return s;
}

class Cohere2 final : public Model {
 public:
  Cohere2(const llama::Settings& settings, const checkpoint::Config& config,
          const checkpoint::Weights& w);
  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;

 private:
  ops::NormWeight norm(const checkpoint::Weights& w) const {
    return w.layer_norm(settings_.shape.hidden, settings_.eps, checkpoint::Weights::Bias::kNone);
  }

  llama::Settings settings_;
  nn::Rope rope_;
  ops::PreparedWeight words_;
  std::vector<nn::ParallelLayer> layers_;
  ops::NormWeight norm_;
};

Cohere2::Cohere2(const llama::Settings& settings, const checkpoint::Config& config,
                 const checkpoint::Weights& w)
    : settings_(settings), rope_(config, settings.shape.head_dim, settings.rope) {
  words_ = (w / "embed_tokens").table(settings.shape.vocab, settings.shape.hidden);
  for (int64_t i = 0; i < settings.shape.layers; ++i) {
    const checkpoint::Weights layer = w / "layers" / i;
    layers_.push_back(nn::ParallelLayer{.norm = norm(layer / "input_layernorm"),
                                        .attention = llama::attention(settings, layer, i),
                                        .mlp_norm = {},
                                        .mlp = llama::mlp(settings, config, layer)});
  }
  norm_ = norm(w / "norm");
}

Tensor Cohere2::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const {
  const nn::ForwardPass pass(ops, batch, cache);
  const Ops::Lookup words[] = {{*words_, pass.ids}};
  const nn::Rotation rope = rope_.rotation(pass);
  const ModelShape& shape = settings_.shape;
  Tensor x = ops.embed(words);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const nn::LayerRows rows = pass.enter(static_cast<int64_t>(i), shape.layers, x);
    x = layers_[i].forward(pass, x, rows, shape.windows[i] > 0 ? &rope : nullptr);
  }
  return ops.norm(std::move(x), norm_);
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const llama::Settings s = settings(config);
  prepare_decoder(s.shape, weights);
  return std::make_unique<Cohere2>(s, config, weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  checkpoint::HeadWeights head = decoder_head(config, kind, labels, weights);
  head.logit_scale = static_cast<float>(config.number_or("logit_scale", 0.0625));
  return head;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "cohere2",
    .model_types = {"cohere2"},
    .architectures = {{"Cohere2Model"}, {"Cohere2ForCausalLM", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model."}},
    .shape = shape,
    .load = load,
    .head = head,
};

}  // namespace vecton::models::cohere2
