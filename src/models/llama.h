// Llama and the decoders made like it: pre-norm blocks of RMS norms, rotary positions, grouped keys
// and a gated MLP. Touvron et al. 2023, arXiv:2302.13971.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/decoder.h"
#include "models/model.h"
#include "nn/rope.h"

namespace vecton::models::llama {

// What tells the relatives apart.
struct Settings {
  ModelShape shape;
  nn::RopeOptions rope;
  ops::Activation activation = ops::Activation::kSilu;
  double eps = 1e-6;
  bool qkv_bias = false, out_bias = false, mlp_bias = false;
  bool qk_norm = false;       // of every head of queries and keys
  float norm_plus = 0;        // norms multiply by w + norm_plus
  float embedding_scale = 1;  // of the words
};

// What all of them read alike: sizes, activation, eps, rotary positions.
Settings settings(const checkpoint::Config& config, const DecoderDefaults& defaults = {});
std::unique_ptr<Model> build(const Settings& settings, const checkpoint::Config& config,
                             checkpoint::Weights weights);

// The head of all of them.
checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights);

}  // namespace vecton::models::llama
