// TraceExporter: sends traces to a collector of OpenTelemetry, as OTLP/HTTP with JSON.
//
// Traces gather in a queue and leave in batches, from a thread of the exporter's own: a request
// never waits for the collector. What the queue has no room for, and what the collector does not
// take, is dropped and counted. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/http_post.h"
#include "server/log.h"
#include "server/trace.h"

namespace vecton::server {

class TraceExporter {
 public:
  // Throws Error (kInvalidArgument) for an `endpoint` that is no address of HTTP.
  TraceExporter(const std::string& endpoint, std::string service_name, const Log& log);
  ~TraceExporter();  // sends what has gathered, if the collector takes it soon
  TraceExporter(const TraceExporter&) = delete;
  TraceExporter& operator=(const TraceExporter&) = delete;

  // A trace that goes on from the header's, or a new one; null when whoever called decided against
  // recording it.
  std::unique_ptr<Trace> begin(std::string_view traceparent) const;
  void add(Trace&& trace);

  // How many were sent and dropped, as Prometheus reads it.
  std::string metrics() const;

 private:
  void run();
  void send(const std::vector<Trace>& batch, std::chrono::milliseconds timeout);

  const HttpAddress address_;
  const std::string service_name_;
  const Log& log_;
  std::atomic<int64_t> sent_{0}, dropped_{0};
  std::chrono::steady_clock::time_point complained_{};  // of the thread

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Trace> queue_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace vecton::server
