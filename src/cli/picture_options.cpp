#include "cli/picture_options.h"

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "base/json.h"
#include "cli/failure.h"
#include "cli/foreign_options.h"

namespace vecton::cli {

namespace {

[[noreturn]] void wrong_limits(const std::string& given) {
  throw Failure(ExitStatus::kUsage,
                "--limit-mm-per-prompt: expected numbers by kind, as '{\"image\": 4}' or image=4, "
                "found " +
                    given);
}

json::object parsed_limits(const std::string& given) {
  boost::system::error_code error;
  json::value parsed = json::parse(given, error);
  if (!error && parsed.is_object()) return parsed.get_object();
  json::object limits;  // image=4,video=0
  for (const std::string& limit : split(given, ',')) {
    const size_t equals = limit.find('=');
    if (equals == std::string::npos) wrong_limits(given);
    limits[limit.substr(0, equals)] = json::parse(limit.substr(equals + 1), error);
    if (error) wrong_limits(given);
  }
  return limits;
}

// What a request may have of images; nothing else is read but text, whatever its limit.
std::optional<int64_t> image_limit(const std::string& given) {
  std::optional<int64_t> images;
  for (const auto& [kind, limit] : parsed_limits(given)) {
    if (kind != "image" && kind != "video" && kind != "audio" && kind != "vision_chunk")
      wrong_limits(given);
    const json::object* options = limit.if_object();  // {"count": 4, "width": 512, ...}
    const json::value* count = options ? options->if_contains("count") : &limit;
    if (!count) continue;
    if (!count->is_int64() || count->get_int64() < 0) wrong_limits(given);
    if (kind == "image") images = count->get_int64();
  }
  return images;
}

void check_media_io(const std::string& given) {
  boost::system::error_code error;
  const json::value parsed = json::parse(given, error);
  const json::object* kinds = error ? nullptr : parsed.if_object();
  const json::value* image = kinds ? kinds->if_contains("image") : nullptr;
  const bool none = !image || (image->is_object() && image->get_object().empty());
  if (kinds && none) return;  // videos and sounds are not read
  throw Failure(ExitStatus::kUsage,
                "--media-io-kwargs: expected a JSON object without settings of \"image\": pictures "
                "are decoded to RGB without their transparency, found " +
                    given);
}

}  // namespace

void add_picture_options(CLI::App& app, EngineOptions& options) {
  const auto group = "Pictures";
  app.add_option("--allowed-media-domains", options.allowed_media_domains,
                 "Host that pictures may be fetched from; may be given again; '*' = all with a "
                 "public address [none]")
      ->type_name("HOST")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--allowed-local-media-path", options.allowed_local_media_path,
                 "Folder that file: URLs of pictures may lie in [none]")
      ->type_name("FOLDER")
      ->group(group);
  app.add_option_function<std::string>(
         "--limit-mm-per-prompt",
         [&options](const std::string& given) {
           if (const auto limit = image_limit(given)) options.limit_images = *limit;
         },
         "Images that a request may have, as '{\"image\": 4}' or image=4 [32]")
      ->type_name("JSON")
      ->group(group);
  app.add_option_function<std::string>(
         "--media-io-kwargs", check_media_io,
         "vLLM's settings of decoders; those of pictures are refused, others are of what is not "
         "read")
      ->type_name("JSON")
      ->group(group);
}

}  // namespace vecton::cli
