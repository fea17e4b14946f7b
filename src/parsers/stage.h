// Stage: reads an answer byte by byte and passes on what it means. A byte at a time, so that the
// pieces in which an answer arrives cannot matter.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "parsers/events.h"

namespace vecton::parsers {

class Stage {
 public:
  virtual ~Stage() = default;
  virtual void put(char c) = 0;
  virtual void finish() = 0;  // the answer has ended
};

// All is content.
class ContentStage : public Stage {
 public:
  explicit ContentStage(Events& events) : events_(events) {}
  void put(char c) override { events_.content({&c, 1}); }
  void finish() override {}

 private:
  Events& events_;
};

}  // namespace vecton::parsers
