#include "server/metrics.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "server/headers.h"
#include "server/render.h"

namespace vecton::server {

namespace {

constexpr double kLongestInput = 1 << 20;  // tokens
const char* const kMethod[] = {"single", "batch"};

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out.append("# HELP ")
      .append(name)
      .append(" ")
      .append(help)
      .append("\n# TYPE ")
      .append(name)
      .append(" ");
  out.append(type).append("\n");
}

void begin(std::string& out, std::string_view name, std::string_view labels) {
  out += name;
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out += ' ';
}

void line(std::string& out, std::string_view name, std::string_view labels, double value) {
  begin(out, name, labels);
  append_number(out, value);
  out += '\n';
}

void line(std::string& out, std::string_view name, std::string_view labels, int64_t value) {
  begin(out, name, labels);
  append_number(out, value);
  out += '\n';
}

// " # {trace_id="..."} VALUE TIME" behind a bucket; nothing without a trace.
void append_exemplar(std::string& out, const std::string& trace_id, double value, double time) {
  if (trace_id.empty()) return;
  out.append(" # {trace_id=\"").append(trace_id).append("\"} ");
  append_number(out, value);
  char text[32];
  std::snprintf(text, sizeof text, " %.3f", time);
  out += text;
}

void single(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            std::string_view labels, int64_t value) {
  head(out, name, type, help);
  line(out, name, labels, value);
}

int64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (!file) return 0;
  long pages = 0;
  if (std::fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
  std::fclose(file);
  return static_cast<int64_t>(pages) * sysconf(_SC_PAGESIZE);
}

void write_process(std::string& out, std::chrono::system_clock::time_point started) {
  single(out, "process_resident_memory_bytes", "gauge", "Resident memory.", "", resident_bytes());
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  head(out, "process_cpu_seconds_total", "counter", "CPU time spent.");
  line(out, "process_cpu_seconds_total", "",
       static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9);
  head(out, "process_start_time_seconds", "gauge", "Start, in Unix time.");
  line(out, "process_start_time_seconds", "",
       std::chrono::duration<double>(started.time_since_epoch()).count());
}

constexpr std::string_view kOpenMetricsType = "application/openmetrics-text";
constexpr std::string_view kCounter = " counter", kTotal = "_total";

// The family of "# HELP NAME ..." or "# TYPE NAME ...".
std::string_view family_of(std::string_view line) {
  line.remove_prefix(std::min(line.find(' ', 2) + 1, line.size()));
  return line.substr(0, line.find(' '));
}

// `le="1"` as `le="1.0"`.
void append_with_bound(std::string& out, std::string_view line) {
  constexpr std::string_view kBound = "le=\"";
  const size_t start = line.find("_bucket{") == line.npos ? line.npos : line.rfind(kBound);
  const size_t end = start == line.npos ? start : line.find('"', start + kBound.size());
  const std::string_view bound =
      end == line.npos ? "." : line.substr(start + kBound.size(), end - start - kBound.size());
  if (bound.find_first_of(".eI") != bound.npos) {
    out.append(line);
  } else {
    out.append(line.substr(0, end)).append(".0").append(line.substr(end));
  }
}

}  // namespace

MetricsFormat metrics_format(std::string_view accept) {
  return quality(accept, kOpenMetricsType).value_or(0) > 0 ? MetricsFormat::kOpenMetrics
                                                           : MetricsFormat::kPrometheus;
}

std::string_view content_type(MetricsFormat format) {
  return format == MetricsFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string open_metrics(std::string_view text) {
  std::string out;
  std::string_view help;  // waits for its type
  const auto named = [&out](std::string_view line, std::string_view family) {
    const std::string_view whole = family_of(line);
    const size_t at = static_cast<size_t>(whole.data() - line.data());
    out.append(line.substr(0, at)).append(family).append(line.substr(at + whole.size()));
    out += '\n';
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("# HELP ")) {
      help = line;
    } else if (line.starts_with("# TYPE ")) {
      std::string_view family = family_of(line);
      std::string typed(line);
      if (line.ends_with(kCounter)) {
        if (family.ends_with(kTotal)) {
          family.remove_suffix(kTotal.size());
        } else {  // a name of TEI's: counters have another ending here
          typed.replace(typed.size() - kCounter.size(), kCounter.size(), " unknown");
        }
      }
      if (!help.empty()) named(help, family);
      named(typed, std::string(family));
      help = {};
    } else {
      append_with_bound(out, line);
      out += '\n';
    }
  }
  return out + "# EOF\n";
}

