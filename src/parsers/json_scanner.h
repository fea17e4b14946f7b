// JsonScanner: where one JSON value of a stream ends. Brackets and strings are followed; whether it
// is valid JSON is not looked at.
#pragma once

#include <cstddef>

namespace vecton::parsers {

class JsonScanner {
 public:
  enum class Step {
    kMore,
    kLast,  // this byte is its last
    kPast,  // it ended before this byte
  };
  Step put(char c);

 private:
  size_t depth_ = 0;
  bool first_ = true, string_ = false, escaped_ = false;
};

}  // namespace vecton::parsers
