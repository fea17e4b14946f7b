// What families of decoders have in common: sizes, causality, windows and the heads named score.
// Called by the families; functions of their arguments.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/family.h"
#include "models/model.h"

namespace vecton::models {

// What holds where config.json says nothing.
struct DecoderDefaults {
  bool causal = true;
  int64_t kv_heads = 0;                             // 0 = as many as heads
  int64_t head_dim = 0;                             // 0 = hidden_size / heads
  int64_t heads = 0, vocab = 0, max_positions = 0;  // 0 = config.json has to say it
};

// Sizes and causality of config.json. Errors name the key.
ModelShape decoder_shape(const checkpoint::Config& config, const DecoderDefaults& defaults = {});

// AttentionShape::window of a sliding_window of `width`: a causal layer sees that many tokens, the
// token itself included, another one that many on each side.
inline int64_t decoder_window(int64_t width, bool causal) { return causal ? width : width + 1; }

// ModelShape::windows of layers that slide or see everything.
std::vector<int64_t> windows_of(const std::vector<bool>& sliding, int64_t window);
// Of sliding_window, where it is there: all layers have it.
std::vector<int64_t> window_of_all(const checkpoint::Config& config, const ModelShape& shape);
// Of Qwen: sliding_window counts only with use_sliding_window; layer_types, where it is there, says
// which layers have it, else all from max_window_layers on.
std::vector<int64_t> qwen_windows(const checkpoint::Config& config, const ModelShape& shape);

// The rows of `heads` heads whose rotary pairs are rows 2i and 2i + 1, in the order of rows i and
// i + head_dim / 2, which Ops::rope() turns. Products of queries and keys stay what they are.
std::vector<int64_t> half_split_rows(int64_t heads, int64_t head_dim);

// Takes what checkpoints of decoders hold beside the backbone, and drops the prefix "model.".
void prepare_decoder(const ModelShape& shape, checkpoint::Weights& weights);

// score: of a sequence (its last token that is not padding, where the family says nothing else) or
// of every token; the two layers score.0 and score.2 of reward models, of every token.
checkpoint::HeadWeights decoder_head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                     int64_t labels, const checkpoint::Weights& weights,
                                     ops::Pooling pooling = ops::Pooling::kLast);

// What tells checkpoints of decoders.
inline constexpr TensorNames kDecoderTensors{
    .words = "embed_tokens.weight",
    .prefixes = {"model."},
    .classifiers = {{checkpoint::HeadKind::kSequenceClassification, {"score.weight"}}}};

}  // namespace vecton::models
