// MarkedCalls: content in which markers begin tool calls. What turns out to be no call is content,
// marker and all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsers/markers.h"
#include "parsers/stage.h"

namespace vecton::parsers {

struct CallMarkers {
  std::vector<std::string> opens{};
  std::vector<std::string> closes{};  // left out where they follow a call
  std::string_view bare{};            // characters that begin a call where they begin the answer
};

class MarkedCalls : public Stage {
 public:
  MarkedCalls(const CallMarkers& markers, Events& events);

  void put(char c) final;
  void finish() final;

 protected:
  static constexpr size_t kMaxName = 256;  // bytes of a call's name: a longer one is text

  // A marker was read, or nothing where the call is bare (`marker` is empty).
  virtual void open(std::string_view marker) = 0;
  // What follows it, byte by byte.
  virtual void inside(char c) = 0;
  // The answer ended inside of a call that was committed to.
  virtual void cut() {}

  // What was read since the marker, or since restart(), is a call: it never becomes content.
  void commit();
  // What follows may be one more call: content unless it is committed to. `read` of it came before.
  void restart(std::string read);
  // It is no call.
  void fail();
  // The call has ended; `rest` was read behind it.
  void leave(std::string_view rest = {});

  Events& events_;

 private:
  void text(char c);
  void pass(std::string_view text);
  void enter(std::string_view marker);

  const size_t opens_;
  const std::string_view bare_;
  Markers markers_;
  bool inside_ = false, committed_ = false;
  bool start_ = true;  // nothing but white space was read
  bool edge_ = false;  // nothing but white space since a call
  size_t marker_ = 0;  // bytes of it in raw_
  std::string raw_;    // read and not committed to
};

}  // namespace vecton::parsers
