// CallObject: one tool call written as a JSON object, {"name": "f", "arguments": {...}}, read byte
// by byte. The arguments are passed on as the model writes them.
#pragma once

#include <optional>
#include <string>

#include "parsers/events.h"
#include "parsers/json_scanner.h"
#include "parsers/tools.h"

namespace vecton::parsers {

class CallObject {
 public:
  enum class Step {
    kMore,
    kLast,    // this byte is its last
    kPast,    // it ended before this byte: a call all the same
    kFailed,  // it is no call; no event was made
  };
  // `strict`: a call only when it names one of `tools` and has arguments, as an answer in JSON may
  // look like one.
  CallObject(Events& events, const Tools& tools, bool strict)
      : events_(events), tools_(tools), strict_(strict) {}

  Step put(char c);
  bool begun() const { return begun_; }  // a call was begun

 private:
  enum class State { kOpen, kKey, kKeyText, kColon, kValue, kAfter };
  enum class Member { kName, kArguments, kOther };

  Step value(char c);
  Step end_value();
  Step end();
  bool announce();
  Step give_up() const { return begun_ ? Step::kPast : Step::kFailed; }

  Events& events_;
  const Tools& tools_;
  const bool strict_;
  State state_ = State::kOpen;
  Member member_ = Member::kOther;
  JsonScanner scanner_;
  std::string text_;  // of the key or value being read
  bool streams_ = false;
  bool begun_ = false, argued_ = false;
  std::optional<std::string> name_, arguments_;
};

}  // namespace vecton::parsers
