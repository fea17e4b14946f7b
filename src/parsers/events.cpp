#include "parsers/events.h"

#include <utility>

#include "parsers/characters.h"

namespace vecton::parsers {

void Events::add(Event::Kind kind, std::string_view text) {
  if (text.empty()) return;
  const size_t call = kind == Event::Kind::kArguments ? calls_ - 1 : 0;
  if (!events_.empty() && events_.back().kind == kind && events_.back().call == call) {
    events_.back().text += text;
  } else {
    events_.push_back({kind, std::string(text), call});
  }
}

void Events::begin_reasoning() {
  if (in_reasoning_) return;
  end_content();
  in_reasoning_ = true;
  reasoned_ = false;
}

void Events::reasoning(std::string_view text) {
  for (const char c : text) {
    if (is_newline(c)) {
      if (reasoned_) held_ += c;
      continue;
    }
    if (!reasoned_ && any_reasoning_) add(Event::Kind::kReasoning, "\n");
    reasoned_ = any_reasoning_ = true;
    add(Event::Kind::kReasoning, held_);
    held_.clear();
    add(Event::Kind::kReasoning, std::string_view(&c, 1));
  }
}

void Events::end_reasoning() {
  if (!in_reasoning_) return;
  in_reasoning_ = false;
  held_.clear();
  after_part_ = true;
}

void Events::content(std::string_view text) {
  if (!trim_) return add(Event::Kind::kContent, text);
  for (const char c : text) {
    if (is_space(c)) {
      if (!(after_part_ && held_.empty() && is_newline(c))) held_ += c;
      continue;
    }
    if (any_content_) add(Event::Kind::kContent, new_message_ && gap_.empty() ? "\n" : gap_);
    gap_.clear();
    new_message_ = after_part_ = false;
    any_content_ = true;
    add(Event::Kind::kContent, held_);
    held_.clear();
    add(Event::Kind::kContent, std::string_view(&c, 1));
  }
}

void Events::end_content() {
  if (any_content_) gap_ += held_;
  held_.clear();
}

void Events::new_message() {
  end_content();
  new_message_ = after_part_ = true;
}

void Events::begin_call(std::string_view name) {
  end_content();
  after_part_ = true;
  events_.push_back({Event::Kind::kCall, std::string(name), calls_++});
}

void Events::arguments(std::string_view text) { add(Event::Kind::kArguments, text); }

void Events::finish() {
  if (in_reasoning_) {
    add(Event::Kind::kReasoning, held_);
  } else if (!after_part_) {
    add(Event::Kind::kContent, held_);
  }
  held_.clear();
}

std::vector<Event> Events::take() { return std::exchange(events_, {}); }

}  // namespace vecton::parsers
