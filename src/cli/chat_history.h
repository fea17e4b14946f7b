// ChatHistory: the messages of a conversation, as chat templates take them; and reading what a user
// types.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "vecton/request.h"

namespace vecton::cli {

class ChatHistory {
 public:
  explicit ChatHistory(std::string system) : system_(std::move(system)) {}

  void set_system(std::string text) { system_ = std::move(text); }
  // `images`: before the text.
  void add(std::string role, std::string content, std::vector<Image> images = {});
  void take_back() { turns_.pop_back(); }  // the last message
  void reset() { turns_.clear(); }

  // JSON: a list of {"role", "content"}; with images the content is a list of parts.
  std::string messages() const;
  std::vector<Image> images() const;  // of all messages, in order

 private:
  std::string system_;  // empty = none
  struct Turn {
    std::string role, content;
    std::vector<Image> images;
  };
  std::vector<Turn> turns_;
};

// Lines up to one that does not end with a backslash; false at the end of the input. `prompt` is
// printed before each.
bool read_turn(std::istream& in, const std::string& prompt, std::string& text);

}  // namespace vecton::cli
