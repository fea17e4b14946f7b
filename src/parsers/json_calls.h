// JsonCalls: tool calls whose arguments are JSON. After a marker follow objects with a name and
// arguments, one or a list, or a header that has the name and then the arguments alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parsers/call_object.h"
#include "parsers/marked_calls.h"

namespace vecton::parsers {

struct JsonCallFormat {
  CallMarkers markers{};
  bool strict = false;  // of objects: see CallObject
  // The function that a header names ("f[ARGS]"); nothing when it is none. Null: no headers.
  std::optional<std::string> (*name_of)(std::string_view header) = nullptr;
};

class JsonCalls : public MarkedCalls {
 public:
  JsonCalls(const JsonCallFormat& format, Events& events, const Tools& tools);

 private:
  enum class State { kBefore, kHeader, kObject, kArguments, kAfter };

  void open(std::string_view marker) override;
  void inside(char c) override;
  void before(char c);
  void header(char c);
  void object(char c);
  void arguments(char c);
  void after(char c);
  void end_call();

  const Tools& tools_;
  const bool strict_;
  std::optional<std::string> (*const name_of_)(std::string_view);
  State state_ = State::kBefore;
  bool list_ = false;
  std::optional<CallObject> object_;
  JsonScanner scanner_;
  std::string header_, space_;
};

// All of an answer is the arguments of one call: what a named tool_choice and its schema give.
class NamedCall : public Stage {
 public:
  NamedCall(std::string name, Events& events) : name_(std::move(name)), events_(events) {}
  void put(char c) override;
  void finish() override;

 private:
  const std::string name_;
  Events& events_;
  bool begun_ = false;
};

}  // namespace vecton::parsers
