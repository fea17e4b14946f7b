#include "parsers/python_calls.h"

#include <utility>

#include "base/json_text.h"
#include "parsers/characters.h"
#include "parsers/python_literal.h"

namespace vecton::parsers {

namespace {

// The arguments as JSON. Those given by position have the names of the tool's parameters; false
// when it has not so many.
bool arguments_of(const PythonCall& call, const Tool* tool, std::string& out) {
  const json::value* properties = tool ? tool->parameters.if_contains("properties") : nullptr;
  const json::object* names = properties ? properties->if_object() : nullptr;
  out = "{";
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const auto& [name, value] = call.arguments[i];
    if (i > 0) out += ", ";
    if (!name.empty()) {
      base::append_json_string(out, name);
    } else if (names && i < names->size()) {
      base::append_json_string(out, (names->begin() + i)->key());
    } else {
      return false;
    }
    out += ": " + value;
  }
  out += '}';
  return true;
}

}  // namespace

PythonCalls::PythonCalls(const CallMarkers& markers, Events& events, const Tools& tools)
    : MarkedCalls(markers, events), tools_(tools) {}

void PythonCalls::open(std::string_view marker) {
  state_ = State::kBefore;
  strict_ = marker.empty();
  list_ = false;
}

void PythonCalls::inside(char c) {
  switch (state_) {
    case State::kBefore:
      return before(c);
    case State::kCall:
      return call(c);
    case State::kAfter:
      return after(c);
  }
}

void PythonCalls::before(char c) {
  if (is_space(c)) return;
  if (c == '[' && !list_) {
    list_ = true;
    return;
  }
  if (!is_letter(c) && c != '_') return fail();
  call_ = c;
  depth_ = 0;
  quote_ = 0;
  escaped_ = false;
  state_ = State::kCall;
}

void PythonCalls::call(char c) {
  call_ += c;
  if (depth_ == 0) {
    if (c == '(') {
      depth_ = 1;
    } else if (!is_name(c)) {
      return fail();
    }
    return;
  }
  if (quote_ != 0) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == quote_) {
      quote_ = 0;
    }
    return;
  }
  if (c == '\'' || c == '"') quote_ = c;
  if (c == '(' || c == '[' || c == '{') ++depth_;
  if ((c == ')' || c == ']' || c == '}') && --depth_ == 0) end_call();
}

void PythonCalls::end_call() {
  const std::optional<PythonCall> call = python_call(call_);
  if (!call) return fail();
  const Tool* tool = find_tool(tools_, call->name);
  std::string arguments;
  if ((strict_ && !tool) || !arguments_of(*call, tool, arguments)) return fail();
  events_.begin_call(call->name);
  events_.arguments(arguments);
  commit();
  state_ = State::kAfter;
  space_.clear();
}

void PythonCalls::after(char c) {
  space_ += c;
  if (is_space(c)) return;
  if (c == ']' && list_) {
    list_ = false;
    return space_.clear();
  }
  const bool begins = is_letter(c) || c == '_';
  const bool next = (c == ',' && list_) || (begins && !list_ && !strict_);
  if (!next) return leave(std::exchange(space_, {}));
  restart(std::exchange(space_, {}));
  state_ = State::kBefore;
  if (begins) before(c);
}

}  // namespace vecton::parsers
