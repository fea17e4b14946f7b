#include "server/images.h"

#include <algorithm>

namespace vecton::server {

namespace {

constexpr std::string_view kImageTypes[] = {"image_url", "input_image", "image"};

// The text under one of the names, or in an object there, under "url".
const json::value* source_of(const json::object& part) {
  for (const char* name : {"image_url", "image", "url", "source"}) {
    const json::value* value = part.if_contains(name);
    if (!value || value->is_null()) continue;
    return value->is_object() ? value->get_object().if_contains("url") : value;
  }
  return nullptr;
}

}  // namespace

void require_images(const Context& context, const std::string& where) {
  if (context.info.images) return;
  throw Failure(Cause::kInvalid,
                "MultiModalParam is not supported for " + context.info.architecture +
                    ": the loaded model takes text",
                where);
}

Image image_of(const std::string& where, std::string_view text) {
  for (const std::string_view scheme : {"data:", "http://", "https://", "file://"})
    if (text.starts_with(scheme)) return {.source = std::string(text)};
  constexpr std::string_view kOther =
      "expected a data: URI (data:image/png;base64,...), base64 of a picture, or a URL (http, "
      "https, file)";
  const bool base64 = !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' ||
           c == '/' || c == '=' || c == '\n' || c == '\r';
  });
  constexpr size_t kLeast = 32;  // no picture is smaller, and few paths are longer and look so
  if (base64 && text.size() >= kLeast && text[0] != '/')
    return {.source = "data:;base64," + std::string(text)};
  // JPEG's base64 begins with a slash.
  if (base64 && text.starts_with("/9j/")) return {.source = "data:;base64," + std::string(text)};
  throw Failure(Cause::kInvalid, where + ": " + std::string(kOther), where);
}

bool is_image(const json::object& part) {
  const json::value* type = part.if_contains("type");
  return type && type->is_string() &&
         std::ranges::find(kImageTypes, std::string_view(type->get_string())) !=
             std::end(kImageTypes);
}

Image image_of_part(const std::string& where, const json::object& part) {
  const json::value* source = source_of(part);
  if (source && source->is_string()) return image_of(where, source->get_string());
  throw Failure(
      Cause::kInvalid,
      where +
          R"(: expected {"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}})",
      where);
}

}  // namespace vecton::server
