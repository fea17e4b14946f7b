// The vision tower of Qwen3-VL (arXiv:2511.21631) and Qwen3.5, and what stands around an image in
// their prompts. Called by the families.
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

// `text` with the tower under "visual.", where the checkpoint has one. After `text` was made.
std::unique_ptr<Model> with_qwen_tower(std::unique_ptr<Model> text, int64_t hidden,
                                       const checkpoint::Config& config,
                                       checkpoint::Weights weights);

// Family::images; nothing where config.json has no vision_config. Late-interaction models of the
// architectures read what their publishers' processors write: queries with ten tokens for what they
// leave unsaid (ColQwen3, ColQwen3_5), chat turns (Nemotron), or as they are (Ops).
std::optional<ImageInput> qwen_images(const checkpoint::Config& config);

}  // namespace vecton::models
