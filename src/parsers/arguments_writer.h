// ArgumentsWriter: the JSON of a call's arguments, from parameters that arrive one by one as text.
// Used by the formats that write them as XML does.
#pragma once

#include <string>
#include <string_view>

#include "parsers/events.h"
#include "parsers/tools.h"

namespace vecton::parsers {

class ArgumentsWriter {
 public:
  explicit ArgumentsWriter(Events& events) : events_(events) {}

  void begin(const Tool* tool);  // a call's arguments
  // A parameter. `lines`: one newline at each side of its text is not part of it. `cdata`: all of
  // it may be <![CDATA[...]]>.
  void open(std::string_view name, bool lines, bool cdata = false);
  void put(std::string_view text);
  void close();
  void finish();  // the arguments are complete

  // Whether the parameter's text has begun a CDATA that it has not ended.
  bool in_cdata() const;

 private:
  void write(std::string_view text);

  Events& events_;
  const Tool* tool_ = nullptr;
  const json::object* schema_ = nullptr;
  bool first_ = true, streams_ = false, lines_ = false, cdata_ = false, at_start_ = false;
  std::string text_, held_;
};

}  // namespace vecton::parsers
