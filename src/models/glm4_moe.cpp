// GLM-4.5 (arXiv:2508.06471): Llama with DeepSeek-V3's mixtures of experts and rotary positions in
// half of each head.

#include "models/decoder.h"
#include "models/deepseek_moe.h"
#include "models/family.h"
#include "models/llama.h"

namespace vecton::models::glm4_moe {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config, {.kv_heads = 8}, {.partial_rotary_factor = 0.5});
  s.eps = config.number_or("rms_norm_eps", 1e-5);
  s.qkv_bias = config.boolean_or("attention_bias", false);
  if (config.boolean_or("use_qk_norm", false)) s.qk_norm = llama::Settings::QkNorm::kHeads;
  const DeepseekMoe moe = deepseek_moe(config, s.shape.layers, s.shape.hidden, s.activation);
  s.feed_forward = [=, base = s](const checkpoint::Weights& layer, int64_t i) -> nn::FeedForward {
    if (!moe.sparse[static_cast<size_t>(i)]) return llama::mlp(base, config, layer);
    return mixture(moe, layer / "mlp");
  };
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "glm4_moe",
    .model_types = {"glm4_moe"},
    .architectures = {{"Glm4MoeModel"}, {"Glm4MoeForCausalLM", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model."}},
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
    .mlx = kDeepseekMlx,
};

}  // namespace vecton::models::glm4_moe
