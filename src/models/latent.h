// Multi-head latent attention as config.json and checkpoints of DeepSeek's kind have it. Called by
// the families; functions of their arguments.
#pragma once

#include <cstdint>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"
#include "nn/latent_attention.h"

namespace vecton::models {

struct LatentSettings {
  ModelShape shape;    // `cache` and head_dim are of this attention
  int64_t q_rank = 0;  // 0 = queries have no bottleneck
  int64_t rank = 0, still_dim = 0, rope_dim = 0, value_dim = 0;
  float scale = 0;
  double eps = 1e-6;
  bool bias = false;         // of the projections down and out
  bool interleaved = false;  // rotary pairs are columns 2i and 2i + 1
};

// What DeepSeek-V3, GLM-4.7-Flash and MiniCPM3 read alike; value_dim may be missing where `missing`
// gives it.
LatentSettings latent_settings(const checkpoint::Config& config, int64_t missing_value_dim = 0);

// `w` is the path of self_attn.
nn::LatentAttention latent_attention(const LatentSettings& settings, const checkpoint::Weights& w,
                                     int64_t layer);

}  // namespace vecton::models
