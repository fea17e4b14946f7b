// Idefics3ImageProcessor: tiles of one size, and the whole picture in one tile.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "media/processor_settings.h"
#include "media/processors.h"
#include "vecton/error.h"

namespace vecton::media {

namespace {

constexpr int64_t kMostLongEdge = 4096;

class Idefics3 final : public ImageProcessor {
 public:
  Idefics3(const checkpoint::Config& config, const ModelSettings& model)
      : settings_(config, {.filter = Filter::kLanczos}),
        longest_edge_(read_edge(config, "size", "longest_edge")),
        split_(config.boolean_or("do_image_splitting", true)) {
    if (config.has("size")) {
      size_ = read_size(config, "size");
    } else {
      longest_edge_ = 4 * 364;
    }
    if (!longest_edge_ && !size_) {
      throw Error(ErrorCode::kUnsupported,
                  config.file() + ": size has to have longest_edge, or height and width");
    }
    tile_ = config.has("max_image_size")
                ? config.child("max_image_size")->integer("longest_edge", 1, kMostLongEdge)
                : 364;
    if (!model.patch) {
      throw Error(ErrorCode::kUnsupported,
                  "config.json: vision_config.patch_size is needed to cut a picture into patches");
    }
    order_.patch = *model.patch;
    if (tile_ < order_.patch) {
      throw Error(ErrorCode::kUnsupported,
                  config.file() + ": max_image_size is less than a patch, whose sides have " +
                      std::to_string(order_.patch));
    }
    config.require("do_center_crop", false);
    // Padding is of pictures of other sizes in one batch.
    config.ignore({"do_pad", "pad_size", "crop_size", "return_row_col_info"});
  }

  ProcessedPicture process(Picture picture) const override {
    const Size first = size_ ? *size_ : by_longest_edge(picture);
    picture = resized(std::move(picture), first.width, first.height, settings_.filter);
    if (!split_) return whole(std::move(picture));
    const Size tiled = up_to_tiles(picture);
    picture = resized(std::move(picture), tiled.width, tiled.height, settings_.filter);
    ProcessedPicture processed;
    if (tiled.height <= tile_ && tiled.width <= tile_) {
      processed.images.push_back(cut_patches(picture, settings_, order_));
      return processed;
    }
    processed.tile_rows = tiled.height / tile_;
    processed.tile_columns = tiled.width / tile_;
    Picture tile(tile_, tile_);
    for (int64_t top = 0; top < tiled.height; top += tile_) {
      for (int64_t left = 0; left < tiled.width; left += tile_) {
        for (int64_t y = 0; y < tile_; ++y)
          std::copy_n(picture.row(top + y) + left * 3, tile_ * 3, tile.row(y));
        processed.images.push_back(cut_patches(tile, settings_, order_));
      }
    }
    processed.images.push_back(std::move(whole(std::move(picture)).images[0]));
    return processed;
  }

 private:
  ProcessedPicture whole(Picture picture) const {
    ProcessedPicture processed;
    processed.images.push_back(cut_patches(
        resized(std::move(picture), tile_, tile_, settings_.filter), settings_, order_));
    return processed;
  }

  // The longer side as it is said, the other made even; neither above the most.
  Size by_longest_edge(const Picture& picture) const {
    const double ratio = static_cast<double>(picture.width) / static_cast<double>(picture.height);
    int64_t width = *longest_edge_, height = *longest_edge_;
    if (picture.width >= picture.height) {
      height = static_cast<int64_t>(static_cast<double>(width) / ratio);
      height += height % 2;
    } else {
      width = static_cast<int64_t>(static_cast<double>(height) * ratio);
      width += width % 2;
    }
    height = std::max<int64_t>(height, 1), width = std::max<int64_t>(width, 1);
    const double now = static_cast<double>(width) / static_cast<double>(height);
    if (width >= height && width > kMostLongEdge) {
      width = kMostLongEdge;
      height = static_cast<int64_t>(static_cast<double>(width) / now);
    } else if (height > width && height > kMostLongEdge) {
      height = kMostLongEdge;
      width = static_cast<int64_t>(static_cast<double>(height) * now);
    }
    return {std::max<int64_t>(height, 1), std::max<int64_t>(width, 1)};
  }

  Size up_to_tiles(const Picture& picture) const {
    const double ratio = static_cast<double>(picture.width) / static_cast<double>(picture.height);
    const auto up = [&](int64_t side) { return (side + tile_ - 1) / tile_ * tile_; };
    if (picture.width >= picture.height) {
      const int64_t width = up(picture.width);
      return {up(static_cast<int64_t>(static_cast<double>(width) / ratio)), width};
    }
    const int64_t height = up(picture.height);
    return {height, up(static_cast<int64_t>(static_cast<double>(height) * ratio))};
  }

  PixelSettings settings_;
  PatchOrder order_;
  std::optional<int64_t> longest_edge_;
  std::optional<Size> size_;
  int64_t tile_ = 0;
  bool split_;
};

}  // namespace

ProcessorPointer make_idefics3(const checkpoint::Config& config, const ModelSettings& model) {
  return std::make_unique<Idefics3>(config, model);
}

}  // namespace vecton::media
