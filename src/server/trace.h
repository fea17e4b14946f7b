// Trace: one request as OpenTelemetry sees it: a span of the server, with vLLM's attributes, and
// one for each station that the request went through.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::server {

// W3C's traceparent: which span of which trace a request came from. Ids are in hexadecimal.
struct TraceParent {
  std::string trace_id, span_id;
  bool sampled = false;
};
// None when the header is not one: a trace begins here then.
std::optional<TraceParent> parse_traceparent(std::string_view header);

// Made and filled on one thread after the other.
class Trace {
 public:
  using Clock = std::chrono::steady_clock;
  using Value = std::variant<std::string, int64_t, double>;
  struct Span {
    const char* name;
    std::string id;
    int64_t start, end;  // Unix time in nanoseconds
  };

  // Begins now. `random` gives the bits of ids.
  Trace(const std::optional<TraceParent>& parent, uint64_t (*random)());

  // A worker has the request; the engine has its inputs; the engine's answers are there.
  void working() { working_ = Clock::now(); }
  void submitted() { submitted_ = Clock::now(); }
  void computed(std::span<const Result> results);
  void set(const char* attribute, Value value) { attributes_.emplace_back(attribute, value); }
  // The answer is made. `error`: why it is none, or empty.
  void end(int status, std::string error);

  const std::string& trace_id() const { return trace_id_; }
  const std::string& span_id() const { return span_id_; }
  const std::string& parent_id() const { return parent_id_; }  // empty = it is the first
  const std::vector<std::pair<const char*, Value>>& attributes() const { return attributes_; }
  const std::vector<Span>& stations() const { return stations_; }
  int64_t start() const { return unix_time(start_); }
  int64_t end() const { return unix_time(end_); }
  bool failed() const { return failed_; }
  const std::string& error() const { return error_; }

 private:
  int64_t unix_time(Clock::time_point time) const;
  void add_station(const char* name, Clock::time_point from, Clock::time_point to);

  uint64_t (*random_)();
  std::string trace_id_, span_id_, parent_id_;
  std::chrono::system_clock::time_point began_ = std::chrono::system_clock::now();
  Clock::time_point start_ = Clock::now(), end_ = start_;
  std::optional<Clock::time_point> working_, submitted_, computed_;
  std::vector<std::pair<const char*, Value>> attributes_;
  std::vector<Span> stations_;
  bool failed_ = false;
  std::string error_;
};

// The body of OTLP/HTTP's JSON for these traces.
std::string otlp_json(std::span<const Trace> traces, const std::string& service_name);

}  // namespace vecton::server
