// Qwen2.5-VL (arXiv:2502.13923): Qwen2 whose rotary positions have three axes, and a vision tower
// most of whose layers see windows. ColQwen2.5 is made of it (arXiv:2407.01449 has the method).

#include <utility>

#include "models/composite.h"
#include "models/decoder.h"
#include "models/family.h"
#include "models/llama.h"
#include "models/qwen_vision.h"

namespace vecton::models::qwen2_5_vl {

namespace {

constexpr QwenTower kTower{.mlp = {.gate = "gate_proj", .up = "up_proj", .down = "down_proj"},
                           .merger_norm = "ln_q",
                           .merger = {.gate = "", .up = "mlp.0", .down = "mlp.2"},
                           .activation = "silu",
                           .rms_norms = true,
                           .patch_bias = false,
                           .positions = false,
                           .deepstack = false,
                           .windows = true};

checkpoint::Config text_of(const checkpoint::Config& config) {
  const checkpoint::Config whole = vlm_config(config), text = text_config(whole);
  if (whole.has("text_config")) check_alike(whole, text);
  return text;
}

llama::Settings settings(const checkpoint::Config& config) {
  const checkpoint::Config text = text_of(config);
  llama::Settings s =
      llama::settings(text, {}, {.theta = 1e6, .axes = nn::RopeOptions::Axes::kInRuns});
  s.eps = text.number_or("rms_norm_eps", 1e-5);
  s.qkv_bias = true;
  s.shape.windows = qwen_windows(text, s.shape);
  return s;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const llama::Settings s = settings(config);
  rename_qwen_vl(weights);
  return with_qwen_tower(llama::build(s, text_of(config), weights), s.shape.hidden, config, weights,
                         kTower);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  return decoder_head(text_of(config), kind, labels, weights);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen2_5_vl",
    .model_types = {"qwen2_5_vl", "qwen2_5_vl_text", "colqwen2_5"},
    .architectures = {{"Qwen2_5_VLModel"},
                      {"Qwen2_5_VLTextModel"},
                      {"Qwen2_5_VLForConditionalGeneration", checkpoint::HeadKind::kCausalLm},
                      {.name = "ColQwen2_5", .late_interaction = true},
                      {.name = "ColQwen2_5ForRetrieval", .late_interaction = true}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model.", "model.language_model."}},
    .shape = llama::shape_of<settings>,
    .load = load,
    .head = head,
    .images = qwen_images,
};

}  // namespace vecton::models::qwen2_5_vl
