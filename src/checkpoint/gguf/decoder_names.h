// Names that decoders with experts and those without share.
#pragma once

#include "checkpoint/gguf/name_rules.h"

namespace vecton::checkpoint {

inline constexpr GgufRule kGgufDecoder[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"rope_freqs", ""},
    {"rope_factors_long", ""},
    {"rope_factors_short", ""},
};
inline constexpr GgufRule kGgufAttention[] = {
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
};
// Llama and its kin are kept with neighbouring columns turning together.
inline constexpr GgufRule kGgufTurnedAttention[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj", GgufChange::kHeadRows},
    {"attn_k", "self_attn.k_proj", GgufChange::kKvHeadRows},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
};
// Newer files have the keys' and the values' part of kv_b apart, head by head, as MLX has them.
inline constexpr GgufRule kGgufLatentAttention[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_q_a", "self_attn.q_a_proj"},
    {"attn_q_a_norm", "self_attn.q_a_layernorm"},
    {"attn_q_b", "self_attn.q_b_proj"},
    {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
    {"attn_kv_a_norm", "self_attn.kv_a_layernorm"},
    {"attn_kv_b", "self_attn.kv_b_proj"},
    {"attn_k_b", "self_attn.embed_q"},
    {"attn_v_b", "self_attn.unembed_out"},
    {"attn_output", "self_attn.o_proj"},
};
inline constexpr GgufRule kGgufMlp[] = {
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

}  // namespace vecton::checkpoint
