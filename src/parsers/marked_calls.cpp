#include "parsers/marked_calls.h"

#include <utility>

#include "parsers/characters.h"

namespace vecton::parsers {

namespace {

constexpr size_t kMaxUncommitted = 64 << 10;  // bytes: what is still no call then is none

}  // namespace

MarkedCalls::MarkedCalls(const CallMarkers& markers, Events& events)
    : events_(events),
      opens_(markers.opens.size()),
      bare_(markers.bare),
      markers_(joined(markers.opens, markers.closes)) {}

void MarkedCalls::put(char c) {
  if (!inside_) return text(c);
  if (!committed_) {
    raw_ += c;
    if (raw_.size() > kMaxUncommitted) return fail();
  }
  inside(c);
}

void MarkedCalls::text(char c) {
  if (start_ && bare_.find(c) != std::string_view::npos) {
    enter("");
    return put(c);
  }
  std::string passed;
  const auto which = markers_.put(c, passed);
  pass(passed);
  if (!which) return;
  const std::string& marker = markers_.text(*which);
  if (*which < opens_) return enter(marker);
  if (!edge_) pass(marker);
}

void MarkedCalls::pass(std::string_view text) {
  for (const char c : text) {
    if (!is_space(c)) start_ = edge_ = false;
  }
  events_.content(text);
}

void MarkedCalls::enter(std::string_view marker) {
  start_ = edge_ = false;
  inside_ = true;
  restart(std::string(marker));
  marker_ = marker.size();
  open(marker);
}

void MarkedCalls::commit() {
  committed_ = true;
  raw_.clear();
}

void MarkedCalls::restart(std::string read) {
  committed_ = false;
  marker_ = 0;
  raw_ = std::move(read);
}

void MarkedCalls::fail() {
  const std::string raw = std::exchange(raw_, {});
  inside_ = false;
  const std::string_view all = raw;
  pass(all.substr(0, marker_));
  // A marker may stand in what follows.
  for (const char c : all.substr(marker_)) put(c);
}

void MarkedCalls::leave(std::string_view rest) {
  inside_ = false;
  edge_ = true;
  raw_.clear();
  for (const char c : rest) put(c);
}

void MarkedCalls::finish() {
  while (inside_ && !committed_) fail();
  if (inside_) return cut();
  pass(markers_.flush());
}

}  // namespace vecton::parsers
