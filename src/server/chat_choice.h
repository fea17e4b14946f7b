// ChatChoice: one choice of an answer, from the text that is generated to the members of a message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsers/answer_parser.h"

namespace vecton::server {

// What a piece of text adds to a message.
struct ChatDelta {
  struct Call {
    size_t index = 0;
    bool begins = false;
    std::string name, arguments;
  };
  std::string reasoning, content;
  std::vector<Call> calls;

  bool empty() const { return reasoning.empty() && content.empty() && calls.empty(); }
};

class ChatChoice {
 public:
  // `parallel`: more than the first call is kept.
  explicit ChatChoice(const parsers::ParserOptions& options, bool parallel = true)
      : parser_(options),
        parallel_(parallel),
        named_(options.calling == parsers::Calling::kNamed) {}

  ChatDelta add(std::string_view text) { return delta(parser_.feed(text)); }
  ChatDelta finish() { return delta(parser_.finish()); }

  // The same in the order in which it is said: a delta ends where thinking follows content, or
  // either follows a call.
  std::vector<ChatDelta> add_in_order(std::string_view text) { return deltas(parser_.feed(text)); }
  std::vector<ChatDelta> finish_in_order() { return deltas(parser_.finish()); }

  // What the whole `text` says.
  ChatDelta whole(std::string_view text);

  bool called() const { return parser_.calls() > 0; }
  bool called_by_name() const { return named_; }

 private:
  ChatDelta delta(const std::vector<parsers::Event>& events) const;
  std::vector<ChatDelta> deltas(const std::vector<parsers::Event>& events) const;

  parsers::AnswerParser parser_;
  const bool parallel_, named_;
};

// Appends `more` to `all`: calls of one index are one.
void merge(ChatDelta& all, ChatDelta more);

}  // namespace vecton::server
