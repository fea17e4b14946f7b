#include "parsers/call_object.h"

#include "parsers/characters.h"

namespace vecton::parsers {

namespace {

std::optional<std::string> string_of(const std::string& text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_string()) return {};
  return std::string(value.get_string());
}

}  // namespace

CallObject::Step CallObject::put(char c) {
  switch (state_) {
    case State::kOpen:
      state_ = State::kKey;
      return c == '{' ? Step::kMore : Step::kFailed;
    case State::kKey:
      if (is_space(c)) return Step::kMore;
      if (c == '}') return end();
      if (c != '"') return give_up();
      state_ = State::kKeyText;
      text_.clear();
      scanner_ = {};
      [[fallthrough]];
    case State::kKeyText: {
      text_ += c;
      if (scanner_.put(c) != JsonScanner::Step::kLast) return Step::kMore;
      const std::optional<std::string> key = string_of(text_);
      if (!key) return give_up();
      const bool name = *key == "name" || *key == "tool_name" || *key == "function";
      const bool arguments = *key == "arguments" || *key == "parameters";
      member_ = name && !name_             ? Member::kName
                : arguments && !arguments_ ? Member::kArguments
                                           : Member::kOther;
      state_ = State::kColon;
      return Step::kMore;
    }
    case State::kColon:
      if (is_space(c)) return Step::kMore;
      if (c != ':') return give_up();
      state_ = State::kValue;
      text_.clear();
      scanner_ = {};
      streams_ = false;
      return Step::kMore;
    case State::kValue:
      return value(c);
    case State::kAfter:
      if (is_space(c)) return Step::kMore;
      if (c == '}') return end();
      if (c != ',') return give_up();
      state_ = State::kKey;
      return Step::kMore;
  }
  return Step::kFailed;
}

CallObject::Step CallObject::value(char c) {
  if (text_.empty()) {
    if (is_space(c)) return Step::kMore;
    if (member_ == Member::kArguments && name_ && (c == '{' || (c == '[' && !strict_))) {
      if (!announce()) return Step::kFailed;
      streams_ = true;
    }
  }
  const JsonScanner::Step step = scanner_.put(c);
  if (step != JsonScanner::Step::kPast) {
    if (streams_) events_.arguments({&c, 1});
    if (!streams_ || text_.empty()) text_ += c;
    if (step == JsonScanner::Step::kMore) return Step::kMore;
    return end_value();
  }
  if (text_.empty()) return give_up();
  const Step ended = end_value();
  return ended == Step::kMore ? put(c) : ended;
}

// Kept apart: `text_` is a whole value now, or its first byte where it was passed on.
CallObject::Step CallObject::end_value() {
  state_ = State::kAfter;
  if (member_ == Member::kName) {
    std::optional<std::string> name = string_of(text_);
    if (!name || name->empty()) return text_.starts_with('"') ? give_up() : Step::kMore;
    name_ = std::move(name);
    if ((!strict_ || arguments_) && !announce()) return Step::kFailed;
  } else if (member_ == Member::kArguments) {
    if (streams_) {
      argued_ = true;
      arguments_ = "";
      return Step::kMore;
    }
    const std::optional<std::string> inner = string_of(text_);
    arguments_ = inner ? *inner : text_ == "null" ? "{}" : text_;
    if (strict_ && !arguments_->starts_with('{')) return Step::kFailed;
    if (name_ && !announce()) return Step::kFailed;
  }
  return Step::kMore;
}

// Begins the call if that was not done, and gives it the arguments that came first.
bool CallObject::announce() {
  if (!begun_) {
    if (strict_ && !find_tool(tools_, *name_)) return false;
    begun_ = true;
    events_.begin_call(*name_);
  }
  if (arguments_ && !argued_) {
    argued_ = true;
    events_.arguments(*arguments_);
  }
  return true;
}

CallObject::Step CallObject::end() {
  if (!begun_) return Step::kFailed;
  if (!argued_) events_.arguments("{}");
  return Step::kLast;
}

}  // namespace vecton::parsers
