// Decoders without experts, and the parts that those with experts share with them.
#include "checkpoint/gguf/decoder_names.h"

namespace vecton::checkpoint {

namespace {

// A reranker's head: the rows of two words of the table.
constexpr GgufRule kQwen3[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"cls.output", "score", GgufChange::kFirstMinusSecond},
    {"rope_freqs", ""},
};
constexpr GgufRule kEuroBert[] = {
    {"token_embd", "embed_tokens"},
    {"output_norm", "norm"},
};
// Norms behind what they belong to.
constexpr GgufRule kOlmo2Layer[] = {
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"post_attention_norm", "post_attention_layernorm"},
    {"post_ffw_norm", "post_feedforward_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
constexpr GgufRule kGemma[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm", GgufChange::kMinusOne},
    {"output", "lm_head"},
};
constexpr GgufRule kGemmaLayer[] = {
    {"attn_norm", "input_layernorm", GgufChange::kMinusOne},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm", GgufChange::kMinusOne},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
// With modules of their own (gguf_dense_modules()).
constexpr GgufRule kGemmaEmbedding[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm", GgufChange::kMinusOne},
    {"output", "lm_head"},
    {"dense_2", ""},
    {"dense_3", ""},
};
// Gemma 2 and 3: norms before and after.
constexpr GgufRule kGemmaSandwichLayer[] = {
    {"attn_norm", "input_layernorm", GgufChange::kMinusOne},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm", GgufChange::kMinusOne},
    {"attn_k_norm", "self_attn.k_norm", GgufChange::kMinusOne},
    {"post_attention_norm", "post_attention_layernorm", GgufChange::kMinusOne},
    {"ffn_norm", "pre_feedforward_layernorm", GgufChange::kMinusOne},
    {"post_ffw_norm", "post_feedforward_layernorm", GgufChange::kMinusOne},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
constexpr GgufRule kLfm2[] = {
    {"token_embd", "model.embed_tokens"},
    {"token_embd_norm", "model.embedding_norm"},
    {"output_norm", "model.embedding_norm"},
    {"output", "lm_head"},
    {"dense_2", ""},  // gguf_dense_modules()
};
constexpr GgufRule kLfm2Layer[] = {
    {"attn_norm", "operator_norm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.out_proj"},
    {"attn_q_norm", "self_attn.q_layernorm"},
    {"attn_k_norm", "self_attn.k_layernorm"},
    {"shortconv.conv", "conv.conv", GgufChange::kTaps},
    {"shortconv.in_proj", "conv.in_proj"},
    {"shortconv.out_proj", "conv.out_proj"},
    {"ffn_norm", "ffn_norm"},
    {"ffn_gate", "feed_forward.w1"},
    {"ffn_up", "feed_forward.w3"},
    {"ffn_down", "feed_forward.w2"},
    {"ffn_gate_inp", "feed_forward.gate"},
    whole_name("exp_probs_b.bias", "feed_forward.expert_bias"),
    {"ffn_gate_exps", "feed_forward.switch_mlp.gate_proj"},
    {"ffn_up_exps", "feed_forward.switch_mlp.up_proj"},
    {"ffn_down_exps", "feed_forward.switch_mlp.down_proj"},
};
// Queries, keys and values in one matrix, gate and up in another.
constexpr GgufRule kPackedLayer[] = {
    {"attn_norm", "input_layernorm"},    {"attn_qkv", "self_attn.qkv_proj"},
    {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_up", "mlp.gate_up_proj"},      {"ffn_down", "mlp.down_proj"},
};

}  // namespace

std::span<const GgufNames> gguf_decoder_names() {
  static constexpr GgufNames kAll[] = {
      {"llama-embed", kGgufDecoder, {kGgufTurnedAttention, kGgufMlp}},
      {"smollm3", kGgufDecoder, {kGgufTurnedAttention, kGgufMlp}},
      {"granite", kGgufDecoder, {kGgufTurnedAttention, kGgufMlp}},
      {"olmo2", kGgufDecoder, {kOlmo2Layer}},
      {"exaone4", kGgufDecoder, {kOlmo2Layer}},
      {"qwen2", kGgufDecoder, {kGgufAttention, kGgufMlp}},
      {"qwen3", kQwen3, {kGgufAttention, kGgufMlp}},
      {"qwen2vl", kGgufDecoder, {kGgufAttention, kGgufMlp}},
      {"qwen3vl", kQwen3, {kGgufAttention, kGgufMlp}},
      {"paddleocr", kGgufDecoder, {kGgufAttention, kGgufMlp}},
      {"cohere2", kGgufDecoder, {kGgufAttention, kGgufMlp}},
      {"phi3", kGgufDecoder, {kPackedLayer}},
      {"minicpm3", kGgufDecoder, {kGgufLatentAttention, kGgufMlp}},
      {"eurobert", kEuroBert, {kGgufAttention, kGgufMlp}, "layers."},
      {"gemma", kGemma, {kGemmaLayer}},
      {"gemma2", kGemma, {kGemmaSandwichLayer}},
      {"gemma3", kGemma, {kGemmaSandwichLayer}},
      {"gemma-embedding", kGemmaEmbedding, {kGemmaSandwichLayer}},
      {"lfm2", kLfm2, {kLfm2Layer}},
      {"lfm2moe", kLfm2, {kLfm2Layer}},
  };
  return kAll;
}

}  // namespace vecton::checkpoint
