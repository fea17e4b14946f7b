// Qwen3-VL (arXiv:2511.21631): Qwen3 whose rotary positions have three axes, and a vision tower
// whose features enter its first layers as well (DeepStack).

#include <string>
#include <utility>

#include "models/composite.h"
#include "models/decoder.h"
#include "models/family.h"
#include "models/llama.h"
#include "models/qwen_vision.h"

namespace vecton::models::qwen3_vl {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(text_config(config), {.head_dim = 128},
                                      {.theta = 5e6, .axes = nn::RopeOptions::Axes::kInterleaved});
  s.qkv_bias = s.out_bias = text_config(config).boolean_or("attention_bias", false);
  s.qk_norm = llama::Settings::QkNorm::kHeads;
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const llama::Settings s = settings(config);
  rename_qwen_vl(weights);
  return with_qwen_tower(llama::build(s, text_config(config), weights), s.shape.hidden, config,
                         weights);
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  return decoder_head(text_config(config), kind, labels, weights);
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen3_vl",
    .model_types = {"qwen3_vl", "qwen3_vl_text"},
    .architectures = {{"Qwen3VLModel"},
                      {"Qwen3VLTextModel"},
                      {"Qwen3VLForConditionalGeneration", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model.", "model.language_model."}},
    .shape = shape,
    .load = load,
    .head = head,
    .images = qwen_images,
    .embedding_prompt =
        EmbeddingPrompt{
            .instruction = "Represent the user's input.", .nothing = "NULL", .name_part = "embed"},
};

}  // namespace vecton::models::qwen3_vl
