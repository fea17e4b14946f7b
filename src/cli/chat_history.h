// ChatHistory: the messages of a conversation, as chat templates take them; and reading what a user
// types.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace vecton::cli {

class ChatHistory {
 public:
  explicit ChatHistory(std::string system) : system_(std::move(system)) {}

  void set_system(std::string text) { system_ = std::move(text); }
  void add(std::string role, std::string content);
  void take_back() { turns_.pop_back(); }  // the last message
  void reset() { turns_.clear(); }

  std::string messages() const;  // JSON: a list of {"role", "content"}

 private:
  std::string system_;  // empty = none
  std::vector<std::pair<std::string, std::string>> turns_;
};

// Lines up to one that does not end with a backslash; false at the end of the input. `prompt` is
// printed before each.
bool read_turn(std::istream& in, const std::string& prompt, std::string& text);

}  // namespace vecton::cli
