// GlmCalls: the calls of GLM 4.5 and later, names and values between tags:
//   <tool_call>f<arg_key>a</arg_key><arg_value>x</arg_value></tool_call>
#pragma once

#include <string>
#include <string_view>

#include "parsers/arguments_writer.h"
#include "parsers/marked_calls.h"

namespace vecton::parsers {

class GlmCalls : public MarkedCalls {
 public:
  GlmCalls(Events& events, const Tools& tools);

 private:
  enum class State { kName, kNext, kKey, kGap, kValue };

  void open(std::string_view marker) override;
  void inside(char c) override;
  void cut() override;
  void name(char c);

  const Tools& tools_;
  State state_ = State::kName;
  std::string word_;  // the name or key being read
  Markers next_, key_, gap_, value_;
  ArgumentsWriter writer_;
};

}  // namespace vecton::parsers
