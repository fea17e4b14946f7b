// ImageProcessor: from a picture to what a vision tower reads, as the checkpoint's
// preprocessor_config.json (or the image_processor of its processor_config.json) says. The numbers
// are those of transformers' processors on PIL, whichever of its versions wrote the file; a class
// whose name ends in Fast has the numbers of the one without.
//
// A row of tensor::Image::patches is a patch: its values by channel, row, column, so that a
// convolution's weight of [out, channels, rows, columns] multiplies it as it lies. Rows go over the
// picture row by row. Where classes differ:
//   Qwen2VL       the merge x merge patches of one token follow each other; values by channel,
//   frame
//                 (temporal_patch_size times the same), row, column
//   Pixtral       whole blocks of patches, row by row
//   Siglip2       values by row, column, channel; no rows of padding
//   Idefics3      an image per tile, row by row, then the whole picture as one more
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/json_fwd.h"
#include "media/picture.h"
#include "tensor/image.h"

namespace vecton::media {

struct ProcessedPicture {
  std::vector<tensor::Image> images;        // one, or those of its tiles and the whole one
  int64_t tile_rows = 0, tile_columns = 0;  // 0 = it is not cut into tiles
};

class ImageProcessor {
 public:
  virtual ~ImageProcessor() = default;
  // Errors (kInvalidArgument): a picture that is too narrow. Thread-safe.
  virtual ProcessedPicture process(Picture picture) const = 0;
};

// Reads the processor's file in `folder`, and config.json for the size of a patch where the former
// does not say it. Errors name the file and the key: one that is missing, is not read, or has a
// value that is not served. `overrides` (mm_processor_kwargs) is laid over the file's keys.
std::unique_ptr<const ImageProcessor> open_image_processor(const std::filesystem::path& folder);
std::unique_ptr<const ImageProcessor> open_image_processor(const std::filesystem::path& folder,
                                                           const json::object& overrides);
// Whether `folder` has such a file. What was saved for its text alone has none.
bool has_image_processor(const std::filesystem::path& folder);

}  // namespace vecton::media
