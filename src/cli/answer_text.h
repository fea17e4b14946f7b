// AnswerText: an answer of a conversation as it is written: thinking told from what is said, which
// alone becomes part of the conversation.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "parsers/answer_parser.h"

namespace vecton::cli {

class AnswerText {
 public:
  // How thinking is shown: not at all, or between two texts.
  struct Thinking {
    bool shown = false;
    std::string begin{}, end{};
  };

  AnswerText(parsers::ParserOptions options, Thinking thinking,
             std::function<void(std::string_view)> print);

  void add(std::string_view text) { show(parser_.feed(text)); }
  void finish();
  const std::string& content() const { return content_; }

 private:
  void show(const std::vector<parsers::Event>& events);
  void end_thinking();

  parsers::AnswerParser parser_;
  const Thinking thinking_;
  const std::function<void(std::string_view)> print_;
  bool open_ = false;  // thinking is being shown
  std::string content_;
};

}  // namespace vecton::cli
