// Images in the messages of a chat.
#pragma once

#include <string>
#include <vector>

#include "vecton/request.h"

namespace vecton::engine {

struct ChatImages {
  // With {"type": "image"}, as chat templates read it, for each part that holds or stands for one.
  std::string messages;
  std::vector<Image> images;  // in their order
};

// `images`: those that the parts without a source stand for. Throws Error (kInvalidArgument) for a
// part of another kind of media, for a source that is neither a data: URI nor a URL, and where
// there are more of `images` or fewer.
ChatImages take_images(const std::string& messages, const std::vector<Image>& images);

// Of a model that takes text, by its architecture: throws Error (kInvalidArgument) that says so.
[[noreturn]] void refuse_images(const std::string& architecture, const std::vector<Image>& images);

// The text of the only message, whose role is user: its parts of text put together. Of models whose
// prompts are not a template's. Throws Error (kInvalidArgument) where there are more.
std::string only_text(const std::string& messages);

}  // namespace vecton::engine
