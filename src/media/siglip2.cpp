// Siglip2ImageProcessor (NaFlex): the picture's own shape, with as many patches as the budget has.
#include <algorithm>
#include <cmath>
#include <utility>

#include "media/processor_settings.h"
#include "media/processors.h"

namespace vecton::media {

namespace {

class Siglip2 final : public ImageProcessor {
 public:
  explicit Siglip2(const checkpoint::Config& config)
      : settings_(config, {.filter = Filter::kBilinear}),
        order_{.patch = config.integer_or("patch_size", 16, 1, kMostSide), .channels_last = true},
        most_patches_(config.integer_or("max_num_patches", 256, 1, 1 << 20)) {
    config.require("do_center_crop", false);
    config.ignore({"do_pad", "pad_size", "crop_size"});  // rows of padding, which none reads
    config.require("size", nullptr);
  }

  ProcessedPicture process(Picture picture) const override {
    const double scale = largest_scale(picture);
    const int64_t width = side(picture.width, scale), height = side(picture.height, scale);
    picture = resized(std::move(picture), width, height, settings_.filter);
    ProcessedPicture processed;
    processed.images.push_back(cut_patches(picture, settings_, order_));
    return processed;
  }

 private:
  int64_t side(int64_t length, double scale) const {
    const auto patch = static_cast<double>(order_.patch);
    const auto patches =
        static_cast<int64_t>(std::ceil(static_cast<double>(length) * scale / patch));
    return std::max<int64_t>(patches, 1) * order_.patch;
  }

  // By bisection, as the reference finds it.
  double largest_scale(const Picture& picture) const {
    constexpr double kNear = 1e-5;
    double least = kNear / 10, most = 100;
    while (most - least >= kNear) {
      const double scale = (least + most) / 2;
      const int64_t patches =
          side(picture.height, scale) / order_.patch * (side(picture.width, scale) / order_.patch);
      (patches <= most_patches_ ? least : most) = scale;
    }
    return least;
  }

  PixelSettings settings_;
  PatchOrder order_;
  int64_t most_patches_;
};

}  // namespace

ProcessorPointer make_siglip2(const checkpoint::Config& config, const ModelSettings&) {
  return std::make_unique<Siglip2>(config);
}

}  // namespace vecton::media
