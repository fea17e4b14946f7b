#include "server/trace_exporter.h"

#include <utility>

#include "base/entropy.h"
#include "base/splitmix64.h"
#include "vecton/error.h"

namespace vecton::server {

namespace {

using namespace std::chrono_literals;

// OpenTelemetry's defaults for such queues.
constexpr size_t kMostQueued = 2048, kMostSent = 512;  // traces
constexpr auto kBatchPause = 5s;                       // between batches that are not full
constexpr auto kTimeout = 10s, kLastTimeout = 2s;
constexpr auto kComplaint = 60s;  // between lines of the log about a collector that fails

// A splitmix64 of its own for every process.
uint64_t random_id() {
  static std::atomic<uint64_t> state{base::random_bits()};
  return base::splitmix64_of(state.fetch_add(base::kSplitmixStep, std::memory_order_relaxed)) |
         1;  // zero is no id
}

}  // namespace

TraceExporter::TraceExporter(const std::string& endpoint, std::string service_name, const Log& log)
    : address_(HttpAddress::parse(endpoint, "/v1/traces", "otlp-traces-endpoint")),
      service_name_(std::move(service_name)),
      log_(log),
      thread_([this] { run(); }) {}

TraceExporter::~TraceExporter() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::unique_ptr<Trace> TraceExporter::begin(std::string_view traceparent) const {
  const std::optional<TraceParent> parent = parse_traceparent(traceparent);
  if (parent && !parent->sampled) return nullptr;
  return std::make_unique<Trace>(parent, random_id);
}

void TraceExporter::add(Trace&& trace) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMostQueued) {
      ++dropped_;
      return;
    }
    queue_.push_back(std::move(trace));
    if (queue_.size() != kMostSent) return;  // else there is a full batch now
  }
  changed_.notify_all();
}

void TraceExporter::run() {
  std::unique_lock lock(mutex_);
  while (!ended_ || !queue_.empty()) {
    changed_.wait_for(lock, kBatchPause, [this] { return ended_ || queue_.size() >= kMostSent; });
    std::vector<Trace> batch;
    batch.swap(queue_);
    const bool last = ended_;
    lock.unlock();
    if (!batch.empty()) send(batch, last ? kLastTimeout : kTimeout);
    lock.lock();
    if (last) break;
  }
}

void TraceExporter::send(const std::vector<Trace>& batch, std::chrono::milliseconds timeout) {
  std::string why;
  try {
    const int status = http_post(address_, otlp_json(batch, service_name_), timeout);
    if (status >= 200 && status < 300) {
      sent_ += static_cast<int64_t>(batch.size());
      return;
    }
    why = "it answered " + std::to_string(status);
  } catch (const std::exception& error) {
    why = error.what();
  }
  dropped_ += static_cast<int64_t>(batch.size());
  const auto now = std::chrono::steady_clock::now();
  if (complained_ != decltype(now){} && now - complained_ < kComplaint) return;
  complained_ = now;
  log_.error("traces: the collector takes none: " + why);
}

std::string TraceExporter::metrics() const {
  return "# HELP vecton_traces_sent_total Traces that the collector took.\n"
         "# TYPE vecton_traces_sent_total counter\nvecton_traces_sent_total " +
         std::to_string(sent_) +
         "\n# HELP vecton_traces_dropped_total Traces that found no room, or no collector.\n"
         "# TYPE vecton_traces_dropped_total counter\nvecton_traces_dropped_total " +
         std::to_string(dropped_) + "\n";
}

}  // namespace vecton::server
