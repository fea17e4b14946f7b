// What the tensors of each architecture are called: lists of rules, several to an architecture.
// Used by checkpoint_name() alone.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "checkpoint/gguf/names.h"

namespace vecton::checkpoint {

// Both without ".weight" and ".bias", which the checkpoint's name has then too.
struct GgufRule {
  std::string_view gguf, own;  // no own: it says what config.json says
  GgufChange change = GgufChange::kNone;
  bool whole = false;  // both names are whole
};
constexpr GgufRule whole_name(std::string_view gguf, std::string_view own,
                              GgufChange change = GgufChange::kNone) {
  return {gguf, own, change, true};
}

// Names beside the layers, and those of a layer behind "blk.N.".
struct GgufNames {
  std::string_view architecture;
  std::span<const GgufRule> model;
  std::array<std::span<const GgufRule>, 2> layer;
  std::string_view layers = "model.layers.";  // what stands for "blk."
};

std::span<const GgufNames> gguf_decoder_names();
std::span<const GgufNames> gguf_mixture_names();
std::span<const GgufNames> gguf_encoder_names();

}  // namespace vecton::checkpoint
