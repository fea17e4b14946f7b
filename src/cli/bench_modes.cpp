#include "cli/bench_modes.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "backend/machine.h"
#include "base/counted.h"
#include "base/json.h"
#include "base/json_text.h"
#include "cli/agreement.h"
#include "cli/failure.h"
#include "cli/model_options.h"
#include "cli/progress.h"

namespace vecton::cli {

namespace {

struct Mode {
  std::string name;
  std::unique_ptr<Engine> engine;
  std::vector<double> rounds, latencies;
  std::vector<Measure> measures;

  double seconds() const { return percentile(rounds, 0.5); }
  double latency() const { return percentile(latencies, 0.5); }
};

std::vector<Mode> open_modes(const BenchOptions& options) {
  std::vector<Mode> modes;
  for (const std::string& name : backend::compute_names(options.engine.backend)) {
    EngineOptions engine = options.engine;
    engine.compute = name;
    try {
      modes.push_back({.name = name, .engine = open_engine(engine)});
    } catch (const Error& error) {  // a mode that is not for this model is left out, and said so
      if (modes.empty() || error.field() != "compute") throw;
      std::fprintf(stderr, "vecton: %s is left out: %s\n", name.c_str(), error.what());
    }
  }
  return modes;
}

// Fill-mask asks for texts with a mask, and is compared only where there is nothing else.
Task task_to_compare(const ModelInfo& info) {
  for (const Task task : info.tasks) {
    if (task != Task::kFillMask) return task;
  }
  return info.tasks.front();
}

std::vector<Request> as_pairs(std::vector<Request> texts) {
  if (texts.size() < 3 || !std::holds_alternative<std::string>(texts.front().prompt.input)) {
    throw Failure(ExitStatus::kUsage,
                  "--compute all: scores of pairs are compared on texts of yours: --input FILE, a "
                  "query and at least two documents");
  }
  std::vector<Request> pairs;
  for (size_t i = 1; i < texts.size(); ++i) {
    Request& pair = pairs.emplace_back(texts.front());
    pair.task = Score{.document = std::get<std::string>(texts[i].prompt.input)};
  }
  return pairs;
}

std::vector<Request> requests_of(const BenchOptions& options, const ModelInfo& info, Task task) {
  std::vector<Request> requests = bench_requests(options, info);
  if (task == Task::kScore) return as_pairs(std::move(requests));
  for (Request& request : requests) {
    request.task = default_parameters(task);
    if (auto* generate = std::get_if<Generate>(&request.task)) {
      generate->max_tokens = 16;
      generate->temperature = 0;
      request.prompt.truncation = {};
    }
  }
  return requests;
}

void measure(const BenchOptions& options, const std::vector<Request>& requests,
             std::vector<Mode>& modes) {
  std::vector<Result> exact;
  for (Mode& mode : modes) {  // warm-up
    std::vector<Result> results = run_round(*mode.engine, requests).results;
    if (exact.empty()) exact = results;
    mode.measures = agreement(exact, results);
  }
  for (int64_t i = 0; i < options.rounds; ++i) {
    for (Mode& mode : modes) mode.rounds.push_back(run_round(*mode.engine, requests).seconds);
  }
  for (int64_t i = 0; i < options.requests; ++i) {
    const Request& request = requests[static_cast<size_t>(i) % requests.size()];
    for (Mode& mode : modes) mode.latencies.push_back(run_round(*mode.engine, {request}).seconds);
  }
}

std::string as_json(const std::vector<Mode>& modes, Task task, size_t requests) {
  json::array rows;
  for (const Mode& mode : modes) {
    json::object agreement;
    for (const Measure& measure : mode.measures) agreement[measure.name] = measure.value;
    rows.push_back(json::object{{"compute", mode.name},
                                {"seconds", mode.seconds()},
                                {"p50_ms", mode.latency() * 1e3},
                                {"speed", modes.front().seconds() / mode.seconds()},
                                {"weight_bytes", mode.engine->info().weight_bytes},
                                {"agreement", std::move(agreement)}});
  }
  const json::object out{{"task", to_string(task)},
                         {"requests", requests},
                         {"isa", modes.front().engine->info().isa},
                         {"threads", modes.front().engine->info().threads},
                         {"modes", std::move(rows)}};
  return base::json_text(out) + "\n";
}

std::string words_of(const Measure& measure) {
  std::string name = measure.name;
  std::ranges::replace(name, '_', ' ');
  char text[96];
  std::snprintf(text, sizeof text, "%s %.6g", name.c_str(), measure.value);
  return text;
}

std::string as_table(const std::vector<Mode>& modes, Task task, size_t requests) {
  const ModelInfo& info = modes.front().engine->info();
  std::string text = std::string(to_string(task)) + ", " +
                     base::counted(static_cast<int64_t>(requests), "request") + ", " + info.isa +
                     ", " + base::counted(info.threads, "thread") + "\n";
  for (const Mode& mode : modes) {
    char row[160];
    std::snprintf(row, sizeof row, "%-9s %9.3f s (%.2f x)  one %8.2f ms (%.2f x)  %10s ",
                  mode.name.c_str(), mode.seconds(), modes.front().seconds() / mode.seconds(),
                  mode.latency() * 1e3, modes.front().latency() / mode.latency(),
                  format_bytes(static_cast<double>(mode.engine->info().weight_bytes)).c_str());
    text += row;
    for (size_t i = 0; i < mode.measures.size(); ++i)
      text += (i == 0 ? " " : ", ") + words_of(mode.measures[i]);
    text += "\n";
  }
  return text;
}

}  // namespace

std::string compare_modes(const BenchOptions& options) {
  std::vector<Mode> modes = open_modes(options);
  const ModelInfo& info = modes.front().engine->info();
  const Task task = task_to_compare(info);
  const std::vector<Request> requests = requests_of(options, info, task);
  measure(options, requests, modes);
  return options.json ? as_json(modes, task, requests.size())
                      : as_table(modes, task, requests.size());
}

}  // namespace vecton::cli
