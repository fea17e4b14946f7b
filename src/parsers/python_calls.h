// PythonCalls: tool calls written as Python's, one after the other or in a list: [f(a=1), g()].
// A call is given when it is complete.
#pragma once

#include <string>
#include <string_view>

#include "parsers/marked_calls.h"
#include "parsers/tools.h"

namespace vecton::parsers {

class PythonCalls : public MarkedCalls {
 public:
  // Calls without a marker before them must be of `tools`.
  PythonCalls(const CallMarkers& markers, Events& events, const Tools& tools);

 private:
  enum class State { kBefore, kCall, kAfter };

  void open(std::string_view marker) override;
  void inside(char c) override;
  void before(char c);
  void call(char c);
  void end_call();
  void after(char c);

  const Tools& tools_;
  State state_ = State::kBefore;
  bool strict_ = false, list_ = false;
  std::string call_, space_;
  size_t depth_ = 0;
  char quote_ = 0;  // of the string that is being read
  bool escaped_ = false;
};

}  // namespace vecton::parsers
