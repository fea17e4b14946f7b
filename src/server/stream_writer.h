// StreamWriter: a dialect's answer that is sent while it is being generated. Called by one thread
// at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/failure.h"
#include "vecton/vecton.h"

namespace vecton::server {

class StreamWriter {
 public:
  virtual ~StreamWriter() = default;

  virtual std::string_view content_type() const { return "text/event-stream; charset=utf-8"; }
  // Sent now and then while nothing else is, so that nobody takes the connection for dead; empty:
  // nothing is.
  virtual std::string_view keep_alive() const { return ": working\n\n"; }

  virtual std::string add(const GenerationDelta& delta) = 0;
  virtual std::string end(const std::vector<Result>& results) = 0;
  // After the answer has begun, so that no status can tell it.
  virtual std::string fail(const Failure& failure) = 0;
};

// "data: ...\n\n", after the event's name if it has one.
std::string server_sent_event(std::string_view data, std::string_view event = {});

}  // namespace vecton::server
