#include "parsers/glm_calls.h"

#include <algorithm>

#include "parsers/characters.h"

namespace vecton::parsers {

namespace {

constexpr const char *kOpen = "<tool_call>", *kClose = "</tool_call>";

}  // namespace

GlmCalls::GlmCalls(Events& events, const Tools& tools)
    : MarkedCalls({.opens = {kOpen}, .closes = {kClose}}, events),
      tools_(tools),
      next_({"<arg_key>", kClose}),
      key_({"</arg_key>"}),
      gap_({"<arg_value>"}),
      value_({"</arg_value>"}),
      writer_(events) {}

void GlmCalls::open(std::string_view) {
  state_ = State::kName;
  word_.clear();
  next_.flush();
}

void GlmCalls::inside(char c) {
  std::string passed;
  switch (state_) {
    case State::kName:
      return name(c);
    case State::kNext:
      if (const auto which = next_.put(c, passed)) {
        word_.clear();
        state_ = State::kKey;
        if (*which == 1) {
          writer_.finish();
          leave();
        }
      }
      return;
    case State::kKey:
      if (key_.put(c, word_)) state_ = State::kGap;
      return;
    case State::kGap:
      if (!gap_.put(c, passed)) return;
      writer_.open(trimmed(word_), false);
      state_ = State::kValue;
      return;
    case State::kValue: {
      const bool ended = value_.put(c, passed).has_value();
      writer_.put(passed);
      if (!ended) return;
      writer_.close();
      state_ = State::kNext;
      return;
    }
  }
}

void GlmCalls::name(char c) {
  const auto which = next_.put(c, word_);
  const std::string_view name = trimmed(word_);
  if (!std::all_of(name.begin(), name.end(), [](char n) { return is_name(n); }) ||
      word_.size() > kMaxName) {
    return fail();
  }
  if (!which) return;
  if (name.empty()) return fail();
  events_.begin_call(name);
  commit();
  writer_.begin(find_tool(tools_, name));
  word_.clear();
  state_ = State::kKey;
  if (*which == 0) return;
  writer_.finish();
  leave();
}

void GlmCalls::cut() {
  if (state_ == State::kValue) writer_.put(value_.flush());
  if (state_ == State::kNext) writer_.finish();
}

}  // namespace vecton::parsers