std::string label_value(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

size_t Histogram::bucket_of(double value) const {
  return static_cast<size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                             bounds_.begin());
}

void Histogram::observe(double value) {
  counts_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::observe(double value, std::string_view trace_id) {
  observe(value);
  if (trace_id.empty()) return;
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const std::lock_guard lock(mutex_);
  exemplars_.resize(counts_.size());
  exemplars_[bucket_of(value)] = {std::string(trace_id), value, now};
}

Histogram::Exemplar Histogram::exemplar(size_t bucket) const {
  const std::lock_guard lock(mutex_);
  return exemplars_.empty() ? Exemplar{} : exemplars_[bucket];
}

void Histogram::write(std::string& out, std::string_view name, std::string_view labels,
                      std::span<const Histogram* const> histograms, MetricsFormat format) {
  const std::string bucket = std::string(name) + "_bucket";
  const std::string more = labels.empty() ? "" : std::string(labels) + ",";
  const Histogram& first = *histograms.front();
  int64_t total = 0;
  double sum = 0;
  for (const Histogram* each : histograms) sum += each->sum_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < first.counts_.size(); ++i) {
    for (const Histogram* each : histograms)
      total += static_cast<int64_t>(each->counts_[i].load(std::memory_order_relaxed));
    std::string bound = "+Inf";
    if (i < first.bounds_.size()) {
      bound.clear();
      append_number(bound, first.bounds_[i]);
    }
    begin(out, bucket, more + "le=\"" + bound + "\"");
    append_number(out, total);
    if (format == MetricsFormat::kOpenMetrics) {
      Exemplar last;
      for (const Histogram* each : histograms) {
        if (Exemplar other = each->exemplar(i); other.time > last.time) last = std::move(other);
      }
      append_exemplar(out, last.trace_id, last.value, last.time);
    }
    out += '\n';
  }
  line(out, std::string(name) + "_sum", labels, sum);
  line(out, std::string(name) + "_count", labels, total);
}

std::vector<double> Histogram::durations() {
  std::vector<double> bounds;
  for (double bound = 1e-5; bounds.size() < 35; bound *= 1.5) bounds.push_back(bound);
  return bounds;
}

std::vector<double> Histogram::powers_of_two(double most) {
  std::vector<double> bounds{1};
  while (bounds.back() < most) bounds.push_back(bounds.back() * 2);
  return bounds;
}

Work work_of(Task task) {
  switch (task) {
    case Task::kEmbed:
    case Task::kTokenEmbed:
    case Task::kSparseEmbed:
      return Work::kEmbed;
    case Task::kClassify:
    case Task::kTokenClassify:
    case Task::kScore:
    case Task::kFillMask:
      break;
    case Task::kGenerate:
      return Work::kGenerate;
  }
  return Work::kPredict;
}

InputMetrics::InputMetrics()
    : duration(Histogram::durations()),
      tokenization(Histogram::durations()),
      queue(Histogram::durations()),
      inference(Histogram::durations()) {}

ModelMetrics::ModelMetrics(const std::string& name)
    : label_("model_name=" + label_value(name)),
      request_(Histogram::durations()),
      tokenization_(Histogram::durations()),
      queue_(Histogram::durations()),
      inference_(Histogram::durations()),
      input_length_(Histogram::powers_of_two(kLongestInput)),
      first_token_(Histogram::durations()),
      next_token_(Histogram::durations()),
      completion_length_(Histogram::powers_of_two(kLongestInput)),
      time_per_token_(Histogram::durations()),
      prefill_(Histogram::durations()),
      decode_(Histogram::durations()) {}

void ModelMetrics::request_began(bool batch, Work work, size_t inputs) {
  ++in_flight_;
  ++began_[batch];
  inputs_[static_cast<size_t>(work)].count += inputs;
}

