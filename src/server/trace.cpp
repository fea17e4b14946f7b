#include "server/trace.h"

#include <algorithm>
#include <cstdio>

#include "base/json_text.h"

namespace vecton::server {

namespace {

constexpr int kServerSpan = 2, kInternalSpan = 1;  // SpanKind
constexpr int kStatusError = 2;                    // StatusCode

bool is_id(std::string_view text) {
  const auto hexadecimal = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return std::ranges::all_of(text, hexadecimal) && text.find_first_not_of('0') != text.npos;
}

std::string hexadecimal(uint64_t bits) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(bits));
  return text;
}

std::chrono::nanoseconds nanoseconds(double seconds) {
  return std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
}

void append_attribute(std::string& out, std::string_view key, const Trace::Value& value) {
  out += "{\"key\":";
  base::append_json_string(out, key);
  out += ",\"value\":{";
  if (const auto* text = std::get_if<std::string>(&value)) {
    out += "\"stringValue\":";
    base::append_json_string(out, *text);
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    out += "\"intValue\":\"" + std::to_string(*number) + "\"";
  } else {
    char digits[base::kDoubleText];
    out += "\"doubleValue\":";
    out.append(digits, base::write_float(digits, std::get<double>(value)));
  }
  out += "}}";
}

void begin_span(std::string& out, const Trace& trace, std::string_view name, const std::string& id,
                const std::string& parent, int kind, int64_t start, int64_t end) {
  out += "{\"traceId\":\"" + trace.trace_id() + "\",\"spanId\":\"" + id + "\"";
  if (!parent.empty()) out += ",\"parentSpanId\":\"" + parent + "\"";
  out += ",\"name\":\"" + std::string(name) + "\",\"kind\":" + std::to_string(kind) +
         ",\"startTimeUnixNano\":\"" + std::to_string(start) + "\",\"endTimeUnixNano\":\"" +
         std::to_string(end) + "\"";
}

void append_trace(std::string& out, const Trace& trace) {
  begin_span(out, trace, "llm_request", trace.span_id(), trace.parent_id(), kServerSpan,
             trace.start(), trace.end());
  out += ",\"attributes\":[";
  bool first = true;
  for (const auto& [key, value] : trace.attributes()) {
    if (!first) out += ',';
    first = false;
    append_attribute(out, key, value);
  }
  out += ']';
  if (trace.failed()) {
    out += ",\"status\":{\"code\":" + std::to_string(kStatusError) + ",\"message\":";
    base::append_json_string(out, trace.error());
    out += '}';
  }
  out += '}';
  for (const Trace::Span& station : trace.stations()) {
    out += ',';
    begin_span(out, trace, station.name, station.id, trace.span_id(), kInternalSpan, station.start,
               station.end);
    out += '}';
  }
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view header) {
  constexpr size_t kTrace = 3, kSpan = 36, kFlags = 53, kSize = 55;
  if (header.size() < kSize || header[kTrace - 1] != '-' || header[kSpan - 1] != '-' ||
      header[kFlags - 1] != '-')
    return {};
  const std::string_view version = header.substr(0, 2), trace = header.substr(kTrace, 32),
                         span = header.substr(kSpan, 16), flags = header.substr(kFlags, 2);
  const auto is_byte = [](std::string_view text) { return is_id("1" + std::string(text)); };
  if (!is_byte(version) || version == "ff" || !is_id(trace) || !is_id(span) || !is_byte(flags))
    return {};
  // Versions to come may say more.
  if (header.size() > kSize && (version == "00" || header[kSize] != '-')) return {};
  const char last = flags[1];
  const int digit = last <= '9' ? last - '0' : last - 'a' + 10;
  return TraceParent{std::string(trace), std::string(span), (digit & 1) != 0};
}

Trace::Trace(const std::optional<TraceParent>& parent, uint64_t (*random)())
    : random_(random), span_id_(hexadecimal(random())) {
  if (parent) {
    trace_id_ = parent->trace_id;
    parent_id_ = parent->span_id;
  } else {
    trace_id_ = hexadecimal(random()) + hexadecimal(random());
  }
}

// Of several inputs the one that took longest stands for all: the answer waited for it.
void Trace::computed(std::span<const Result> results) {
  computed_ = Clock::now();
  if (results.empty() || !submitted_) return;
  const auto total = [](const Result& result) {
    return result.timings.tokenization + result.timings.queue + result.timings.inference;
  };
  const Result& last = *std::ranges::max_element(
      results, [&](const Result& a, const Result& b) { return total(a) < total(b); });
  Clock::time_point at = *submitted_;
  const auto station = [&](const char* name, double seconds) {
    add_station(name, at, at + nanoseconds(seconds));
    at += nanoseconds(seconds);
  };
  station("tokenize", last.timings.tokenization);
  station("queue", last.timings.queue);
  station("compute", last.timings.inference);
  set("gen_ai.latency.time_in_queue", last.timings.queue);
  set("gen_ai.latency.time_in_model_inference", last.timings.inference);
}

void Trace::end(int status, std::string error) {
  end_ = Clock::now();
  if (working_) add_station("parse", *working_, submitted_.value_or(end_));
  if (computed_) add_station("render", *computed_, end_);
  set("http.response.status_code", int64_t{status});
  set("gen_ai.latency.e2e", std::chrono::duration<double>(end_ - start_).count());
  failed_ = !error.empty();
  error_ = std::move(error);
}

int64_t Trace::unix_time(Clock::time_point time) const {
  using namespace std::chrono;
  return duration_cast<std::chrono::nanoseconds>(began_.time_since_epoch() + (time - start_))
      .count();
}

void Trace::add_station(const char* name, Clock::time_point from, Clock::time_point to) {
  stations_.push_back({name, hexadecimal(random_()), unix_time(from), unix_time(to)});
}

std::string otlp_json(std::span<const Trace> traces, const std::string& service_name) {
  std::string out = "{\"resourceSpans\":[{\"resource\":{\"attributes\":[";
  append_attribute(out, "service.name", service_name);
  out += ',';
  append_attribute(out, "service.version", std::string(version()));
  out += "]},\"scopeSpans\":[{\"scope\":{\"name\":\"vecton\",\"version\":";
  base::append_json_string(out, version());
  out += "},\"spans\":[";
  for (size_t i = 0; i < traces.size(); ++i) {
    if (i) out += ',';
    append_trace(out, traces[i]);
  }
  return out + "]}]}]}";
}

}  // namespace vecton::server
