// RopeFrequencies: how fast each pair of rotary columns turns, as config.json says it.
//
// Called by Rope while a model is built. Formulas: Su et al. 2021 (arXiv:2104.09864) and the
// scalings of transformers' rope_parameters: linear, llama3, YaRN (arXiv:2309.00071), LongRoPE
// (arXiv:2402.13753), dynamic NTK, proportional; "ntk" of GTE.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"

namespace vecton::nn {

// Which part of config.json is meant, and what holds where it says nothing.
struct RopeOptions {
  double theta = 10000;
  // The base's key in files without rope_parameters.
  std::string_view theta_key = "rope_theta";
  // Rotary columns of a head, as a part of all.
  double partial_rotary_factor = 1;
  // "sliding_attention": where rope_parameters has an object per kind of layer, the one read.
  std::string_view layer_type = {};
  // Whether these layers obey a rope_scaling that does not name kinds of layers.
  bool scaled = true;
  // LongRoPE with short_mscale and long_mscale: Phi-3.5-MoE's, which the others have no place for.
  // Long sequences differ by the amplitude alone, as transformers computes them.
  bool amplitudes = false;
  // How mrope_section shares the pairs out among the axes of Batch::axis_positions, time, height
  // and width (MRoPE, arXiv:2409.12191): each has pairs that follow one another, or (Qwen3-VL)
  // every third pair is of height and every third of width, as long as they have some.
  enum class Axes { kNone, kInRuns, kInterleaved };
  Axes axes = Axes::kNone;
};

struct RopeFrequencies {
  std::vector<float> of_position;  // radians per position, [rotary_dim / 2]
  float amplitude = 1;             // of cos and sin
  // LongRoPE: sequences of more than long_after positions turn with these from their first position
  // on. Empty = all turn alike.
  std::vector<float> of_position_long;
  float amplitude_long = 1;
  int64_t long_after = 0;
  std::vector<uint8_t> axes;  // of each pair; empty = all turn by the place in the sequence

  int64_t rotary_dim() const { return 2 * static_cast<int64_t>(of_position.size()); }
};

// Reads rope_parameters (transformers 5), or rope_theta, rope_scaling (key "type" or "rope_type")
// and partial_rotary_factor. A scaling that is not known is refused by name (kUnsupported), a
// number that makes no sense is kCorrupt; both name the key.
RopeFrequencies rope_frequencies(const checkpoint::Config& config, int64_t head_dim,
                                 const RopeOptions& options = {});

}  // namespace vecton::nn
