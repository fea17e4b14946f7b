#include "server/metrics.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

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

void single(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            std::string_view labels, int64_t value) {
  head(out, name, type, help);
  line(out, name, labels, value);
}

// A label's value, quoted: a backslash, a quote and a line's end are escaped.
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

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::write(std::string& out, std::string_view name, std::string_view labels) const {
  const std::string bucket = std::string(name) + "_bucket";
  const std::string more = labels.empty() ? "" : std::string(labels) + ",";
  int64_t total = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    total += static_cast<int64_t>(counts_[i].load(std::memory_order_relaxed));
    std::string bound = "+Inf";
    if (i < bounds_.size()) {
      bound.clear();
      append_number(bound, bounds_[i]);
    }
    line(out, bucket, more + "le=\"" + bound + "\"", total);
  }
  line(out, std::string(name) + "_sum", labels, sum_.load(std::memory_order_relaxed));
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

Metrics::Metrics()
    : request_(Histogram::durations()),
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

void Metrics::set_model(const std::string& name) {
  const std::lock_guard lock(mutex_);
  model_labels_ = "model_name=" + label_value(name) + ",engine=\"0\"";
}

void Metrics::request_began(bool batch, Work work, size_t inputs) {
  ++in_flight_;
  ++began_[batch];
  inputs_[static_cast<size_t>(work)].count += inputs;
}

