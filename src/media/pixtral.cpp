// PixtralImageProcessor as PixtralProcessor calls it: the picture's own shape, no side longer than
// is said, in whole blocks of the patches that the model merges.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "media/processor_settings.h"
#include "media/processors.h"
#include "vecton/error.h"

namespace vecton::media {

namespace {

class Pixtral final : public ImageProcessor {
 public:
  Pixtral(const checkpoint::Config& config, const ModelSettings& model)
      : settings_(config, {.mean = kClipMean, .std = kClipStd}) {
    order_.patch = model.patch.value_or(16);
    if (model.processor) check(*model.processor, model);
    block_ = order_.patch * model.merge.value_or(1);
    if (const auto edge = read_edge(config, "size", "longest_edge")) {
      most_ = {*edge, *edge};
    } else if (const auto size = read_size(config, "size")) {
      most_ = *size;
    } else if (config.has("size")) {
      throw Error(ErrorCode::kUnsupported,
                  config.file() + ": size has to have longest_edge, or height and width");
    }
    // Said again, of which PixtralProcessor takes what processor_config.json has.
    const std::optional<Size> patch = read_size(config, "patch_size");
    if (patch && (patch->height != patch->width ||
                  (patch->height != order_.patch && patch->height != block_))) {
      throw Error(ErrorCode::kUnsupported, config.file() + ": patch_size has to be " +
                                               std::to_string(order_.patch) +
                                               ", as config.json has it");
    }
    config.require("do_center_crop", false);
    config.ignore({"crop_size", "do_pad", "pad_size"});  // of pictures of other sizes in one batch
  }

  ProcessedPicture process(Picture picture) const override {
    const Size size = target(picture);
    picture = resized(std::move(picture), size.width, size.height, settings_.filter);
    ProcessedPicture processed;
    processed.images.push_back(cut_patches(picture, settings_, order_));
    return processed;
  }

 private:
  // What PixtralProcessor has of its own is what the model has, and how the prompt is written.
  static void check(const checkpoint::Config& processor, const ModelSettings& model) {
    if (model.patch) processor.require("patch_size", *model.patch);
    processor.require("spatial_merge_size", model.merge.value_or(1));
    processor.require("image_token", "[IMG]");
    processor.require("image_break_token", "[IMG_BREAK]");
    processor.require("image_end_token", "[IMG_END]");
  }

  Size target(const Picture& picture) const {
    Size size{picture.height, picture.width};
    const auto h = static_cast<double>(size.height), w = static_cast<double>(size.width);
    const double ratio =
        std::max(h / static_cast<double>(most_.height), w / static_cast<double>(most_.width));
    if (ratio > 1) {
      size = {static_cast<int64_t>(std::floor(h / ratio)),
              static_cast<int64_t>(std::floor(w / ratio))};
    }
    if (size.height < 1 || size.width < 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  "the picture is " + std::to_string(picture.width) + " x " +
                      std::to_string(picture.height) +
                      "; one side would be less than a pixel where the other is as long as this "
                      "model takes it");
    }
    const auto up = [&](int64_t side) { return (side + block_ - 1) / block_ * block_; };
    return {up(size.height), up(size.width)};
  }

  PixelSettings settings_;
  PatchOrder order_;
  int64_t block_ = 0;
  Size most_{1024, 1024};
};

}  // namespace

ProcessorPointer make_pixtral(const checkpoint::Config& config, const ModelSettings& model) {
  return std::make_unique<Pixtral>(config, model);
}

}  // namespace vecton::media
