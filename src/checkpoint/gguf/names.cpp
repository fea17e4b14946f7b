#include "checkpoint/gguf/names.h"

#include <algorithm>
#include <span>

namespace vecton::checkpoint {

namespace {

struct Rule {
  std::string_view gguf, own;  // without ".weight" and ".bias"
  GgufChange change = GgufChange::kNone;
};

// Names beside the layers, and those of a layer behind "blk.N.".
struct Names {
  std::span<const Rule> model, layer;
  std::string_view layers;  // what stands for "blk."
};

constexpr Rule kDecoder[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"rope_freqs", ""},
};
// A reranker's head: the rows of two words of the table.
constexpr Rule kQwen3[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"cls.output", "score", GgufChange::kFirstMinusSecond},
    {"rope_freqs", ""},
};
constexpr Rule kEuroBert[] = {
    {"token_embd", "embed_tokens"},
    {"output_norm", "norm"},
};
constexpr Rule kDecoderLayer[] = {
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
// Of a mixture of experts: all of one kind in one tensor.
constexpr Rule kQwen3MoeLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_exps", "mlp.switch_mlp.gate_proj"},
    {"ffn_up_exps", "mlp.switch_mlp.up_proj"},
    {"ffn_down_exps", "mlp.switch_mlp.down_proj"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
// Norms behind what they belong to.
constexpr Rule kOlmo2Layer[] = {
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
// Llama and its kin are kept with neighbouring columns turning together.
constexpr Rule kLlamaLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj", GgufChange::kHeadRows},
    {"attn_k", "self_attn.k_proj", GgufChange::kKvHeadRows},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
constexpr Rule kGemma[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm", GgufChange::kMinusOne},
    {"output", "lm_head"},
};
constexpr Rule kGemmaLayer[] = {
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
constexpr Rule kGemmaEmbedding[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm", GgufChange::kMinusOne},
    {"output", "lm_head"},
    {"dense_2", ""},
    {"dense_3", ""},
};
// Gemma 2 and 3: norms before and after.
constexpr Rule kGemmaSandwichLayer[] = {
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
constexpr Rule kLfm2[] = {
    {"token_embd", "model.embed_tokens"},
    {"token_embd_norm", "model.embedding_norm"},
    {"output_norm", "model.embedding_norm"},
    {"output", "lm_head"},
};
constexpr Rule kLfm2Layer[] = {
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
};
constexpr Rule kBert[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "embeddings.LayerNorm"},
    {"token_types", "embeddings.token_type_embeddings"},
    {"position_embd", "embeddings.position_embeddings"},
};
constexpr Rule kRoberta[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "embeddings.LayerNorm"},
    {"token_types", "embeddings.token_type_embeddings"},
    {"position_embd", "embeddings.position_embeddings", GgufChange::kAfterPadding},
    {"cls", "classifier.dense"},
    {"cls.output", "classifier.out_proj"},
};
constexpr Rule kBertLayer[] = {
    {"attn_q", "attention.self.query"},
    {"attn_k", "attention.self.key"},
    {"attn_v", "attention.self.value"},
    {"attn_output", "attention.output.dense"},
    {"attn_output_norm", "attention.output.LayerNorm"},
    {"ffn_up", "intermediate.dense"},
    {"ffn_down", "output.dense"},
    {"layer_output_norm", "output.LayerNorm"},
};
constexpr Rule kDistilBert[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "embeddings.LayerNorm"},
    {"position_embd", "embeddings.position_embeddings"},
};
constexpr Rule kDistilBertLayer[] = {
    {"attn_q", "attention.q_lin"},
    {"attn_k", "attention.k_lin"},
    {"attn_v", "attention.v_lin"},
    {"attn_output", "attention.out_lin"},
    {"attn_output_norm", "sa_layer_norm"},
    {"ffn_up", "ffn.lin1"},
    {"ffn_down", "ffn.lin2"},
    {"layer_output_norm", "output_layer_norm"},
};
constexpr Rule kNomicBert[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "emb_ln"},
    {"token_types", "embeddings.token_type_embeddings"},
};
constexpr Rule kNomicBertLayer[] = {
    {"attn_qkv", "attn.Wqkv"},      {"attn_output", "attn.out_proj"}, {"attn_output_norm", "norm1"},
    {"ffn_up", "mlp.fc11"},         {"ffn_gate", "mlp.fc12"},         {"ffn_down", "mlp.fc2"},
    {"layer_output_norm", "norm2"},
};
constexpr Rule kModernBert[] = {
    {"token_embd", "embeddings.tok_embeddings"},
    {"token_embd_norm", "embeddings.norm"},
    {"output_norm", "final_norm"},
};
constexpr Rule kModernBertLayer[] = {
    {"attn_norm", "attn_norm"}, {"attn_qkv", "attn.Wqkv"}, {"attn_output", "attn.Wo"},
    {"ffn_norm", "mlp_norm"},   {"ffn_up", "mlp.Wi"},      {"ffn_down", "mlp.Wo"},
};
constexpr Rule kJinaV3[] = {
    {"token_embd", "embeddings.word_embeddings"},
    {"token_embd_norm", "emb_ln"},
    {"token_types", "embeddings.token_type_embeddings"},
};
constexpr Rule kJinaV3Layer[] = {
    {"attn_qkv", "mixer.Wqkv"}, {"attn_output", "mixer.out_proj"}, {"attn_output_norm", "norm1"},
    {"ffn_up", "mlp.fc1"},      {"ffn_down", "mlp.fc2"},           {"layer_output_norm", "norm2"},
};

struct Architecture {
  std::string_view name;
  Names names;
};
constexpr Architecture kArchitectures[] = {
    {"llama", {kDecoder, kLlamaLayer, "model.layers."}},
    {"llama-embed", {kDecoder, kLlamaLayer, "model.layers."}},
    {"smollm3", {kDecoder, kLlamaLayer, "model.layers."}},
    {"granite", {kDecoder, kLlamaLayer, "model.layers."}},
    {"olmo2", {kDecoder, kOlmo2Layer, "model.layers."}},
    {"qwen3moe", {kDecoder, kQwen3MoeLayer, "model.layers."}},
    {"qwen2", {kDecoder, kDecoderLayer, "model.layers."}},
    {"qwen3", {kQwen3, kDecoderLayer, "model.layers."}},
    {"eurobert", {kEuroBert, kDecoderLayer, "layers."}},
    {"gemma", {kGemma, kGemmaLayer, "model.layers."}},
    {"gemma2", {kGemma, kGemmaSandwichLayer, "model.layers."}},
    {"gemma3", {kGemma, kGemmaSandwichLayer, "model.layers."}},
    {"gemma-embedding", {kGemmaEmbedding, kGemmaSandwichLayer, "model.layers."}},
    {"lfm2", {kLfm2, kLfm2Layer, "model.layers."}},
    {"bert", {kBert, kBertLayer, "encoder.layer."}},
    {"distilbert", {kDistilBert, kDistilBertLayer, "transformer.layer."}},
    {"roberta", {kRoberta, kBertLayer, "encoder.layer."}},
    {"nomic-bert", {kNomicBert, kNomicBertLayer, "encoder.layers."}},
    {"modern-bert", {kModernBert, kModernBertLayer, "layers."}},
    {"jina-bert-v3", {kJinaV3, kJinaV3Layer, "encoder.layers."}},
};

// Takes ".weight" or ".bias" off; none where it ends otherwise.
std::optional<std::string_view> take_ending(std::string_view& name) {
  for (const std::string_view ending : {".weight", ".bias"}) {
    if (!name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    return ending;
  }
  return std::nullopt;
}

std::optional<GgufName> find(std::span<const Rule> rules, std::string_view name,
                             std::string_view before, std::string_view ending) {
  const auto rule = std::ranges::find(rules, name, &Rule::gguf);
  if (rule == rules.end()) return std::nullopt;
  if (rule->own.empty()) return GgufName{};
  return GgufName{std::string(before) + std::string(rule->own) + std::string(ending), rule->change};
}

}  // namespace

std::optional<GgufName> checkpoint_name(std::string_view architecture, std::string_view tensor) {
  constexpr std::string_view kBlock = "blk.";
  const auto* known = std::ranges::find(kArchitectures, architecture, &Architecture::name);
  const auto ending = take_ending(tensor);
  if (known == std::end(kArchitectures) || !ending) return std::nullopt;
  const Names& names = known->names;
  if (!tensor.starts_with(kBlock)) return find(names.model, tensor, "", *ending);
  tensor.remove_prefix(kBlock.size());
  const size_t dot = tensor.find('.');
  const std::string_view number = tensor.substr(0, dot);
  if (dot == tensor.npos || number.empty() || number.find_first_not_of("0123456789") != number.npos)
    return std::nullopt;
  const std::string before = std::string(names.layers) + std::string(number) + ".";
  return find(names.layer, tensor.substr(dot + 1), before, *ending);
}

}  // namespace vecton::checkpoint
