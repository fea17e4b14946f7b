// GemmaCalls: the calls of Gemma 4 and FunctionGemma, objects whose keys are bare and whose strings
// stand between delimiters of their own:
//   <|tool_call>call:f{a:<|"|>x<|"|>,n:1}<tool_call|>
// A call is given when it is complete.
#pragma once

#include <string>
#include <string_view>

#include "parsers/marked_calls.h"

namespace vecton::parsers {

class GemmaCalls : public MarkedCalls {
 public:
  // `quote`: the delimiter of strings.
  GemmaCalls(const CallMarkers& markers, std::string quote, Events& events);

 private:
  void open(std::string_view marker) override;
  void inside(char c) override;
  void end_call();

  const std::string quote_;
  std::string call_;
  size_t body_ = 0, depth_ = 0;  // where the object begins in `call_`; brackets open in it
  size_t string_ = 0;            // where the string being read begins, 0 when none is
};

}  // namespace vecton::parsers
