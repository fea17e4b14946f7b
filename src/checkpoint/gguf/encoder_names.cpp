// Encoders.
#include "checkpoint/gguf/name_rules.h"

namespace vecton::checkpoint {

namespace {

constexpr GgufRule kBert[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "embeddings.LayerNorm"},
    {"token_types", "embeddings.token_type_embeddings"},
    {"position_embd", "embeddings.position_embeddings"},
};
constexpr GgufRule kRoberta[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "embeddings.LayerNorm"},
    {"token_types", "embeddings.token_type_embeddings"},
    {"position_embd", "embeddings.position_embeddings", GgufChange::kAfterPadding},
    {"cls", "classifier.dense"},
    {"cls.output", "classifier.out_proj"},
};
constexpr GgufRule kBertLayer[] = {
    {"attn_q", "attention.self.query"},
    {"attn_k", "attention.self.key"},
    {"attn_v", "attention.self.value"},
    {"attn_output", "attention.output.dense"},
    {"attn_output_norm", "attention.output.LayerNorm"},
    {"ffn_up", "intermediate.dense"},
    {"ffn_down", "output.dense"},
    {"layer_output_norm", "output.LayerNorm"},
};
constexpr GgufRule kDistilBert[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "embeddings.LayerNorm"},
    {"position_embd", "embeddings.position_embeddings"},
};
constexpr GgufRule kDistilBertLayer[] = {
    {"attn_q", "attention.q_lin"},
    {"attn_k", "attention.k_lin"},
    {"attn_v", "attention.v_lin"},
    {"attn_output", "attention.out_lin"},
    {"attn_output_norm", "sa_layer_norm"},
    {"ffn_up", "ffn.lin1"},
    {"ffn_down", "ffn.lin2"},
    {"layer_output_norm", "output_layer_norm"},
};
constexpr GgufRule kNomicBert[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "emb_ln"},
    {"token_types", "embeddings.token_type_embeddings"},
};
constexpr GgufRule kNomicBertLayer[] = {
    {"attn_qkv", "attn.Wqkv"},      {"attn_output", "attn.out_proj"}, {"attn_output_norm", "norm1"},
    {"ffn_up", "mlp.fc11"},         {"ffn_gate", "mlp.fc12"},         {"ffn_down", "mlp.fc2"},
    {"layer_output_norm", "norm2"},
};
constexpr GgufRule kNomicMixtureLayer[] = {
    {"attn_qkv", "attn.Wqkv"},
    {"attn_output", "attn.out_proj"},
    {"attn_output_norm", "norm1"},
    {"ffn_up", "mlp.fc1"},
    {"ffn_down", "mlp.fc2"},
    {"ffn_gate_inp", "mlp.router.layer"},
    {"ffn_up_exps", "mlp.switch_mlp.up_proj"},
    {"ffn_down_exps", "mlp.switch_mlp.down_proj"},
    {"layer_output_norm", "norm2"},
};
constexpr GgufRule kModernBert[] = {
    {"token_embd", "embeddings.tok_embeddings"},
    {"token_embd_norm", "embeddings.norm"},
    {"output_norm", "final_norm"},
    {"cls", "head.dense"},
    {"cls.norm", "head.norm"},
    {"cls.output", "classifier"},
};
constexpr GgufRule kModernBertLayer[] = {
    {"attn_norm", "attn_norm"}, {"attn_qkv", "attn.Wqkv"}, {"attn_output", "attn.Wo"},
    {"ffn_norm", "mlp_norm"},   {"ffn_up", "mlp.Wi"},      {"ffn_down", "mlp.Wo"},
};
constexpr GgufRule kJinaV2[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "embeddings.LayerNorm"},
    {"token_types", "embeddings.token_type_embeddings"},
};
constexpr GgufRule kJinaV2Attention[] = {
    {"attn_q", "attention.self.query"},
    {"attn_k", "attention.self.key"},
    {"attn_v", "attention.self.value"},
    {"attn_q_norm", "attention.self.layer_norm_q"},
    {"attn_k_norm", "attention.self.layer_norm_k"},
    {"attn_output", "attention.output.dense"},
    {"attn_output_norm", "attention.output.LayerNorm"},
    {"attn_norm_2", "layer_norm_1"},
};
constexpr GgufRule kJinaV2Mlp[] = {
    {"ffn_up", "mlp.gated_layers"},
    {"ffn_down", "mlp.wo"},
    {"layer_output_norm", "mlp.layernorm"},
};
// Older files have gate and up apart.
constexpr GgufRule kJinaV2SplitMlp[] = {
    {"ffn_gate", "mlp.gated_layers_w"},
    {"ffn_up", "mlp.gated_layers_v"},
    {"ffn_down", "mlp.wo"},
    {"layer_output_norm", "mlp.layernorm"},
};
// Of the model for code: up lies before the gate.
constexpr GgufRule kJinaV2CodeMlp[] = {
    {"ffn_up", "mlp.up_gated_layer"},
    {"ffn_down", "mlp.down_layer"},
    {"layer_output_norm", "layer_norm_2"},
};
constexpr GgufRule kJinaV3[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "emb_ln"},
    {"token_types", "embeddings.token_type_embeddings"},
};
constexpr GgufRule kJinaV3Layer[] = {
    {"attn_qkv", "mixer.Wqkv"}, {"attn_output", "mixer.out_proj"}, {"attn_output_norm", "norm1"},
    {"ffn_up", "mlp.fc1"},      {"ffn_down", "mlp.fc2"},           {"layer_output_norm", "norm2"},
};

}  // namespace

std::span<const GgufNames> gguf_encoder_names() {
  static constexpr GgufNames kAll[] = {
      {"bert", kBert, {kBertLayer}, "encoder.layer."},
      {"distilbert", kDistilBert, {kDistilBertLayer}, "transformer.layer."},
      {"roberta", kRoberta, {kBertLayer}, "encoder.layer."},
      {"nomic-bert", kNomicBert, {kNomicBertLayer}, "encoder.layers."},
      {"nomic-bert-moe", kNomicBert, {kNomicMixtureLayer}, "encoder.layers."},
      {"modern-bert", kModernBert, {kModernBertLayer}, "layers."},
      {"jina-bert-v2", kJinaV2, {kJinaV2Attention, kJinaV2Mlp}, "encoder.layer."},
      {"jina-bert-v2-split", kJinaV2, {kJinaV2Attention, kJinaV2SplitMlp}, "encoder.layer."},
      {"jina-bert-v2-code", kJinaV2, {kJinaV2Attention, kJinaV2CodeMlp}, "encoder.layer."},
      {"jina-bert-v3", kJinaV3, {kJinaV3Layer}, "encoder.layers."},
  };
  return kAll;
}

}  // namespace vecton::checkpoint
