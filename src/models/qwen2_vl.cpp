// Qwen2-VL (arXiv:2409.12191) and Qwen2.5-VL (arXiv:2502.13923): Qwen2 whose rotary positions have
// three axes, and a vision tower; most layers of the second's see windows. ColQwen2 and ColQwen2.5
// are made of them (arXiv:2407.01449 has the method).

#include <utility>

#include "models/composite.h"
#include "models/family.h"
#include "models/llama.h"
#include "models/qwen_vision.h"

namespace vecton::models {

namespace qwen2_vl {

namespace {

constexpr QwenTower kFirst{.mlp = {.gate = "", .up = "fc1", .down = "fc2"},
                           .merger_norm = "ln_q",
                           .merger = {.gate = "", .up = "mlp.0", .down = "mlp.2"},
                           .hidden_size = "embed_dim",
                           .out_hidden_size = "hidden_size",
                           .activation = "quick_gelu",
                           .patch_bias = false,
                           .positions = false,
                           .deepstack = false};

constexpr QwenTower kSecond{.mlp = {.gate = "gate_proj", .up = "up_proj", .down = "down_proj"},
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

// The first's settings alone have a width of this name.
const QwenTower& tower_of(const checkpoint::Config& config) {
  const std::optional<checkpoint::Config> vision = vlm_config(config).child("vision_config");
  return vision && vision->has("embed_dim") ? kFirst : kSecond;
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const llama::Settings s = settings(config);
  rename_qwen_vl(weights);
  return with_qwen_tower(llama::build(s, text_of(config), weights), s.shape.hidden, config, weights,
                         tower_of(config));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen2_vl",
    .model_types = {"qwen2_vl", "qwen2_vl_text", "colqwen2"},
    .architectures = {{"Qwen2VLModel"},
                      {"Qwen2VLTextModel"},
                      {"Qwen2VLForConditionalGeneration", checkpoint::HeadKind::kCausalLm},
                      {.name = "ColQwen2", .late_interaction = true},
                      {.name = "ColQwen2ForRetrieval", .late_interaction = true}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model.", "model.language_model."}},
    .shape = llama::shape_of<settings>,
    .load = load,
    .head = text_head<text_of>,
    .images = qwen_images,
    .mlx = {.language_model = {"qwen2_vl"}, .other_parts = {"visual.", "vision_tower."}},
};

}  // namespace qwen2_vl

namespace qwen2_5_vl {

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
    .shape = llama::shape_of<qwen2_vl::settings>,
    .load = qwen2_vl::load,
    .head = text_head<qwen2_vl::text_of>,
    .images = qwen_images,
    .mlx = {.language_model = {"qwen2_5_vl"}, .other_parts = {"visual.", "vision_tower."}},
};

}  // namespace qwen2_5_vl

}  // namespace vecton::models
