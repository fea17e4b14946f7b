#include "engine/chat_images.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/counted.h"
#include "base/json.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

constexpr const char* kField = "messages";

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message, kField);
}

std::string_view type_of(const json::object& part) {
  const json::value* type = part.if_contains("type");
  return type && type->is_string() ? std::string_view(type->get_string()) : std::string_view();
}

// Where the image of a part is; null where the part says nothing of it.
const json::value* source_of(const json::object& part) {
  for (const char* name : {"image_url", "image", "url"}) {
    const json::value* source = part.if_contains(name);
    if (!source || source->is_null()) continue;
    if (!source->is_object()) return source;
    return source->get_object().if_contains("url");
  }
  return nullptr;
}

bool has_picture(const json::object& part) {
  return std::ranges::any_of(std::array{"image_url", "image"}, [&](const char* name) {
    const json::value* value = part.if_contains(name);
    return value && !value->is_null();
  });
}

// A part without a type is what it holds.
bool is_image(std::string_view type, const json::object& part) {
  if (type.empty()) return has_picture(part) && !part.contains("text");
  return type == "image" || type == "image_url" || type == "input_image";
}

// Conversations come from elsewhere: no paths, which a text may be mistaken for.
bool is_url(std::string_view source) {
  return std::ranges::any_of(std::array{"data:", "http://", "https://", "file://"},
                             [&](const char* scheme) { return source.starts_with(scheme); });
}

class Taker {
 public:
  explicit Taker(const std::vector<Image>& given) : given_(given) {}

  json::value taken(json::value messages) {
    if (!messages.is_array()) return messages;
    size_t index = 0;
    for (json::value& message : messages.get_array()) {
      where_ = "messages[" + std::to_string(index++) + "].content";
      json::object* object = message.if_object();
      json::value* content = object ? object->if_contains("content") : nullptr;
      if (!content || !content->is_array()) continue;
      for (json::value& part : content->get_array()) take(part);
    }
    if (used_ < given_.size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "images: the messages have " +
                      base::counted(static_cast<int64_t>(used_), "part") +
                      " of the type image without a source, and the request has " +
                      base::counted(std::ssize(given_), "image"),
                  "images");
    }
    return messages;
  }

  std::vector<Image> images;

 private:
  void take(json::value& part) {
    const json::object* object = part.if_object();
    if (!object) return;
    const std::string_view type = type_of(*object);
    if (!is_image(type, *object)) {
      const bool other =
          type == "file" ||
          std::ranges::any_of(std::array{"image", "video", "audio"}, [&](const char* medium) {
            return type.find(medium) != std::string_view::npos;
          });
      if (other)
        refuse(where_ + ": parts of type \"" + std::string(type.substr(0, 60)) +
               "\" are not supported: text and image_url are");
      if (has_picture(*object))
        refuse(where_ +
               ": a part is a text or an image, and one has both: expected a part of each");
      return;
    }
    const json::value* source = source_of(*object);
    if (source) {
      if (!source->is_string() || !is_url(source->get_string()))
        refuse(where_ + ": an image_url: expected a data: URI, or a URL (http, https, file)");
      images.push_back({.source = std::string(source->get_string())});
    } else if (used_ < given_.size()) {
      images.push_back(given_[used_++]);
    } else {
      refuse(where_ + ": a part of the type " + std::string(type) + " has no image: expected " +
             R"({"type": "image_url", "image_url": {"url": "data:..."}})");
    }
    part = json::object{{"type", "image"}};
  }

  const std::vector<Image>& given_;
  size_t used_ = 0;
  std::string where_;
};

}  // namespace

ChatImages take_images(const std::string& messages, const std::vector<Image>& images) {
  const bool may = messages.find("image") != std::string::npos ||
                   messages.find("video") != std::string::npos ||
                   messages.find("audio") != std::string::npos;
  if (!may && images.empty()) return {.messages = messages, .images = {}};
  Taker taker(images);
  json::value taken = taker.taken(base::parse_json(messages, kField));
  return {.messages = taker.images.empty() ? messages : json::serialize(taken),
          .images = std::move(taker.images)};
}

void refuse_images(const std::string& architecture, const std::vector<Image>& images) {
  throw Error(ErrorCode::kInvalidArgument,
              "images: " + architecture + " takes text, and the request has " +
                  base::counted(std::ssize(images), "image"),
              "images");
}

std::string only_text(const std::string& messages) {
  const json::value value = base::parse_json(messages, kField);
  const json::array* list = value.if_array();
  const json::object* message = list && list->size() == 1 ? list->front().if_object() : nullptr;
  const json::value* role = message ? message->if_contains("role") : nullptr;
  if (!role || *role != json::value("user"))
    refuse("messages: the model reads one message, of the role user");
  const json::value* content = message->if_contains("content");
  if (content && content->is_string()) return std::string(content->get_string());
  if (!content || !content->is_array()) refuse("messages[0].content: expected text, or parts");
  std::string text;
  for (const json::value& part : content->get_array()) {
    const json::object* object = part.if_object();
    const json::value* words = object ? object->if_contains("text") : nullptr;
    if (object && type_of(*object) == "image") continue;
    if (!words || !words->is_string()) refuse("messages[0].content: a part without text");
    text += words->get_string();
  }
  return text;
}

}  // namespace vecton::engine
