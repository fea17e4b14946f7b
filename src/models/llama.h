// Llama and the decoders made like it: pre-norm blocks of RMS norms, rotary positions, grouped keys
// and a gated MLP. Touvron et al. 2023, arXiv:2302.13971.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/decoder.h"
#include "models/model.h"
#include "nn/feed_forward.h"
#include "nn/rope.h"
#include "nn/self_attention.h"

namespace vecton::models::llama {

// What tells the relatives apart.
struct Settings {
  ModelShape shape;
  nn::RopeOptions rope;
  ops::Activation activation = ops::Activation::kSilu;
  double eps = 1e-6;
  bool qkv_bias = false, out_bias = false, mlp_bias = false;
  enum class QkNorm { kNone, kHeads, kRows };
  QkNorm qk_norm = QkNorm::kNone;  // of queries and keys: of every head, or of all heads together
  float attention_scale = 0;       // of q k^T; 0 = 1 / sqrt(head_dim)
  float norm_plus = 0;             // norms multiply by w + norm_plus
  bool layer_norm = false;         // with bias, instead of RMS norms
  float embedding_scale = 1;       // of the words
  bool last_norm = true;           // what the last layer gives has a norm
  bool packed = false;             // qkv_proj and gate_up_proj, one tensor each
  bool interleaved = false;        // rotary pairs are columns 2i and 2i + 1 of a head
  std::vector<bool> rotates;       // by layer: has rotary positions; empty = all have
  // What a layer has in place of the gated MLP; null = all have that.
  std::function<nn::FeedForward(const checkpoint::Weights& layer, int64_t index)> feed_forward;
};

// What all of them read alike: sizes, activation, eps, rotary positions.
Settings settings(const checkpoint::Config& config, const DecoderDefaults& defaults = {},
                  const nn::RopeOptions& rope = {});
std::unique_ptr<Model> build(const Settings& settings, const checkpoint::Config& config,
                             checkpoint::Weights weights);

// The mixture of Mixtral in every layer (block_sparse_moe()), of as many experts as config.json
// says, which `routing` chooses.
void use_block_sparse_moe(Settings& settings, const checkpoint::Config& config,
                          ops::Router routing);

// Family::shape and Family::load of those whose settings() say all.
template <Settings (*settings)(const checkpoint::Config&)>
ModelShape shape_of(const checkpoint::Config& config) {
  return settings(config).shape;
}
template <Settings (*settings)(const checkpoint::Config&)>
std::unique_ptr<Model> load_of(const checkpoint::Config& config, checkpoint::Weights weights) {
  return build(settings(config), config, std::move(weights));
}

// The parts of a layer, for those whose layers are put together otherwise: `w` is the path of the
// layer, or of the norm.
nn::SelfAttention attention(const Settings& settings, const checkpoint::Weights& w, int64_t index);
nn::Mlp mlp(const Settings& settings, const checkpoint::Config& config,
            const checkpoint::Weights& w);
ops::NormWeight norm(const Settings& settings, const checkpoint::Weights& w);

// The head of all of them.
checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights);

}  // namespace vecton::models::llama
