// What the metadata of one kind of model says, in config.json's words: parts that several
// architectures share. Used by gguf_config() alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "checkpoint/gguf/keys.h"

namespace vecton::checkpoint {

inline constexpr std::string_view kSlidingWindow = "attention.sliding_window";

// One architecture, and what config.json would say of its models.
struct GgufArchitecture {
  std::string_view name;
  json::object (*config)(GgufKeys& keys);
};
std::span<const GgufArchitecture> gguf_decoders();
std::span<const GgufArchitecture> gguf_gemmas();
std::span<const GgufArchitecture> gguf_mixtures();  // decoders with experts
std::span<const GgufArchitecture> gguf_hybrids();   // decoders whose layers do not all attend
std::span<const GgufArchitecture> gguf_encoders();

json::object named_config(std::string_view architecture, std::string_view model_type);

struct DecoderParts {
  int64_t kv_heads = 0;       // 0: the file says
  bool partial_rope = false;  // some columns of a head may turn alone
  bool feed_forward = true;   // layers have an MLP, and "feed_forward_length" its width
  std::string_view eps_key = "attention.layer_norm_rms_epsilon", eps = "rms_norm_eps";
};
// What all decoders say.
json::object decoder_config(GgufKeys& keys, std::string_view architecture,
                            std::string_view model_type, const DecoderParts& parts = {});

// Rotary positions: the base, a scaling, or divisors of the pairs' frequencies in tensors.
void add_rope(GgufKeys& keys, int64_t head_dim, bool partial, json::object& config);
// What pictures need of models whose texts alone are read: the positions of texts are alike on
// the three axes of pictures, and layers get nothing from a tower.
void ignore_axes(GgufKeys& keys);
// How many pairs turn with each axis, as "mrope_section" of `rope`.
void add_axes(GgufKeys& keys, json::object& rope);
// The divisors that `tensor` has, one for each of `pairs`; an error that names it otherwise.
json::array rope_divisors(const GgufKeys& keys, const gguf::Tensor& tensor, int64_t pairs);

// "layer_types", of layers with a window and without: one by one as the file says, or all but every
// so many.
void add_sliding_types(GgufKeys& keys, int64_t period, json::object& config);

int64_t vocabulary_rows(GgufKeys& keys);
// Layers of the model, without those behind them that predict more tokens at once.
int64_t layers_of(GgufKeys& keys);
// A number, or an array with one for each layer.
std::vector<int64_t> numbers_of_layers(GgufKeys& keys, std::string_view key, int64_t layers);
// The one number that all layers have.
int64_t same_in_all(GgufKeys& keys, std::string_view key, int64_t layers);

// Sizes of a layer behind the model, of rows of so many columns; how many it gives, `columns` where
// there is none.
int64_t check_dense(GgufKeys& keys, const std::string& name, int64_t columns);

// Of the first layer.
bool has_bias(const GgufKeys& keys, std::string_view part);
void add_biases(const GgufKeys& keys, json::object& config);  // of Llama's kin

json::object granite_config(GgufKeys& keys, std::string_view architecture,
                            std::string_view model_type);
json::object mixtral_config(GgufKeys& keys);
// Multi-head latent attention.
json::object latent_config(GgufKeys& keys, std::string_view architecture,
                           std::string_view model_type);
// How many experts there are, under this key, and how many of them a token goes to.
void add_expert_counts(GgufKeys& keys, std::string_view experts, json::object& config);
// Refuses another `expert_gating_func`.
void require_sigmoid(const GgufKeys& keys, int64_t gating);
// Experts of Qwen's layers: `normalize` = the weights of those that are chosen add up to 1.
void add_qwen_experts(GgufKeys& keys, bool normalize, json::object& config);

}  // namespace vecton::checkpoint
