#include "engine/picture_reader.h"

#include <utility>

#include "media/decode.h"
#include "media/image_processor.h"
#include "media/source.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

media::Picture decode(const Image& picture) {
  const media::PictureLimits limits;
  constexpr const char* kWhat = "the picture";
  if (!picture.bytes.empty()) return media::decode(picture.bytes, limits, kWhat);
  if (picture.source.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "an image has neither bytes nor a source", "images");
  }
  const media::SourceOptions options{.max_bytes = limits.bytes};  // files and data: URIs
  return media::decode(media::read_source(picture.source, options, kWhat), limits, kWhat);
}

}  // namespace

PictureReader make_picture_reader(const Plan& plan) {
  if (!plan.images) return {};
  if (!media::has_image_processor(plan.weights)) {
    return [](const Image&) -> PreparedPicture {
      throw Error(ErrorCode::kInvalidArgument,
                  "the checkpoint does not say how pictures are prepared: it has neither "
                  "preprocessor_config.json nor an image_processor in processor_config.json",
                  "images");
    };
  }
  std::shared_ptr<const media::ImageProcessor> processor =
      media::open_image_processor(plan.weights);
  return [processor = std::move(processor)](const Image& picture) {
    media::ProcessedPicture processed = processor->process(decode(picture));
    return PreparedPicture{.images = std::move(processed.images),
                           .tile_rows = processed.tile_rows,
                           .tile_columns = processed.tile_columns};
  };
}

}  // namespace vecton::engine
