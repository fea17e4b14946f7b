// Qwen2-MoE (arXiv:2407.10671) and Qwen3-MoE (arXiv:2505.09388): Qwen2 and Qwen3 with mixtures of
// experts in most layers, in Qwen2-MoE beside an MLP that all rows go through, weighed by a gate.
#include <algorithm>

#include "models/decoder.h"
#include "models/family.h"
#include "models/llama.h"
#include "models/qwen_experts.h"

namespace vecton::models {

namespace {

void add_experts(const checkpoint::Config& config, bool shared, llama::Settings& s) {
  const QwenExperts moe =
      qwen_experts(config, s.shape.hidden, shared, config.boolean_or("norm_topk_prob", false));
  const std::vector<bool> sparse = qwen_sparse_layers(config, s.shape.layers);
  if (std::ranges::count(sparse, false) == 0) config.ignore({"intermediate_size"});
  s.feed_forward = [=, settings = s](const checkpoint::Weights& layer,
                                     int64_t i) -> nn::FeedForward {
    if (!sparse[static_cast<size_t>(i)]) return llama::mlp(settings, config, layer);
    return mixture(moe, layer / "mlp", settings.activation);
  };
}

}  // namespace

namespace qwen2_moe {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config);
  s.qkv_bias = config.boolean_or("qkv_bias", true);
  s.shape.windows = qwen_windows(config, s.shape);
  add_experts(config, true, s);
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen2_moe",
    .model_types = {"qwen2_moe"},
    .architectures = {{"Qwen2MoeModel"},
                      {"Qwen2MoeForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Qwen2MoeForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"Qwen2MoeForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification},
                      {"Qwen2MoeForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
    .mlx = {.experts = MlxExperts()},
};

}  // namespace qwen2_moe

namespace qwen3_moe {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config);
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.qk_norm = llama::Settings::QkNorm::kHeads;
  // The model's code has one window for all layers.
  if (config.boolean_or("use_sliding_window", false)) {
    s.shape.windows = window_of_all(config, s.shape);
  } else {
    config.ignore({"sliding_window"});
  }
  add_experts(config, false, s);
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen3_moe",
    .model_types = {"qwen3_moe"},
    .architectures = {{"Qwen3MoeModel"},
                      {"Qwen3MoeForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Qwen3MoeForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"Qwen3MoeForTokenClassification",
                       checkpoint::HeadKind::kTokenClassification},
                      {"Qwen3MoeForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
    .mlx = {.experts = MlxExperts(), .eight_bits = {"mlp.gate"}},
};

}  // namespace qwen3_moe

}  // namespace vecton::models