void Metrics::request_ended(bool batch, Work work, double seconds,
                            std::span<const Result> results) {
  --in_flight_;
  request_.observe(seconds);
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

void Metrics::generated(bool first, double seconds, size_t tokens) {
  generated_ += static_cast<int64_t>(tokens);
  if (tokens == 0) return;
  // Tokens of one step came after the same time: each waited for its share.
  Histogram& histogram = first ? first_token_ : next_token_;
  const double each = first ? seconds : seconds / static_cast<double>(tokens);
  for (size_t i = 0; i < (first ? 1 : tokens); ++i) histogram.observe(each);
}

void Metrics::completed(FinishReason reason, int64_t tokens, double prefill, double decode) {
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

void Metrics::write_requests(std::string& out) const {
  head(out, "te_request_count", "counter", "Requests for the model.");
  for (int i = 0; i < 2; ++i) {
    line(out, "te_request_count", std::string("method=\"") + kMethod[i] + "\"",
         static_cast<int64_t>(began_[i]));
  }
  head(out, "te_request_success", "counter", "Requests answered.");
  for (int i = 0; i < 2; ++i) {
    line(out, "te_request_success", std::string("method=\"") + kMethod[i] + "\"",
         static_cast<int64_t>(succeeded_[i]));
  }
  head(out, "te_request_failure", "counter", "Requests refused or failed, by cause.");
  for (const auto& [cause, count] : failures_) {
    line(out, "te_request_failure", "err=" + label_value(cause), static_cast<int64_t>(count));
  }
  head(out, "vecton_http_requests_total", "counter", "Answers, by method, path and status.");
  for (const auto& [key, count] : answers_) {
    const auto& [method, path, status] = key;
    line(out, "vecton_http_requests_total",
         "method=" + label_value(method) + ",path=" + label_value(path) + ",status=\"" +
             std::to_string(status) + "\"",
         static_cast<int64_t>(count));
  }
  single(out, "vecton_http_connections", "gauge", "Open connections.", "", connections_);
  single(out, "vecton_truncated_inputs_total", "counter", "Inputs cut to fit.", "", truncated_);
}

void Metrics::write_engine(std::string& out, const EngineStats& stats) const {
  const std::string& model = model_labels_;
  single(out, "vllm:num_requests_running", "gauge", "Inputs being computed.", model,
         stats.requests_running);
  single(out, "vllm:num_requests_waiting", "gauge", "Inputs waiting.", model,
         stats.requests_waiting);
  single(out, "vllm:prompt_tokens_total", "counter", "Tokens computed.", model,
         stats.prompt_tokens);
  // Answers that are no text have nothing to stop at.
  const int64_t pooled = static_cast<int64_t>(inputs_[static_cast<size_t>(Work::kEmbed)].success +
                                              inputs_[static_cast<size_t>(Work::kPredict)].success);
  head(out, "vllm:request_success_total", "counter",
       "Inputs answered; of those that generate, completions.");
  for (const FinishReason reason :
       {FinishReason::kStop, FinishReason::kLength, FinishReason::kAbort}) {
    line(out, "vllm:request_success_total",
         model + ",finished_reason=\"" + to_string(reason) + "\"",
         completed_[static_cast<size_t>(reason)] + (reason == FinishReason::kStop ? pooled : 0));
  }
  single(out, "vllm:generation_tokens_total", "counter", "Tokens generated.", model, generated_);
  single(out, "vllm:num_preemptions_total", "counter",
         "Completions that made room for others and were computed anew.", model, stats.preemptions);
  single(out, "vllm:spec_decode_num_drafts_total", "counter",
         "Passes that checked a draft (speculative_config).", model, stats.spec_decode_drafts);
  single(out, "vllm:spec_decode_num_draft_tokens_total", "counter", "Tokens of drafts.", model,
         stats.spec_decode_draft_tokens);
  single(out, "vllm:spec_decode_num_accepted_tokens_total", "counter",
         "Tokens of drafts that were right.", model, stats.spec_decode_accepted_tokens);
  single(out, "vllm:prefix_cache_queries_total", "counter", "Tokens looked up in the prefix cache.",
         model, stats.prefix_cache_queries);
  single(out, "vllm:prefix_cache_hits_total", "counter", "Tokens found in the prefix cache.", model,
         stats.prefix_cache_hits);
  head(out, "vllm:kv_cache_usage_perc", "gauge", "Share of the cache's pages in use; 1 is all.");
  line(out, "vllm:kv_cache_usage_perc", model,
       stats.cache_pages > 0
           ? static_cast<double>(stats.cache_pages_used) / static_cast<double>(stats.cache_pages)
           : 0.0);
  single(out, "vecton_kv_cache_tokens", "gauge", "Tokens that the cache has room for.", model,
         stats.cache_tokens);
  single(out, "te_queue_size", "gauge", "Inputs waiting.", "", stats.requests_waiting);
  single(out, "vecton_tokens_waiting", "gauge", "Tokens waiting.", "", stats.tokens_waiting);
  single(out, "vecton_inputs_failed_total", "counter", "Inputs that the model failed on.", "",
         stats.requests_failed);
  single(out, "vecton_inputs_cancelled_total", "counter", "Inputs given up by their client.", "",
         stats.requests_cancelled);
  single(out, "vecton_batches_total", "counter", "Forward passes.", "", stats.batches);
}

void Metrics::write_histograms(std::string& out) const {
  const struct {
    const char* name;
    const char* help;
    const Histogram& histogram;
    bool model;  // carries the model's labels
  } all[] = {
      {"te_request_duration", "Seconds from a request to its answer.", request_, false},
      {"te_request_tokenization_duration", "Seconds of tokenizing one input.", tokenization_,
       false},
      {"te_request_queue_duration", "Seconds that one input waited.", queue_, false},
      {"te_request_inference_duration", "Seconds of the forward pass of one input.", inference_,
       false},
      {"te_request_input_length", "Tokens of one input.", input_length_, false},
      {"vllm:e2e_request_latency_seconds", "Seconds from a request to its answer.", request_, true},
      {"vllm:request_queue_time_seconds", "Seconds that one input waited.", queue_, true},
      {"vllm:request_inference_time_seconds", "Seconds of the forward pass of one input.",
       inference_, true},
      {"vllm:time_to_first_token_seconds", "Seconds from a request to its first token.",
       first_token_, true},
      {"vllm:inter_token_latency_seconds", "Seconds from one token to the next.", next_token_,
       true},
      {"vllm:time_per_output_token_seconds",
       "Seconds from one token to the next, by its older name.", next_token_, true},
      {"vllm:request_time_per_output_token_seconds",
       "Seconds of a completion's tokens behind its first, their mean.", time_per_token_, true},
      {"vllm:request_prefill_time_seconds", "Seconds from a request to a completion's first token.",
       prefill_, true},
      {"vllm:request_decode_time_seconds", "Seconds from a completion's first token to its last.",
       decode_, true},
      {"vllm:request_generation_tokens", "Tokens of one completion.", completion_length_, true},
      {"vllm:request_prompt_tokens", "Tokens of one input.", input_length_, true},
  };
  for (const auto& entry : all) {
    head(out, entry.name, "histogram", entry.help);
    entry.histogram.write(out, entry.name,
                          entry.model ? std::string_view(model_labels_) : std::string_view());
  }
}

void Metrics::write_inputs(std::string& out) const {
  for (const Work work : {Work::kEmbed, Work::kPredict}) {
    const InputMetrics& inputs = inputs_[static_cast<size_t>(work)];
    const std::string name = work == Work::kEmbed ? "te_embed" : "te_predict";
    single(out, name + "_count", "counter", "Inputs taken.", "",
           static_cast<int64_t>(inputs.count));
    single(out, name + "_success", "counter", "Inputs answered.", "",
           static_cast<int64_t>(inputs.success));
    const struct {
      const char *station, *help;
      const Histogram& histogram;
    } all[] = {{"", "Seconds of one input.", inputs.duration},
               {"_tokenization", "Seconds of tokenizing one input.", inputs.tokenization},
               {"_queue", "Seconds that one input waited.", inputs.queue},
               {"_inference", "Seconds of the forward pass of one input.", inputs.inference}};
    for (const auto& entry : all) {
      const std::string series = name + entry.station + "_duration";
      head(out, series, "histogram", entry.help);
      entry.histogram.write(out, series, "");
    }
  }
}

std::string Metrics::text(const EngineStats* stats) const {
  std::string out;
  {
    const std::lock_guard lock(mutex_);
    write_requests(out);
    if (stats) write_engine(out, *stats);
    write_histograms(out);
    write_inputs(out);
  }
  write_process(out, started_);
  return out;
}

}  // namespace vecton::server