void ModelMetrics::request_ended(bool batch, Work work, double seconds,
                                 std::span<const Result> results, std::string_view trace_id) {
  --in_flight_;
  request_.observe(seconds, trace_id);
  if (!results.empty()) ++succeeded_[batch];
  InputMetrics& inputs = inputs_[static_cast<size_t>(work)];
  inputs.success += results.size();
  for (const Result& result : results) {
    const Timings& times = result.timings;
    inputs.duration.observe(times.tokenization + times.queue + times.inference);
    inputs.tokenization.observe(times.tokenization);
    inputs.queue.observe(times.queue);
    inputs.inference.observe(times.inference);
    tokenization_.observe(result.timings.tokenization);
    queue_.observe(result.timings.queue);
    inference_.observe(result.timings.inference);
    input_length_.observe(static_cast<double>(result.usage.prompt_tokens));
    truncated_ += result.usage.truncated;
  }
}

void ModelMetrics::generated(bool first, double seconds, size_t tokens, std::string_view trace_id) {
  generated_ += static_cast<int64_t>(tokens);
  if (tokens == 0) return;
  // Tokens of one step came after the same time: each waited for its share.
  Histogram& histogram = first ? first_token_ : next_token_;
  const double each = first ? seconds : seconds / static_cast<double>(tokens);
  for (size_t i = 0; i < (first ? 1 : tokens); ++i)
    histogram.observe(each, first ? trace_id : std::string_view());
}

void ModelMetrics::completed(FinishReason reason, int64_t tokens, double prefill, double decode) {
  ++completed_[static_cast<size_t>(reason)];
  completion_length_.observe(static_cast<double>(tokens));
  prefill_.observe(prefill);
  decode_.observe(decode);
  if (tokens > 1) time_per_token_.observe(decode / static_cast<double>(tokens - 1));
}

void Metrics::failed(std::string_view cause) {
  const std::lock_guard lock(mutex_);
  ++failures_[std::string(cause)];
}

void Metrics::answered(std::string_view method, std::string_view path, int status) {
  const std::lock_guard lock(mutex_);
  ++answers_[{std::string(method), std::string(path), status}];
}

// Writes a text of metrics: the lines of a family stand together, whatever model they are of.
class MetricsText {
 public:
  MetricsText(const Metrics& server, std::span<const ModelFigures> models, MetricsFormat format)
      : server_(server), models_(models), format_(format) {}

  std::string write() {
    {
      const std::lock_guard lock(server_.mutex_);
      requests();
    }
    if (std::ranges::any_of(models_, [](const ModelFigures& m) { return m.stats.has_value(); }))
      engines();
    histograms();
    inputs();
    write_process(out_, server_.started_);
    return std::move(out_);
  }

 private:
  // The sum over all models.
  template <class Count>
  int64_t sum(const Count& count) const {
    int64_t total = 0;
    for (const ModelFigures& model : models_) total += static_cast<int64_t>(count(model.metrics));
    return total;
  }
  template <class Count>
  int64_t sum_of_stats(const Count& count) const {
    int64_t total = 0;
    for (const ModelFigures& model : models_) total += model.stats ? count(*model.stats) : 0;
    return total;
  }

  // A line for each model that has been loaded. vLLM's names have the label `engine` as well.
  template <class Value>
  void of_each(std::string_view name, std::string_view type, std::string_view help,
               const Value& value) {
    head(out_, name, type, help);
    for (const ModelFigures& model : models_) {
      if (model.stats) line(out_, name, labels(model, name), value(*model.stats));
    }
  }
  static std::string labels(const ModelFigures& model, std::string_view name) {
    return model.metrics.label_ + (name.starts_with("vllm:") ? ",engine=\"0\"" : "");
  }

  void by_method(std::string_view name, std::string_view help,
                 std::atomic<uint64_t> (ModelMetrics::*counts)[2]) {
    head(out_, name, "counter", help);
    for (size_t i = 0; i < 2; ++i) {
      line(out_, name, std::string("method=\"") + kMethod[i] + "\"",
           sum([&](const ModelMetrics& m) { return (m.*counts)[i].load(); }));
    }
  }

  void requests();
  void engines();
  void completions();
  void histograms();
  void inputs();

  const Metrics& server_;
  const std::span<const ModelFigures> models_;
  const MetricsFormat format_;
  std::string out_;
};

