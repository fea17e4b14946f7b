// What an answer is made of, as its text is read: thinking, content and tool calls.
//
// White space between two of these parts belongs to the format and is left out; inside of a part
// every byte is passed on. Nothing here depends on how the text was cut into pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::parsers {

struct Event {
  enum class Kind { kReasoning, kContent, kCall, kArguments };
  Kind kind = Kind::kContent;
  std::string text;  // more of it; of kCall: the function's name
  size_t call = 0;   // of kCall and kArguments: which call, from 0

  bool operator==(const Event&) const = default;
};

class Events {
 public:
  // `trim`: white space at the borders of content is left out, as there may be other parts.
  explicit Events(bool trim) : trim_(trim) {}

  void begin_reasoning();
  void reasoning(std::string_view text);
  void end_reasoning();
  void content(std::string_view text);
  // What content() gets next is another message, and stands on a line of its own.
  void new_message();
  void begin_call(std::string_view name);
  void arguments(std::string_view text);
  void finish();

  bool in_reasoning() const { return in_reasoning_; }
  size_t calls() const { return calls_; }
  // Those since the last time; neighbours of one kind are one.
  std::vector<Event> take();

 private:
  void add(Event::Kind kind, std::string_view text);
  void end_content();

  const bool trim_;
  bool in_reasoning_ = false;
  bool after_part_ = false;  // thinking or a call came last: newlines are left out
  bool reasoned_ = false;    // in this part of thinking
  bool any_reasoning_ = false, any_content_ = false, new_message_ = false;
  std::string held_;  // white space that may be the last of its part
  std::string gap_;   // white space that ended content: part of it when more content comes
  size_t calls_ = 0;
  std::vector<Event> events_;
};

}  // namespace vecton::parsers
