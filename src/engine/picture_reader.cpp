#include "engine/picture_reader.h"

#include <utility>

#include "base/json.h"
#include "media/decode.h"
#include "media/image_processor.h"
#include "media/source.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

media::Picture decode(const Image& picture, const media::SourceOptions& sources,
                      FetchedPictures* fetched) {
  const media::PictureLimits limits;
  constexpr const char* kWhat = "the picture";
  if (!picture.bytes.empty()) return media::decode(picture.bytes, limits, kWhat);
  if (picture.source.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "an image has neither bytes nor a source", "images");
  }
  const auto read = [&] { return media::read_source(picture.source, sources, kWhat); };
  const bool shared = fetched && !media::host_of(picture.source).empty();
  return shared ? media::decode(*fetched->get(picture.source, read), limits, kWhat)
                : media::decode(read(), limits, kWhat);
}

json::object overrides_of(const Plan& plan) {
  if (plan.mm_processor_kwargs.empty()) return {};
  return base::parse_json(plan.mm_processor_kwargs, "mm_processor_kwargs").as_object();
}

media::SourceOptions sources_of(const EngineOptions& options) {
  const std::chrono::duration<double> timeout(options.image_fetch_timeout);
  return {.allowed_path = options.allowed_local_media_path,
          .allowed_domains = options.allowed_media_domains,
          .max_bytes = media::PictureLimits().bytes,
          .timeout = std::chrono::duration_cast<std::chrono::milliseconds>(timeout)};
}

}  // namespace

PictureReader make_picture_reader(const Plan& plan, const EngineOptions& options) {
  if (!plan.images) return {};
  if (!media::has_image_processor(plan.weights)) {
    return [](const Image&, FetchedPictures*) -> PreparedPicture {
      throw Error(ErrorCode::kInvalidArgument,
                  "the checkpoint does not say how pictures are prepared: it has neither "
                  "preprocessor_config.json nor an image_processor in processor_config.json",
                  "images");
    };
  }
  std::shared_ptr<const media::ImageProcessor> processor =
      media::open_image_processor(plan.weights, overrides_of(plan));
  return [processor = std::move(processor), sources = sources_of(options)](
             const Image& picture, FetchedPictures* fetched) {
    media::ProcessedPicture processed = processor->process(decode(picture, sources, fetched));
    return PreparedPicture{.images = std::move(processed.images),
                           .tile_rows = processed.tile_rows,
                           .tile_columns = processed.tile_columns};
  };
}

}  // namespace vecton::engine
