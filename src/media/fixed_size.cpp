// SiglipImageProcessor (PaliGemma's and ColPali's too), Gemma3ImageProcessor and
// CLIPImageProcessor.
#include <algorithm>
#include <utility>

#include "base/json.h"
#include "media/processor_settings.h"
#include "media/processors.h"
#include "vecton/error.h"

namespace vecton::media {

namespace {

struct FixedDefaults {
  ProcessorDefaults pixels;
  std::optional<Size> size;
  std::optional<int64_t> shortest_edge;
  std::optional<Size> crop;
  int64_t patch;
};

// The middle of the picture; where it is smaller than that, black around it.
Picture cropped(const Picture& picture, const Size& size) {
  const auto begin = [](int64_t spare) { return spare >= 0 ? spare / 2 : -((1 - spare) / 2); };
  const int64_t top = begin(picture.height - size.height);
  const int64_t left = begin(picture.width - size.width);
  const int64_t from = std::max<int64_t>(left, 0);
  const int64_t end = std::min(left + size.width, picture.width);
  Picture out(size.width, size.height);
  for (int64_t y = std::max<int64_t>(-top, 0); y < std::min(size.height, picture.height - top); ++y)
    std::copy(picture.row(y + top) + from * 3, picture.row(y + top) + end * 3,
              out.row(y) + (from - left) * 3);
  return out;
}

class FixedSize final : public ImageProcessor {
 public:
  FixedSize(const checkpoint::Config& config, const ModelSettings& model,
            const FixedDefaults& defaults)
      : settings_(config, defaults.pixels), order_{.patch = model.patch.value_or(defaults.patch)} {
    if (config.has("size")) {
      size_ = read_size(config, "size");
      shortest_edge_ = read_edge(config, "size", "shortest_edge");
      // CLIP's oldest files have one number for the shorter side.
      if (defaults.shortest_edge && config.raw("size")->is_number())
        shortest_edge_ = std::exchange(size_, std::nullopt)->height;
    } else {
      size_ = defaults.size, shortest_edge_ = defaults.shortest_edge;
    }
    if (config.boolean_or("do_center_crop", defaults.crop.has_value()))
      crop_ = config.has("crop_size") ? read_size(config, "crop_size") : defaults.crop;
    config.ignore({"crop_size", "do_pad", "pad_size"});  // to the size that all pictures have
    config.require("use_square_size", false);
    if (!size_ && !shortest_edge_) {
      throw Error(ErrorCode::kUnsupported,
                  config.file() + ": size has to have height and width, or shortest_edge");
    }
    if (shortest_edge_ && !crop_) {
      throw Error(ErrorCode::kUnsupported,
                  config.file() +
                      ": do_center_crop has to be true, with a crop_size of height "
                      "and width, where size has a shortest_edge: the model takes "
                      "pictures of one size");
    }
    const Size last = crop_ ? *crop_ : *size_;
    if (std::min(last.height, last.width) < order_.patch) {
      throw Error(ErrorCode::kUnsupported, config.file() + ": " + (crop_ ? "crop_size" : "size") +
                                               " is less than a patch, whose sides have " +
                                               std::to_string(order_.patch));
    }
  }

  ProcessedPicture process(Picture picture) const override {
    const Size size = size_ ? *size_ : by_shortest_edge(picture);
    picture = resized(std::move(picture), size.width, size.height, settings_.filter);
    if (crop_) picture = cropped(picture, *crop_);
    ProcessedPicture processed;
    processed.images.push_back(cut_patches(picture, settings_, order_));
    return processed;
  }

 private:
  Size by_shortest_edge(const Picture& picture) const {
    const int64_t shorter = std::min(picture.width, picture.height);
    const int64_t longer = std::max(picture.width, picture.height);
    const auto other = static_cast<int64_t>(static_cast<double>(*shortest_edge_ * longer) /
                                            static_cast<double>(shorter));
    return picture.width <= picture.height ? Size{other, *shortest_edge_}
                                           : Size{*shortest_edge_, other};
  }

  PixelSettings settings_;
  PatchOrder order_;
  std::optional<Size> size_, crop_;
  std::optional<int64_t> shortest_edge_;
};

}  // namespace

ProcessorPointer make_siglip(const checkpoint::Config& config, const ModelSettings& model) {
  const FixedDefaults defaults{.pixels = {}, .size = Size{224, 224}, .patch = 16};
  return std::make_unique<FixedSize>(config, model, defaults);
}

ProcessorPointer make_gemma3(const checkpoint::Config& config, const ModelSettings& model) {
  config.require("do_pan_and_scan", false);
  config.ignore({"pan_and_scan_min_crop_size", "pan_and_scan_max_num_crops",
                 "pan_and_scan_min_ratio_to_activate"});
  const FixedDefaults defaults{
      .pixels = {.filter = Filter::kBilinear}, .size = Size{224, 224}, .patch = 14};
  return std::make_unique<FixedSize>(config, model, defaults);
}

ProcessorPointer make_clip(const checkpoint::Config& config, const ModelSettings& model) {
  const FixedDefaults defaults{.pixels = {.mean = kClipMean, .std = kClipStd},
                               .shortest_edge = 224,
                               .crop = Size{224, 224},
                               .patch = 32};
  return std::make_unique<FixedSize>(config, model, defaults);
}

}  // namespace vecton::media
