// Qwen3-VL (arXiv:2511.21631): Qwen3 whose rotary positions have three axes, and a vision tower
// whose features enter its first layers as well (DeepStack).

#include <string>
#include <utility>

#include "models/composite.h"
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

// Every token sees all others, and what is compared is what the last layer gives.
llama::Settings nemotron_settings(const checkpoint::Config& config) {
  llama::Settings s = settings(config);
  config.require("pooling", "colbert");
  s.shape.causal = false;
  s.last_norm = false;
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).shape; }

ModelShape nemotron_shape(const checkpoint::Config& config) {
  return nemotron_settings(config).shape;
}

std::unique_ptr<Model> build_with_tower(const llama::Settings& s, const checkpoint::Config& config,
                                        checkpoint::Weights weights) {
  rename_qwen_vl(weights);
  return with_qwen_tower(llama::build(s, text_config(config), weights), s.shape.hidden, config,
                         weights);
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build_with_tower(settings(config), config, std::move(weights));
}

std::unique_ptr<Model> load_nemotron(const checkpoint::Config& config,
                                     checkpoint::Weights weights) {
  return build_with_tower(nemotron_settings(config), config, std::move(weights));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen3_vl",
    .model_types = {"qwen3_vl", "qwen3_vl_text", "colqwen3", "ops_colqwen3"},
    .architectures = {{"Qwen3VLModel"},
                      {"Qwen3VLTextModel"},
                      {"Qwen3VLForConditionalGeneration", checkpoint::HeadKind::kCausalLm},
                      {.name = "ColQwen3", .late_interaction = true},
                      {.name = "OpsColQwen3Model", .late_interaction = true},
                      {"Qwen3VLForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight",
                .prefixes = {"model.", "model.language_model."},
                .classifiers = {{checkpoint::HeadKind::kSequenceClassification, {"score.weight"}}}},
    .shape = shape,
    .load = load,
    .head = text_head<text_config>,
    // The prompt is Qwen3-VL-Reranker's, as its model card has it.
    .reranker =
        Reranker{
            .prompt = {.prefix =
                           "<|im_start|>system\nJudge whether the Document meets the requirements "
                           "based on the Query and the Instruct provided. Note that the answer can "
                           "only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n",
                       .instruction_words = "<Instruct>: ",
                       .query_words = "<Query>:",
                       .document_words = "\n<Document>:",
                       .suffix = "<|im_end|>\n<|im_start|>assistant\n",
                       .default_instruction =
                           "Given a search query, retrieve relevant candidates that answer the "
                           "query."},
            .name_part = "rerank",
            .config_key = "is_original_qwen3_reranker"},
    .images = qwen_images,
    .embedding_prompt =
        EmbeddingPrompt{
            .instruction = "Represent the user's input.", .nothing = "NULL", .name_part = "embed"},
    .matryoshka = {{"qwen3-vl-embedding", {}, 64}},
    .mlx = {.language_model = {"qwen3_vl"}, .other_parts = {"visual.", "vision_tower."}},
};

}  // namespace vecton::models::qwen3_vl

namespace vecton::models::qwen3_vl_nemotron_embed {

extern constinit const Family kFamily{
    .name = "qwen3_vl_nemotron_embed",
    .model_types = {"qwen3_vl_nemotron_embed"},
    .architectures = {{.name = "Qwen3VLNemotronEmbedModel", .late_interaction = true}},
    .default_pooling = ops::Pooling::kMean,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model.", "model.language_model."}},
    .shape = qwen3_vl::nemotron_shape,
    .load = qwen3_vl::load_nemotron,
    .images = qwen_images,
};

}  // namespace vecton::models::qwen3_vl_nemotron_embed
