// What the classes of image processors have in common: the keys of their file, and patches.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "checkpoint/config.h"
#include "media/picture.h"
#include "media/resample.h"
#include "tensor/image.h"

namespace vecton::media {

using Colour = std::array<double, 3>;
inline constexpr Colour kHalf{0.5, 0.5, 0.5};
inline constexpr Colour kClipMean{0.48145466, 0.4578275, 0.40821073};
inline constexpr Colour kClipStd{0.26862954, 0.26130258, 0.27577711};

// Where the file is silent.
struct ProcessorDefaults {
  Filter filter = Filter::kBicubic;
  Colour mean = kHalf, std = kHalf;
};

// From a picture's levels to numbers.
struct PixelSettings {
  Filter filter = Filter::kBicubic;
  std::array<std::array<float, 256>, 3> values;  // [channel, level]

  PixelSettings(const checkpoint::Config& config, const ProcessorDefaults& defaults);
};

struct Size {
  int64_t height = 0, width = 0;
};
inline constexpr int64_t kMostSide = 16384;  // of what a processor makes

// size or crop_size: {"height", "width"}, or one number for both.
std::optional<Size> read_size(const checkpoint::Config& config, std::string_view key);
// {"longest_edge": ...} or {"shortest_edge": ...} of `key`.
std::optional<int64_t> read_edge(const checkpoint::Config& config, std::string_view key,
                                 std::string_view edge);

struct PatchOrder {
  int64_t patch = 0;
  int64_t merge = 1;   // blocks of merge x merge patches follow each other
  int64_t frames = 1;  // each value of a channel's patch so many times
  bool channels_last = false;
};

// What does not fill a patch at the right and bottom is left out, as a convolution does.
tensor::Image cut_patches(const Picture& picture, const PixelSettings& settings,
                          const PatchOrder& order);

}  // namespace vecton::media
