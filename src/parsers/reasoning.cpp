#include "parsers/reasoning.h"

#include "parsers/characters.h"

namespace vecton::parsers {

namespace {

std::vector<std::string> outside_texts(const ReasoningFormat& format) {
  std::vector<std::string> texts = joined(format.opens, format.closes);
  for (const auto& [open, close] : format.wrappers) texts.push_back(open);
  for (const auto& [open, close] : format.wrappers) texts.push_back(close);
  return texts;
}

}  // namespace

ReasoningStage::ReasoningStage(const ReasoningFormat& format,
                               const std::vector<std::string>& interrupts, bool inside,
                               Events& events, std::unique_ptr<Stage> next)
    : events_(events),
      next_(std::move(next)),
      anywhere_(format.anywhere),
      opens_(format.opens.size()),
      closes_(format.closes.size()),
      wrappers_(format.wrappers.size()),
      inside_markers_(joined(format.closes, interrupts)),
      outside_markers_(outside_texts(format)),
      wrapped_(format.wrappers.size()) {
  if (inside) events_.begin_reasoning();
}

void ReasoningStage::put(char c) { events_.in_reasoning() ? inside(c) : outside(c); }

void ReasoningStage::inside(char c) {
  std::string passed;
  const auto which = inside_markers_.put(c, passed);
  events_.reasoning(passed);
  if (!which) return;
  events_.end_reasoning();
  edge_ = true;
  if (*which >= closes_) pass(inside_markers_.text(*which));
}

void ReasoningStage::outside(char c) {
  std::string passed;
  const auto which = outside_markers_.put(c, passed);
  pass(passed);
  if (!which) return;
  size_t kind = *which;
  const std::string& marker = outside_markers_.text(kind);
  if (kind < opens_) {
    if (edge_ || anywhere_) return events_.begin_reasoning();
    return pass(marker);
  }
  kind -= opens_;
  if (kind < closes_) {  // closed once more
    if (!edge_ && !anywhere_) pass(marker);
    return;
  }
  kind -= closes_;
  if (kind < wrappers_) {
    if (!edge_) return pass(marker);
    wrapped_[kind] = true;
  } else if (wrapped_[kind - wrappers_]) {
    wrapped_[kind - wrappers_] = false;
    edge_ = true;
  } else {
    pass(marker);
  }
}

void ReasoningStage::pass(std::string_view text) {
  for (const char c : text) {
    if (!is_space(c)) edge_ = false;
    next_->put(c);
  }
}

void ReasoningStage::finish() {
  events_.reasoning(inside_markers_.flush());
  pass(outside_markers_.flush());
  next_->finish();
}

}  // namespace vecton::parsers
