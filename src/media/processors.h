// The classes of image processors, each made of its file; `vision_patch` is config.json's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "checkpoint/config.h"
#include "media/image_processor.h"

namespace vecton::media {

using ProcessorPointer = std::unique_ptr<const ImageProcessor>;

// One size for all pictures, whatever their shape, or a square from the middle.
ProcessorPointer make_siglip(const checkpoint::Config& config, std::optional<int64_t> vision_patch);
ProcessorPointer make_gemma3(const checkpoint::Config& config, std::optional<int64_t> vision_patch);
ProcessorPointer make_clip(const checkpoint::Config& config, std::optional<int64_t> vision_patch);
// The picture's shape, as near as whole patches allow.
ProcessorPointer make_qwen2_vl(const checkpoint::Config& config, std::optional<int64_t>);
ProcessorPointer make_paddleocr_vl(const checkpoint::Config& config, std::optional<int64_t>);
ProcessorPointer make_siglip2(const checkpoint::Config& config, std::optional<int64_t>);
// Tiles.
ProcessorPointer make_idefics3(const checkpoint::Config& config,
                               std::optional<int64_t> vision_patch);

}  // namespace vecton::media
