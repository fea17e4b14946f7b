// XmlCalls: calls whose parameters stand between tags, as plain text:
//   <function=f><parameter=a>x</parameter></function>
#pragma once

#include <string>
#include <string_view>

#include "parsers/arguments_writer.h"
#include "parsers/marked_calls.h"

namespace vecton::parsers {

struct XmlCallFormat {
  std::string function_open, name_end, function_close;
  std::string parameter_open, key_end, parameter_close;
  bool lines = false;  // values stand on lines of their own
  bool cdata = false;  // values may be <![CDATA[...]]>
};

class XmlCalls : public MarkedCalls {
 public:
  XmlCalls(const XmlCallFormat& format, Events& events, const Tools& tools);

 private:
  enum class State { kBefore, kName, kBetween, kKey, kValue };

  void open(std::string_view marker) override;
  void inside(char c) override;
  void cut() override;
  void before(char c);
  void name(char c);
  void between(char c);
  void key(char c);
  void value(char c);

  const XmlCallFormat format_;
  const Tools& tools_;
  State state_ = State::kBefore;
  std::string word_;  // a name or key being read, or as much of `function_open` as was
  Markers between_, value_;
  ArgumentsWriter writer_;
};

}  // namespace vecton::parsers
