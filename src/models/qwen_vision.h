// The vision towers of Qwen2-VL (arXiv:2409.12191), Qwen2.5-VL (arXiv:2502.13923), Qwen3-VL
// (arXiv:2511.21631) and Qwen3.5, and what stands around an image in their prompts. Called by the
// families.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/image_input.h"
#include "models/model.h"

namespace vecton::models {

// Puts the names of all that wrap the two models in one form: those of the text model as a decoder
// has them, "visual." before the tower's, "linear." before a projection of every token.
void rename_qwen_vl(checkpoint::Weights& weights);

// What tells the towers apart; as it is, Qwen3-VL's.
struct QwenTower {
  // Names of tensors: of an MLP (gated where `gate` has a name), and of what stands before one.
  struct Mlp {
    std::string_view gate, up, down;
  };
  Mlp mlp = {.gate = "", .up = "linear_fc1", .down = "linear_fc2"};
  std::string_view merger_norm = "norm";
  Mlp merger = {.gate = "", .up = "linear_fc1", .down = "linear_fc2"};
  // Keys of vision_config: the tower's width, and that of what it gives.
  std::string_view hidden_size = "hidden_size", out_hidden_size = "out_hidden_size";
  std::string_view activation = "gelu_pytorch_tanh";  // where hidden_act is not there
  bool rms_norms = false;
  bool patch_bias = true;
  bool positions = true;  // a learned table
  bool deepstack = true;  // layers with a merger of their own
  bool windows = false;   // all layers but those of fullatt_block_indexes
};

// `text` with the tower under "visual.", where the checkpoint has one. After `text` was made.
std::unique_ptr<Model> with_qwen_tower(std::unique_ptr<Model> text, int64_t hidden,
                                       const checkpoint::Config& config,
                                       checkpoint::Weights weights, const QwenTower& kind = {});

// Family::images; nothing where config.json has no vision_config. Late-interaction models of the
// architectures read what their publishers' processors write: queries with ten tokens for what they
// leave unsaid (all of ColQwen, transformers' classes with "Query: " before them), chat turns
// (Nemotron), or as they are (Ops). use_mrope = false, in config.json or laid over it, puts the
// tokens of an image at places of a text.
std::optional<ImageInput> qwen_images(const checkpoint::Config& config);

}  // namespace vecton::models
