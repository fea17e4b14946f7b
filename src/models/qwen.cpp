// Qwen2 (arXiv:2407.10671) and Qwen3 (arXiv:2505.09388): Llama with windows over some layers, and
// biases or norms of queries and keys.

#include "models/decoder.h"
#include "models/family.h"
#include "models/llama.h"

namespace vecton::models {

namespace qwen2 {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config);
  s.qkv_bias = true;
  s.shape.windows = qwen_windows(config, s.shape);
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen2",
    .model_types = {"qwen2"},
    .architectures = {{"Qwen2Model"},
                      {"Qwen2ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Qwen2ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"Qwen2ForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"Qwen2ForQuestionAnswering", checkpoint::HeadKind::kOther},
                      {.name = "Qwen2ForRewardModel",
                       .head = checkpoint::HeadKind::kTokenClassification,
                       .default_labels = 1},
                      {.name = "Qwen2ForProcessRewardModel",
                       .head = checkpoint::HeadKind::kTokenClassification,
                       .step_token = "<extra_0>"}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
    .matryoshka = {{"kalm-embedding-multilingual-mini-instruct-v2", {512, 256, 128, 64}},
                   {"jina-code-embeddings-0.5b", {512, 256, 128, 64}},
                   {"jina-code-embeddings-1.5b", {1024, 512, 256, 128}}},
};

}  // namespace qwen2

namespace qwen3 {

namespace {

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config, {.head_dim = 128});
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.qk_norm = llama::Settings::QkNorm::kHeads;
  s.shape.windows = qwen_windows(config, s.shape);
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "qwen3",
    .model_types = {"qwen3"},
    .architectures = {{"Qwen3Model"},
                      {"Qwen3ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Qwen3ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"Qwen3ForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"Qwen3ForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
    // The prompt is Qwen3-Reranker's, as its model card has it.
    .reranker =
        Reranker{
            .prompt = {.prefix =
                           "<|im_start|>system\nJudge whether the Document meets the requirements "
                           "based on the Query and the Instruct provided. Note that the answer can "
                           "only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n",
                       .instruction_words = "<Instruct>: ",
                       .query_words = "\n<Query>: ",
                       .document_words = "\n<Document>: ",
                       .suffix = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
                       .default_instruction =
                           "Given a web search query, retrieve relevant passages "
                           "that answer the query"},
            .name_part = "rerank",
            .config_key = "is_original_qwen3_reranker"},
    .matryoshka = {{"qwen3-embedding", {}, 32},
                   {"jina-embeddings-v5-text", {768, 512, 256, 128, 64, 32}}},
    .mlx = {.pooling = ops::Pooling::kLast,
            .embeds_generative = true,
            .drops_lm_head = true,
            .backbone_prefix = "model."},
};

}  // namespace qwen3

}  // namespace vecton::models
