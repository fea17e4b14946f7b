#include "parsers/json_calls.h"

#include <utility>

#include "parsers/characters.h"

namespace vecton::parsers {

namespace {

constexpr size_t kMaxBeforeName = 256;  // bytes: a longer one is text

}  // namespace

JsonCalls::JsonCalls(const JsonCallFormat& format, Events& events, const Tools& tools)
    : MarkedCalls(format.markers, events),
      tools_(tools),
      strict_(format.strict),
      name_of_(format.name_of) {}

void JsonCalls::open(std::string_view marker) {
  state_ = State::kBefore;
  list_ = marker.ends_with('[') && marker.size() > 1;
}

void JsonCalls::inside(char c) {
  switch (state_) {
    case State::kBefore:
      return before(c);
    case State::kHeader:
      return header(c);
    case State::kObject:
      return object(c);
    case State::kArguments:
      return arguments(c);
    case State::kAfter:
      return after(c);
  }
}

void JsonCalls::before(char c) {
  if (is_space(c)) return;
  if (c == '{') {
    object_.emplace(events_, tools_, strict_);
    state_ = State::kObject;
    return object(c);
  }
  if (c == '[' && !list_) {
    list_ = true;
    return;
  }
  if (c == ']' && list_ && !strict_) {  // a list of no calls
    commit();
    list_ = false;
    return end_call();
  }
  if (!name_of_ || list_) return fail();
  header_.clear();
  state_ = State::kHeader;
  header(c);
}

void JsonCalls::header(char c) {
  if (c != '{') {
    header_ += c;
    if (header_.size() > kMaxBeforeName) fail();
    return;
  }
  const std::optional<std::string> name = name_of_(header_);
  if (!name) return fail();
  events_.begin_call(*name);
  commit();
  scanner_ = {};
  state_ = State::kArguments;
  arguments(c);
}

void JsonCalls::object(char c) {
  const CallObject::Step step = object_->put(c);
  if (object_->begun()) commit();
  switch (step) {
    case CallObject::Step::kMore:
      return;
    case CallObject::Step::kLast:
      return end_call();
    case CallObject::Step::kPast:
      end_call();
      return after(c);
    case CallObject::Step::kFailed:
      return fail();
  }
}

void JsonCalls::arguments(char c) {
  events_.arguments({&c, 1});
  if (scanner_.put(c) == JsonScanner::Step::kLast) end_call();
}

void JsonCalls::end_call() {
  state_ = State::kAfter;
  space_.clear();
}

void JsonCalls::after(char c) {
  space_ += c;
  if (is_space(c)) return;
  if (c == ']' && list_) {
    list_ = false;
    return space_.clear();
  }
  const bool next = c == '{' ? !list_ : c == ',' ? list_ : c == ';' && !list_;
  if (!next) return leave(std::exchange(space_, {}));
  restart(std::exchange(space_, {}));
  state_ = State::kBefore;
  if (c == '{') before(c);
}

void NamedCall::put(char c) {
  if (!begun_) {
    if (is_space(c)) return;
    events_.begin_call(name_);
    begun_ = true;
  }
  events_.arguments({&c, 1});
}

void NamedCall::finish() {
  if (!begun_) events_.begin_call(name_);
}

}  // namespace vecton::parsers
