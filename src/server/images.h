// Images in the bodies of requests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/dialect.h"

namespace vecton::server {

// A text with the images that come before it.
struct Item {
  std::string text{};
  std::vector<Image> images{};
};

// Throws Failure unless the loaded model reads images; `where` is the field.
void require_images(const Context& context, const std::string& where);

// The image of a text: a data: URI, a URL, which the engine reads where its options allow that, or
// base64 of a picture's bytes. Paths and other URIs are a Failure.
Image image_of(const std::string& where, std::string_view text);

// Whether the part of a content holds an image: {"type": "image_url", "image_url": {"url": text}},
// {"type": "input_image", "image_url": text}, {"type": "image", "image": text}.
bool is_image(const json::object& part);
Image image_of_part(const std::string& where, const json::object& part);

}  // namespace vecton::server