void MetricsText::requests() {
  by_method("te_request_count", "Requests for a model.", &ModelMetrics::began_);
  by_method("te_request_success", "Requests answered.", &ModelMetrics::succeeded_);
  head(out_, "te_request_failure", "counter", "Requests refused or failed, by cause.");
  for (const auto& [cause, count] : server_.failures_) {
    line(out_, "te_request_failure", "err=" + label_value(cause), static_cast<int64_t>(count));
  }
  head(out_, "vecton_http_requests_total", "counter", "Answers, by method, path and status.");
  for (const auto& [key, count] : server_.answers_) {
    const auto& [method, path, status] = key;
    line(out_, "vecton_http_requests_total",
         "method=" + label_value(method) + ",path=" + label_value(path) + ",status=\"" +
             std::to_string(status) + "\"",
         static_cast<int64_t>(count));
  }
  single(out_, "vecton_http_connections", "gauge", "Open connections.", "", server_.connections_);
  single(out_, "vecton_truncated_inputs_total", "counter", "Inputs cut to fit.", "",
         sum([](const ModelMetrics& m) { return m.truncated_.load(); }));
}

void MetricsText::completions() {
  head(out_, "vllm:request_success_total", "counter",
       "Inputs answered; of those that generate, completions.");
  for (const ModelFigures& model : models_) {
    if (!model.stats) continue;
    const ModelMetrics& metrics = model.metrics;
    // Answers that are no text have nothing to stop at.
    const auto pooled =
        static_cast<int64_t>(metrics.inputs_[static_cast<size_t>(Work::kEmbed)].success +
                             metrics.inputs_[static_cast<size_t>(Work::kPredict)].success);
    for (const FinishReason reason :
         {FinishReason::kStop, FinishReason::kLength, FinishReason::kAbort}) {
      line(out_, "vllm:request_success_total",
           labels(model, "vllm:") + ",finished_reason=\"" + to_string(reason) + "\"",
           metrics.completed_[static_cast<size_t>(reason)] +
               (reason == FinishReason::kStop ? pooled : 0));
    }
  }
  head(out_, "vllm:generation_tokens_total", "counter", "Tokens generated.");
  for (const ModelFigures& model : models_) {
    if (model.stats)
      line(out_, "vllm:generation_tokens_total", labels(model, "vllm:"),
           model.metrics.generated_.load());
  }
}

void MetricsText::engines() {
  using Stats = const EngineStats&;
  of_each("vllm:num_requests_running", "gauge", "Inputs being computed.",
          [](Stats s) { return s.requests_running; });
  of_each("vllm:num_requests_waiting", "gauge", "Inputs waiting.",
          [](Stats s) { return s.requests_waiting; });
  of_each("vllm:prompt_tokens_total", "counter", "Tokens computed.",
          [](Stats s) { return s.prompt_tokens; });
  completions();
  of_each("vllm:num_preemptions_total", "counter",
          "Completions that made room for others and were computed anew.",
          [](Stats s) { return s.preemptions; });
  of_each("vllm:spec_decode_num_drafts_total", "counter",
          "Passes that checked a draft (speculative_config).",
          [](Stats s) { return s.spec_decode_drafts; });
  of_each("vllm:spec_decode_num_draft_tokens_total", "counter", "Tokens of drafts.",
          [](Stats s) { return s.spec_decode_draft_tokens; });
  of_each("vllm:spec_decode_num_accepted_tokens_total", "counter",
          "Tokens of drafts that were right.",
          [](Stats s) { return s.spec_decode_accepted_tokens; });
  of_each("vllm:prefix_cache_queries_total", "counter", "Tokens looked up in the prefix cache.",
          [](Stats s) { return s.prefix_cache_queries; });
  of_each("vllm:prefix_cache_hits_total", "counter", "Tokens found in the prefix cache.",
          [](Stats s) { return s.prefix_cache_hits; });
  of_each("vllm:kv_cache_usage_perc", "gauge",
          "Share of the cache's pages that requests hold; 1 is all.", [](Stats s) {
            return s.cache_pages > 0 ? static_cast<double>(s.cache_pages_used) /
                                           static_cast<double>(s.cache_pages)
                                     : 0.0;
          });
  of_each("vecton_kv_cache_tokens", "gauge", "Tokens that the cache has room for.",
          [](Stats s) { return s.cache_tokens; });
  single(out_, "te_queue_size", "gauge", "Inputs waiting.", "",
         sum_of_stats([](Stats s) { return s.requests_waiting; }));
  of_each("vecton_tokens_waiting", "gauge", "Tokens waiting.",
          [](Stats s) { return s.tokens_waiting; });
  of_each("vecton_inputs_failed_total", "counter", "Inputs that the model failed on.",
          [](Stats s) { return s.requests_failed; });
  of_each("vecton_inputs_cancelled_total", "counter", "Inputs given up by their client.",
          [](Stats s) { return s.requests_cancelled; });
  of_each("vecton_batches_total", "counter", "Forward passes.", [](Stats s) { return s.batches; });
}

