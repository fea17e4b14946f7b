// Metrics: what the server counts, and its text for Prometheus. Names are vLLM's and TEI's where
// they mean the same. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::server {

// How figures are written: as Prometheus' text, or as OpenMetrics, which has exemplars as well.
enum class MetricsFormat { kPrometheus, kOpenMetrics };

// What is asked for by an Accept header.
MetricsFormat metrics_format(std::string_view accept);
std::string_view content_type(MetricsFormat format);
// Prometheus' text, in which exemplars may stand, as OpenMetrics 1.0 has it: families of counters
// without `_total`, bounds with a fraction, and an end.
std::string open_metrics(std::string_view text);

// A label's value, quoted: a backslash, a quote and a line's end are escaped.
std::string label_value(std::string_view value);

class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);

  void observe(double value);
  // Of a request that is recorded: its trace is the exemplar of its bucket until the next one.
  void observe(double value, std::string_view trace_id);
  // The lines of one series, which `histograms` of the same bounds make together, at least one;
  // `labels` is "" or `a="b",c="d"`.
  static void write(std::string& out, std::string_view name, std::string_view labels,
                    std::span<const Histogram* const> histograms,
                    MetricsFormat format = MetricsFormat::kPrometheus);
  void write(std::string& out, std::string_view name, std::string_view labels,
             MetricsFormat format = MetricsFormat::kPrometheus) const {
    const Histogram* const alone = this;
    write(out, name, labels, {&alone, 1}, format);
  }

  static std::vector<double> durations();  // 35 bounds, 1e-5 * 1.5^k seconds
  static std::vector<double> powers_of_two(
      double most);  // 1, 2, 4 ... the first that is at least `most`

 private:
  struct Exemplar {
    std::string trace_id{};  // empty: there is none
    double value = 0, time = 0;
  };
  size_t bucket_of(double value) const;
  Exemplar exemplar(size_t bucket) const;

  std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;  // one more than bounds: the rest
  std::atomic<double> sum_{0};
  mutable std::mutex mutex_;         // guards what follows
  std::vector<Exemplar> exemplars_;  // as many as counts, once there is one
};

// TEI's two kinds of work, vectors, and labels or scores; and text.
enum class Work { kEmbed, kPredict, kGenerate };
Work work_of(Task task);

// What is counted of the inputs of one kind of work.
struct InputMetrics {
  InputMetrics();

  std::atomic<uint64_t> count{0}, success{0};
  Histogram duration, tokenization, queue, inference;
};

// What is counted of one model, whether it is in memory or not.
class ModelMetrics {
 public:
  // `name`: the label model_name.
  explicit ModelMetrics(const std::string& name);

  // A request of `inputs` for the engine: began, ended. `batch`: its input was a list.
  void request_began(bool batch, Work work, size_t inputs);
  // `results` is empty when it failed, `trace_id` when it is not recorded.
  void request_ended(bool batch, Work work, double seconds, std::span<const Result> results,
                     std::string_view trace_id = {});
  // A completion got tokens, its first or further ones, so many seconds after the request's start
  // or the ones before.
  void generated(bool first, double seconds, size_t tokens, std::string_view trace_id = {});
  // A completion has ended.
  void completed(FinishReason reason, int64_t tokens, double prefill, double decode);
  // A request's completions were given up.
  void aborted() { ++completed_[static_cast<size_t>(FinishReason::kAbort)]; }

  int64_t in_flight() const { return in_flight_; }

 private:
  friend class MetricsText;

  const std::string label_;  // model_name="..."
  std::atomic<int64_t> in_flight_{0}, truncated_{0};
  std::atomic<uint64_t> began_[2]{}, succeeded_[2]{};  // single, batch
  Histogram request_, tokenization_, queue_, inference_, input_length_;
  Histogram first_token_, next_token_;
  Histogram completion_length_, time_per_token_, prefill_, decode_;  // of completions
  std::atomic<int64_t> generated_{0};
  std::atomic<int64_t> completed_[3]{};  // by FinishReason
  InputMetrics inputs_[3];               // by Work
};

// A model's figures as they are now.
struct ModelFigures {
  const ModelMetrics& metrics;
  std::optional<EngineStats> stats{};  // none = it was never loaded
};

// What is counted of the server itself.
class Metrics {
 public:
  // A request of any route was not answered, for this cause.
  void failed(std::string_view cause);
  // Any answer at all.
  void answered(std::string_view method, std::string_view path, int status);
  void connection(int change) { connections_ += change; }

  // vLLM's names are of each model; TEI's, which have no label for it, of all together.
  // OpenMetrics are still to be finished by open_metrics().
  std::string text(std::span<const ModelFigures> models,
                   MetricsFormat format = MetricsFormat::kPrometheus) const;

 private:
  friend class MetricsText;

  std::atomic<int64_t> connections_{0};
  std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();

  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, int>, uint64_t> answers_;  // method, path, status
  std::map<std::string, uint64_t> failures_;
};

}  // namespace vecton::server
