#include "parsers/xml_calls.h"

#include "parsers/characters.h"

namespace vecton::parsers {

namespace {

constexpr std::string_view kBlock = "<tool_call>", kBlockEnd = "</tool_call>";

}  // namespace

XmlCalls::XmlCalls(const XmlCallFormat& format, Events& events, const Tools& tools)
    : MarkedCalls({.opens = {std::string(kBlock), format.function_open},
                   .closes = {std::string(kBlockEnd)}},
                  events),
      format_(format),
      tools_(tools),
      between_({format.parameter_open, format.function_close, std::string(kBlockEnd)}),
      value_({format.parameter_close, format.parameter_open, format.function_close}),
      writer_(events) {}

void XmlCalls::open(std::string_view marker) {
  state_ = marker == kBlock ? State::kBefore : State::kName;
  word_.clear();
}

void XmlCalls::inside(char c) {
  switch (state_) {
    case State::kBefore:
      return before(c);
    case State::kName:
      return name(c);
    case State::kBetween:
      return between(c);
    case State::kKey:
      return key(c);
    case State::kValue:
      return value(c);
  }
}

void XmlCalls::before(char c) {
  if (word_.empty() && is_space(c)) return;
  word_ += c;
  if (!format_.function_open.starts_with(word_)) return fail();
  if (word_.size() < format_.function_open.size()) return;
  word_.clear();
  state_ = State::kName;
}

void XmlCalls::name(char c) {
  word_ += c;
  if (!word_.ends_with(format_.name_end)) {
    if (is_newline(c) || c == '<' || word_.size() > kMaxName) fail();
    return;
  }
  word_.resize(word_.size() - format_.name_end.size());
  const std::string_view function = trimmed(word_);
  if (function.empty()) return fail();
  events_.begin_call(function);
  commit();
  writer_.begin(find_tool(tools_, function));
  state_ = State::kBetween;
}

void XmlCalls::between(char c) {
  std::string ignored;
  const auto which = between_.put(c, ignored);
  if (!which) return;
  if (*which == 0) {
    word_.clear();
    state_ = State::kKey;
    return;
  }
  writer_.finish();
  leave();
}

void XmlCalls::key(char c) {
  word_ += c;
  if (!word_.ends_with(format_.key_end)) return;
  word_.resize(word_.size() - format_.key_end.size());
  writer_.open(trimmed(word_), format_.lines, format_.cdata);
  state_ = State::kValue;
}

void XmlCalls::value(char c) {
  std::string passed;
  const auto which = value_.put(c, passed);
  writer_.put(passed);
  if (!which) return;
  if (writer_.in_cdata()) return writer_.put(value_.text(*which));
  writer_.close();
  state_ = State::kBetween;
  if (*which == 1) {
    word_.clear();
    state_ = State::kKey;
  } else if (*which == 2) {
    writer_.finish();
    leave();
  }
}

void XmlCalls::cut() {
  if (state_ == State::kValue) writer_.put(value_.flush());
  if (state_ == State::kBetween) writer_.finish();
}

}  // namespace vecton::parsers
