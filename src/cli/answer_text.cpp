#include "cli/answer_text.h"

#include <utility>

namespace vecton::cli {

using parsers::Event;

AnswerText::AnswerText(parsers::ParserOptions options, Thinking thinking,
                       std::function<void(std::string_view)> print)
    : parser_(std::move(options)), thinking_(std::move(thinking)), print_(std::move(print)) {}

void AnswerText::end_thinking() {
  if (!std::exchange(open_, false)) return;
  print_(thinking_.end);
  print_("\n\n");
}

void AnswerText::show(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kReasoning) {
      if (!thinking_.shown) continue;
      if (!std::exchange(open_, true)) print_(thinking_.begin);
      print_(event.text);
      continue;
    }
    end_thinking();
    print_(event.text);
    content_ += event.text;
  }
}

void AnswerText::finish() {
  show(parser_.finish());
  end_thinking();
}

}  // namespace vecton::cli
