#include "engine/picture_reader.h"

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/files.h"
#include "media/decode.h"
#include "media/image_processor.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

[[noreturn]] void refuse(ErrorCode code, const std::string& message) {
  throw Error(code, message, "images");
}

// "data:image/png;base64,..." (RFC 2397); what kind of picture it is, its bytes tell.
std::string data_of(std::string_view uri) {
  const size_t comma = uri.find(',');
  if (comma == std::string_view::npos || !uri.substr(0, comma).ends_with(";base64"))
    refuse(ErrorCode::kInvalidArgument,
           "a data: URI: expected data:image/png;base64, and base64 of the picture's bytes");
  std::optional<std::string> bytes = base::decode_base64(uri.substr(comma + 1));
  if (!bytes)
    refuse(ErrorCode::kInvalidArgument, "a data: URI: what follows the comma is no base64");
  return *std::move(bytes);
}

std::string file_of(const std::string& path, int64_t most) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || !base::is_file(path)) refuse(ErrorCode::kNotFound, path + ": there is no such file");
  if (static_cast<int64_t>(size) > most)
    refuse(ErrorCode::kInvalidArgument, path + ": the file has " + std::to_string(size) +
                                            " bytes; at most " + std::to_string(most) +
                                            " are read");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file) refuse(ErrorCode::kNotFound, path + ": can't be read");
  return std::move(bytes).str();
}

media::Picture decode(const Image& picture) {
  const media::PictureLimits limits;
  const std::string& source = picture.source;
  if (!picture.bytes.empty()) return media::decode(picture.bytes, limits, "the picture");
  if (source.empty())
    refuse(ErrorCode::kInvalidArgument, "an image has neither bytes nor a source");
  if (source.starts_with("data:")) return media::decode(data_of(source), limits, "the picture");
  if (source.starts_with("http://") || source.starts_with("https://"))
    refuse(
        ErrorCode::kUnsupported,
        "nothing is fetched over the network: expected the picture's bytes, a path or a data: URI");
  return media::decode(file_of(source, limits.bytes), limits, source);
}

}  // namespace

PictureReader make_picture_reader(const Plan& plan) {
  if (!plan.images) return {};
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
