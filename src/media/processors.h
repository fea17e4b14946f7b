// The classes of image processors, each made of its file and of what the model's files say.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "checkpoint/config.h"
#include "media/image_processor.h"

namespace vecton::media {

using ProcessorPointer = std::unique_ptr<const ImageProcessor>;

struct ModelSettings {
  std::optional<int64_t> patch;  // config.json's patch_size of the tower
  std::optional<int64_t> merge;  // config.json's spatial_merge_size beside the tower
  std::optional<checkpoint::Config> processor = {};  // processor_config.json
};

// One size for all pictures, whatever their shape, or a square from the middle.
ProcessorPointer make_siglip(const checkpoint::Config& config, const ModelSettings& model);
ProcessorPointer make_gemma3(const checkpoint::Config& config, const ModelSettings& model);
ProcessorPointer make_clip(const checkpoint::Config& config, const ModelSettings& model);
// The picture's shape, as near as whole patches allow.
ProcessorPointer make_qwen2_vl(const checkpoint::Config& config, const ModelSettings& model);
ProcessorPointer make_paddleocr_vl(const checkpoint::Config& config, const ModelSettings& model);
ProcessorPointer make_pixtral(const checkpoint::Config& config, const ModelSettings& model);
ProcessorPointer make_siglip2(const checkpoint::Config& config, const ModelSettings& model);
// Tiles.
ProcessorPointer make_idefics3(const checkpoint::Config& config, const ModelSettings& model);

}  // namespace vecton::media
