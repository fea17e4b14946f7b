#include "media/processor_settings.h"

#include <cstring>
#include <string>

#include "base/json.h"
#include "checkpoint/digest.h"
#include "vecton/error.h"

namespace vecton::media {

namespace {

[[noreturn]] void refuse(const checkpoint::Config& config, std::string_view key,
                         const std::string& wanted) {
  throw Error(ErrorCode::kUnsupported,
              config.file() + ": " + std::string(key) + " has to be " + wanted);
}

// A number for all channels, or one for each.
Colour read_colour(const checkpoint::Config& config, std::string_view key, const Colour& other) {
  const json::value* value = config.raw(key);
  if (!value) return other;
  Colour colour{};
  const auto number = [&](const json::value& of) {
    if (!of.is_number()) refuse(config, key, "a number, or three");
    return of.to_number<double>();
  };
  if (const json::array* list = value->if_array()) {
    if (list->size() != 3) refuse(config, key, "a number, or three: pictures are RGB");
    for (size_t c = 0; c < 3; ++c) colour[c] = number((*list)[c]);
  } else {
    colour.fill(number(*value));
  }
  return colour;
}

Filter read_filter(const checkpoint::Config& config, Filter other) {
  const json::value* value = config.raw("resample");
  if (!value) return other;
  const int64_t number = value->is_int64() ? value->get_int64() : -1;
  if (number < 1 || number > 5)
    refuse(config, "resample",
           "1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (Hamming), not " +
               json::serialize(*value));
  return static_cast<Filter>(number);
}

std::array<uint64_t, 2> digest(const Picture& picture, int64_t rows, int64_t columns) {
  const int64_t numbers[] = {rows, columns, picture.width, picture.height};
  hub::Digest sha256(EVP_sha256());
  sha256.add(numbers, sizeof numbers);
  sha256.add(picture.rgb.data(), picture.rgb.size());
  const std::string bytes = sha256.bytes();
  std::array<uint64_t, 2> digest;
  std::memcpy(digest.data(), bytes.data(), sizeof digest);
  return digest;
}

}  // namespace

PixelSettings::PixelSettings(const checkpoint::Config& config, const ProcessorDefaults& defaults)
    : filter(read_filter(config, defaults.filter)) {
  config.require("do_resize", true);
  config.require("do_rescale", true);
  // Of one picture alone, and of RGB, these change nothing.
  config.ignore({"do_convert_rgb", "default_to_square", "data_format", "input_data_format",
                 "return_tensors", "device", "disable_grouping", "image_seq_length",
                 "processor_class", "auto_map", "image_processor_type", "feature_extractor_type",
                 "_valid_processor_keys", "num_channels", "_processor_class"});
  // Of texts (Nemotron ColEmbed VL): the prompts are as these prefixes say; where its processor
  // cuts texts they are read whole here.
  config.require("query_prefix", "query:");
  config.require("passage_prefix", "passage:");
  config.ignore({"q_max_length", "p_max_length"});
  const double factor = config.number_or("rescale_factor", 1.0 / 255);
  const Colour mean = read_colour(config, "image_mean", defaults.mean);
  const Colour std = read_colour(config, "image_std", defaults.std);
  const bool normalised = config.boolean_or("do_normalize", true);
  for (size_t c = 0; c < 3; ++c) {
    if (static_cast<float>(std[c]) == 0) refuse(config, "image_std", "other than 0");
    for (size_t level = 0; level < 256; ++level) {
      const auto value = static_cast<float>(static_cast<double>(level) * factor);
      values[c][level] =
          normalised ? (value - static_cast<float>(mean[c])) / static_cast<float>(std[c]) : value;
    }
  }
}

std::optional<Size> read_size(const checkpoint::Config& config, std::string_view key) {
  const json::value* value = config.raw(key);
  if (!value) return std::nullopt;
  if (value->is_number()) {
    const int64_t side = config.integer(key, 1, kMostSide);
    return Size{side, side};
  }
  const auto size = config.child(key);
  if (!size || !size->has("height")) return std::nullopt;
  return Size{size->integer("height", 1, kMostSide), size->integer("width", 1, kMostSide)};
}

std::optional<int64_t> read_edge(const checkpoint::Config& config, std::string_view key,
                                 std::string_view edge) {
  const json::value* value = config.raw(key);
  if (!value || !value->is_object()) return std::nullopt;
  const auto size = config.child(key);
  if (!size->has(edge)) return std::nullopt;
  return size->integer(edge, 1, kMostSide);
}

tensor::Image cut_patches(const Picture& picture, const PixelSettings& settings,
                          const PatchOrder& order) {
  const int64_t patch = order.patch, merge = order.merge, area = patch * patch;
  const int64_t values = 3 * order.frames * area;
  tensor::Image image;
  image.rows = picture.height / patch;
  image.columns = picture.width / patch;
  image.patches.resize(static_cast<size_t>(image.count() * values));
  image.digest = digest(picture, image.rows, image.columns);
  float* to = image.patches.data();
  // Of a value's channel, and of the pixels to the right.
  const int64_t by_channel = order.channels_last ? 1 : order.frames * area;
  const int64_t by_column = order.channels_last ? 3 : 1;
  const auto cut = [&](int64_t row, int64_t column) {
    for (int64_t y = 0; y < patch; ++y) {
      const uint8_t* from = picture.row(row * patch + y) + column * patch * 3;
      float* line = to + y * patch * by_column;
      if (order.channels_last) {
        for (int64_t x = 0; x < 3 * patch; x += 3)
          for (int64_t c = 0; c < 3; ++c)
            line[x + c] = settings.values[static_cast<size_t>(c)][from[x + c]];
        continue;
      }
      for (int64_t c = 0; c < 3; ++c) {
        const float* table = settings.values[static_cast<size_t>(c)].data();
        float* plane = line + c * by_channel;
        for (int64_t x = 0; x < patch; ++x) plane[x] = table[from[x * 3 + c]];
      }
    }
    for (int64_t c = 0; c < 3 && order.frames > 1; ++c) {
      float* first = to + c * by_channel;
      for (int64_t frame = 1; frame < order.frames; ++frame)
        std::memcpy(first + frame * area, first, static_cast<size_t>(area) * sizeof(float));
    }
    to += values;
  };
  for (int64_t top = 0; top < image.rows; top += merge)
    for (int64_t left = 0; left < image.columns; left += merge)
      for (int64_t place = 0; place < merge * merge; ++place)
        cut(top + place / merge, left + place % merge);
  return image;
}

}  // namespace vecton::media
