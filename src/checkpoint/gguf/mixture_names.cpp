// Decoders with mixtures of experts, of which all of one kind are in one tensor, and Gemma 4 and
// Qwen3-Next, which may have them.
#include "checkpoint/gguf/decoder_names.h"

namespace vecton::checkpoint {

namespace {

// Mixtral's beside Llama's own MLP: one architecture has both.
constexpr GgufRule kLlamaMlp[] = {
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_inp", "block_sparse_moe.gate"},
    {"ffn_gate_exps", "block_sparse_moe.switch_mlp.gate_proj"},
    {"ffn_up_exps", "block_sparse_moe.switch_mlp.up_proj"},
    {"ffn_down_exps", "block_sparse_moe.switch_mlp.down_proj"},
};
constexpr GgufRule kGraniteExperts[] = {
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate_inp", "block_sparse_moe.router.layer"},
    {"ffn_gate_exps", "block_sparse_moe.switch_mlp.gate_proj"},
    {"ffn_up_exps", "block_sparse_moe.switch_mlp.up_proj"},
    {"ffn_down_exps", "block_sparse_moe.switch_mlp.down_proj"},
};
constexpr GgufRule kQwenExperts[] = {
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_exps", "mlp.switch_mlp.gate_proj"},
    {"ffn_up_exps", "mlp.switch_mlp.up_proj"},
    {"ffn_down_exps", "mlp.switch_mlp.down_proj"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
    {"ffn_down_shexp", "mlp.shared_expert.down_proj"},
    {"ffn_gate_inp_shexp", "mlp.shared_expert_gate", GgufChange::kOneRow},
};
constexpr GgufRule kDeepseekExperts[] = {
    {"ffn_norm", "post_attention_layernorm"},
    {"post_attention_norm", "post_attention_layernorm"},
    {"ffn_gate_inp", "mlp.gate"},
    whole_name("exp_probs_b.bias", "mlp.gate.e_score_correction_bias"),
    {"ffn_gate_exps", "mlp.switch_mlp.gate_proj"},
    {"ffn_up_exps", "mlp.switch_mlp.up_proj"},
    {"ffn_down_exps", "mlp.switch_mlp.down_proj"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_experts.up_proj"},
    {"ffn_down_shexp", "mlp.shared_experts.down_proj"},
};
constexpr GgufRule kGptOssExperts[] = {
    whole_name("attn_sinks.weight", "self_attn.sinks"),
    {"post_attention_norm", "post_attention_layernorm"},
    {"ffn_gate_inp", "mlp.router"},
    {"ffn_gate_exps", "mlp.experts.gate_proj"},
    {"ffn_up_exps", "mlp.experts.up_proj"},
    {"ffn_down_exps", "mlp.experts.down_proj"},
};
constexpr GgufRule kGemma4[] = {
    {"token_embd", "model.embed_tokens"},
    {"per_layer_token_embd", "model.embed_tokens_per_layer"},
    {"per_layer_model_proj", "model.per_layer_model_projection"},
    {"per_layer_proj_norm", "model.per_layer_projection_norm"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"rope_freqs", ""},
};
// Norms are kept as they are multiplied with, as this checkpoint has them.
constexpr GgufRule kGemma4Layer[] = {
    {"post_attention_norm", "post_attention_layernorm"},
    {"ffn_norm", "pre_feedforward_layernorm"},
    {"post_ffw_norm", "post_feedforward_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    whole_name("layer_output_scale.weight", "layer_scalar"),
    {"inp_gate", "per_layer_input_gate"},
    {"proj", "per_layer_projection"},
    {"post_norm", "post_per_layer_input_norm"},
    {"pre_ffw_norm_2", "pre_feedforward_layernorm_2"},
    {"post_ffw_norm_1", "post_feedforward_layernorm_1"},
    {"post_ffw_norm_2", "post_feedforward_layernorm_2"},
    whole_name("ffn_gate_inp.weight", "router.proj.weight"),
    whole_name("ffn_gate_inp.scale", "router.scale"),
    whole_name("ffn_down_exps.scale", "router.per_expert_scale"),
    {"ffn_gate_exps", "experts.switch_glu.gate_proj"},
    {"ffn_up_exps", "experts.switch_glu.up_proj"},
    {"ffn_down_exps", "experts.switch_glu.down_proj"},
};
constexpr GgufRule kQwen3Next[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm", GgufChange::kMinusOne},
    {"output", "lm_head"},
};
constexpr GgufRule kQwen3NextLayer[] = {
    {"attn_norm", "input_layernorm", GgufChange::kMinusOne},
    {"post_attention_norm", "post_attention_layernorm", GgufChange::kMinusOne},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm", GgufChange::kMinusOne},
    {"attn_k_norm", "self_attn.k_norm", GgufChange::kMinusOne},
    {"attn_qkv", "linear_attn.in_proj_qkv"},
    {"attn_gate", "linear_attn.in_proj_z"},
    {"ssm_ba", "linear_attn.in_proj_ba"},
    {"ssm_alpha", "linear_attn.in_proj_a"},
    {"ssm_beta", "linear_attn.in_proj_b"},
    whole_name("ssm_a", "linear_attn.A_log", GgufChange::kLogOfMinus),
    whole_name("ssm_dt.bias", "linear_attn.dt_bias"),
    {"ssm_conv1d", "linear_attn.conv1d", GgufChange::kTaps},
    {"ssm_norm", "linear_attn.norm"},
    {"ssm_out", "linear_attn.out_proj"},
};

}  // namespace

std::span<const GgufNames> gguf_mixture_names() {
  static constexpr GgufNames kAll[] = {
      {"llama", kGgufDecoder, {kGgufTurnedAttention, kLlamaMlp}},
      {"mistral3", kGgufDecoder, {kGgufTurnedAttention, kLlamaMlp}},
      {"phimoe", kGgufDecoder, {kGgufAttention, kLlamaMlp}},
      {"granitemoe", kGgufDecoder, {kGgufTurnedAttention, kGraniteExperts}},
      {"qwen2moe", kGgufDecoder, {kGgufAttention, kQwenExperts}},
      {"qwen3moe", kGgufDecoder, {kGgufAttention, kQwenExperts}},
      {"qwen3vlmoe", kGgufDecoder, {kGgufAttention, kQwenExperts}},
      {"gpt-oss", kGgufDecoder, {kGgufAttention, kGptOssExperts}},
      {"glm4moe", kGgufDecoder, {kGgufAttention, kDeepseekExperts}},
      {"deepseek2", kGgufDecoder, {kGgufLatentAttention, kDeepseekExperts}},
      {"gemma4", kGemma4, {kGgufAttention, kGemma4Layer}},
      {"qwen3next", kQwen3Next, {kQwen3NextLayer, kQwenExperts}},
      {"qwen35", kQwen3Next, {kQwen3NextLayer, kQwenExperts}},
      {"qwen35moe", kQwen3Next, {kQwen3NextLayer, kQwenExperts}},
  };
  return kAll;
}

}  // namespace vecton::checkpoint