void MetricsText::histograms() {
  using M = ModelMetrics;
  const struct {
    const char* name;
    const char* help;
    Histogram M::*histogram;
  } all[] = {
      {"te_request_duration", "Seconds from a request to its answer.", &M::request_},
      {"te_request_tokenization_duration", "Seconds of tokenizing one input.", &M::tokenization_},
      {"te_request_queue_duration", "Seconds that one input waited.", &M::queue_},
      {"te_request_inference_duration", "Seconds of the forward pass of one input.",
       &M::inference_},
      {"te_request_input_length", "Tokens of one input.", &M::input_length_},
      {"vllm:e2e_request_latency_seconds", "Seconds from a request to its answer.", &M::request_},
      {"vllm:request_queue_time_seconds", "Seconds that one input waited.", &M::queue_},
      {"vllm:request_inference_time_seconds", "Seconds of the forward pass of one input.",
       &M::inference_},
      {"vllm:time_to_first_token_seconds", "Seconds from a request to its first token.",
       &M::first_token_},
      {"vllm:inter_token_latency_seconds", "Seconds from one token to the next.", &M::next_token_},
      {"vllm:time_per_output_token_seconds",
       "Seconds from one token to the next, by its older name.", &M::next_token_},
      {"vllm:request_time_per_output_token_seconds",
       "Seconds of a completion's tokens behind its first, their mean.", &M::time_per_token_},
      {"vllm:request_prefill_time_seconds", "Seconds from a request to a completion's first token.",
       &M::prefill_},
      {"vllm:request_decode_time_seconds", "Seconds from a completion's first token to its last.",
       &M::decode_},
      {"vllm:request_generation_tokens", "Tokens of one completion.", &M::completion_length_},
      {"vllm:request_prompt_tokens", "Tokens of one input.", &M::input_length_},
  };
  for (const auto& entry : all) {
    head(out_, entry.name, "histogram", entry.help);
    std::vector<const Histogram*> together;
    for (const ModelFigures& model : models_) {
      const Histogram& histogram = model.metrics.*entry.histogram;
      if (std::string_view(entry.name).starts_with("vllm:")) {
        histogram.write(out_, entry.name, labels(model, entry.name), format_);
      } else {
        together.push_back(&histogram);
      }
    }
    if (!together.empty()) Histogram::write(out_, entry.name, "", together, format_);
  }
}

void MetricsText::inputs() {
  for (const Work work : {Work::kEmbed, Work::kPredict}) {
    const auto of = [work](const ModelMetrics& m) -> const InputMetrics& {
      return m.inputs_[static_cast<size_t>(work)];
    };
    const std::string name = work == Work::kEmbed ? "te_embed" : "te_predict";
    single(out_, name + "_count", "counter", "Inputs taken.", "",
           sum([&](const ModelMetrics& m) { return of(m).count.load(); }));
    single(out_, name + "_success", "counter", "Inputs answered.", "",
           sum([&](const ModelMetrics& m) { return of(m).success.load(); }));
    const struct {
      const char *station, *help;
      Histogram InputMetrics::*histogram;
    } all[] = {
        {"", "Seconds of one input.", &InputMetrics::duration},
        {"_tokenization", "Seconds of tokenizing one input.", &InputMetrics::tokenization},
        {"_queue", "Seconds that one input waited.", &InputMetrics::queue},
        {"_inference", "Seconds of the forward pass of one input.", &InputMetrics::inference}};
    for (const auto& entry : all) {
      const std::string series = name + entry.station + "_duration";
      head(out_, series, "histogram", entry.help);
      std::vector<const Histogram*> together;
      for (const ModelFigures& model : models_)
        together.push_back(&(of(model.metrics).*entry.histogram));
      Histogram::write(out_, series, "", together);
    }
  }
}

std::string Metrics::text(std::span<const ModelFigures> models, MetricsFormat format) const {
  return MetricsText(*this, models, format).write();
}

}  // namespace vecton::server
