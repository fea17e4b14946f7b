// Qwen2VLImageProcessor and PaddleOCRVLImageProcessor: the picture's own shape, in whole blocks of
// patches, within bounds of its area.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "media/processor_settings.h"
#include "media/processors.h"
#include "vecton/error.h"

namespace vecton::media {

namespace {

constexpr double kMostRatio = 200;  // of the sides
constexpr int64_t kMostPixels = int64_t{1} << 30;

struct SmartDefaults {
  int64_t frames, least, most;
  bool lifts_short_sides;  // to a block first
  bool merge_order;
};

class SmartResize final : public ImageProcessor {
 public:
  SmartResize(const checkpoint::Config& config, const SmartDefaults& defaults)
      : settings_(config, {.mean = kClipMean, .std = kClipStd}),
        least_(area(config, "shortest_edge", "min_pixels", defaults.least)),
        most_(area(config, "longest_edge", "max_pixels", defaults.most)),
        lifts_short_sides_(defaults.lifts_short_sides) {
    order_.patch = config.integer_or("patch_size", 14, 1, kMostSide);
    const int64_t merge = config.integer_or("merge_size", 2, 1, 64);
    order_.frames = config.integer_or("temporal_patch_size", defaults.frames, 1, 64);
    order_.merge = defaults.merge_order ? merge : 1;
    block_ = order_.patch * merge;
    config.require("do_pad", false);
    config.require("do_center_crop", false);
    config.ignore({"crop_size", "pad_size"});
  }

  ProcessedPicture process(Picture picture) const override {
    const Size size = target(picture.height, picture.width);
    picture = resized(std::move(picture), size.width, size.height, settings_.filter);
    ProcessedPicture processed;
    processed.images.push_back(cut_patches(picture, settings_, order_));
    return processed;
  }

 private:
  // Of pixels, whatever the keys' names say; the older key goes first.
  static int64_t area(const checkpoint::Config& config, std::string_view edge,
                      std::string_view pixels, int64_t other) {
    int64_t found = other;
    if (const auto size = config.child("size")) {
      found = size->integer_or(edge, found, 1, kMostPixels);
      found = size->integer_or(pixels, found, 1, kMostPixels);
    }
    return config.integer_or(pixels, found, 1, kMostPixels);
  }

  Size target(int64_t height, int64_t width) const {
    const auto block = static_cast<double>(block_);
    const auto lift = [&](int64_t& side, int64_t& other) {
      if (side >= block_) return;
      other = std::llrint(static_cast<double>(other * block_) / static_cast<double>(side));
      side = block_;
    };
    if (lifts_short_sides_) lift(height, width), lift(width, height);
    const auto h = static_cast<double>(height), w = static_cast<double>(width);
    if (std::max(h, w) / std::min(h, w) > kMostRatio) {
      throw Error(ErrorCode::kInvalidArgument,
                  "the picture is " + std::to_string(width) + " x " + std::to_string(height) +
                      "; this model takes none whose one side is more than 200 times the other");
    }
    // Halves to the even number, as Python rounds.
    Size size{std::llrint(h / block) * block_, std::llrint(w / block) * block_};
    if (size.height * size.width > most_) {
      const double shrink = std::sqrt(h * w / static_cast<double>(most_));
      const auto side = [&](double length) {
        return std::max(block_, static_cast<int64_t>(std::floor(length / shrink / block)) * block_);
      };
      size = {side(h), side(w)};
    } else if (size.height * size.width < least_) {
      const double grow = std::sqrt(static_cast<double>(least_) / (h * w));
      const auto side = [&](double length) {
        return static_cast<int64_t>(std::ceil(length * grow / block)) * block_;
      };
      size = {side(h), side(w)};
    }
    // A side that rounds to nothing, of a picture whose area is enough.
    return {std::max(size.height, block_), std::max(size.width, block_)};
  }

  PixelSettings settings_;
  PatchOrder order_;
  int64_t least_, most_, block_ = 0;
  bool lifts_short_sides_;
};

}  // namespace

ProcessorPointer make_qwen2_vl(const checkpoint::Config& config, const ModelSettings&) {
  const SmartDefaults defaults{.frames = 2,
                               .least = int64_t{56} * 56,
                               .most = int64_t{28} * 28 * 1280,
                               .lifts_short_sides = false,
                               .merge_order = true};
  return std::make_unique<SmartResize>(config, defaults);
}

ProcessorPointer make_paddleocr_vl(const checkpoint::Config& config, const ModelSettings&) {
  const SmartDefaults defaults{.frames = 1,
                               .least = int64_t{384} * 384,
                               .most = int64_t{1536} * 1536,
                               .lifts_short_sides = true,
                               .merge_order = false};
  return std::make_unique<SmartResize>(config, defaults);
}

}  // namespace vecton::media
