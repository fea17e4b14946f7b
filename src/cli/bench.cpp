// vecton bench: how fast a model runs, and how fast this machine could run it at most.
#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "backend/machine.h"
#include "base/counted.h"
#include "base/json.h"
#include "base/json_text.h"
#include "cli/arguments.h"
#include "cli/bench_modes.h"
#include "cli/bench_work.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace vecton::cli {

namespace {

struct Report {
  backend::Machine machine;
  backend::Peak peak;
  int threads = 0;
  int64_t texts = 0, tokens = 0;
  double seconds = 0, limit_seconds = 0;  // all texts at once: median round, and the least possible
  std::vector<double> latencies;          // seconds of single requests
  double single_share = 0;                // median of least possible / measured
  bool has_cache = false;                 // of prefixes
  int64_t cached_tokens = 0;              // that were found there instead of computed
};

// The least time for this work: arithmetic at the measured peak, or one reading of the weights.
double limit_seconds(const Engine& engine, const backend::Peak& peak,
                     std::span<const int64_t> tokens) {
  double flops = 0;
  for (int64_t count : tokens) flops += engine.flops(count);
  return std::max(flops / (peak.fma_gflops * 1e9),
                  static_cast<double>(engine.weight_bytes_per_pass()) / (peak.read_gbytes_s * 1e9));
}

// The better of two measurements: other work on the machine makes them too low, never too high.
backend::Peak best(const backend::Peak& a, const backend::Peak& b) {
  return {std::max(a.fma_gflops, b.fma_gflops), std::max(a.read_gbytes_s, b.read_gbytes_s)};
}

Report measure(const BenchOptions& options, Engine& engine) {
  const std::vector<Request> requests = bench_requests(options, engine.info());
  Report report;
  report.machine = backend::machine();
  report.threads = engine.info().threads;
  report.peak = backend::measure_peak(report.threads);

  std::vector<int64_t> tokens;
  for (const Result& result : run_round(engine, requests).results)  // warm-up
    tokens.push_back(result.usage.prompt_tokens);
  report.texts = static_cast<int64_t>(requests.size());
  for (int64_t count : tokens) report.tokens += count;
  std::vector<double> rounds, shares;
  for (int64_t i = 0; i < options.rounds; ++i)
    rounds.push_back(run_round(engine, requests).seconds);

  report.peak = best(report.peak, backend::measure_peak(report.threads));
  for (int64_t i = 0; i < options.requests; ++i) {
    const size_t at = static_cast<size_t>(i) % requests.size();
    report.latencies.push_back(run_round(engine, {requests[at]}).seconds);
    shares.push_back(limit_seconds(engine, report.peak, {&tokens[at], 1}) /
                     report.latencies.back());
  }
  report.seconds = percentile(rounds, 0.5);
  report.limit_seconds = limit_seconds(engine, report.peak, tokens);
  report.single_share = percentile(shares, 0.5);
  const EngineStats stats = engine.stats();
  report.has_cache = stats.cache_pages > 0;
  report.cached_tokens = stats.prefix_cache_hits;
  return report;
}

std::string as_json(const Report& report) {
  const auto per_second = [&](int64_t count) {
    return static_cast<double>(count) / report.seconds;
  };
  const json::object out{
      {"machine", json::object{{"cpu", report.machine.cpu},
                               {"isa", report.machine.isa},
                               {"cores", report.machine.cores},
                               {"threads", report.threads},
                               {"fma_gflops", report.peak.fma_gflops},
                               {"read_gbytes_s", report.peak.read_gbytes_s}}},
      {"texts", report.texts},
      {"tokens", report.tokens},
      {"prefix_cache",
       json::object{{"enabled", report.has_cache}, {"cached_tokens", report.cached_tokens}}},
      {"throughput", json::object{{"seconds", report.seconds},
                                  {"texts_per_s", per_second(report.texts)},
                                  {"tokens_per_s", per_second(report.tokens)},
                                  {"limit_seconds", report.limit_seconds},
                                  {"share_of_limit", report.limit_seconds / report.seconds}}},
      {"latency", json::object{{"requests", report.latencies.size()},
                               {"p50_ms", percentile(report.latencies, 0.5) * 1e3},
                               {"p90_ms", percentile(report.latencies, 0.9) * 1e3},
                               {"p99_ms", percentile(report.latencies, 0.99) * 1e3},
                               {"share_of_limit", report.single_share}}}};
  return base::json_text(out) + "\n";
}

// Whether every token was computed in every pass.
std::string cached(const Report& report) {
  if (!report.has_cache) return "all computed, without a prefix cache";
  if (report.cached_tokens == 0) return "all computed, none from the prefix cache";
  return format_count(report.cached_tokens) + " found in the prefix cache";
}

std::string as_table(const Report& report) {
  char text[1024];
  std::snprintf(text, sizeof text,
                "machine     %s, %s, %d of %d cores\n"
                "peak        %.1f GFLOP/s (float32 multiply-add), %.1f GB/s (memory)\n"
                "work        %s, %s: %s\n"
                "throughput  %.1f texts/s, %.0f tokens/s: %.3f s, %.0f %% of the limit (%.3f s)\n"
                "one text    p50 %.2f ms, p90 %.2f ms, p99 %.2f ms: %.0f %% of the limit\n",
                report.machine.cpu.c_str(), report.machine.isa.c_str(), report.threads,
                report.machine.cores, report.peak.fma_gflops, report.peak.read_gbytes_s,
                base::counted(report.texts, "text").c_str(),
                base::counted(report.tokens, "token").c_str(), cached(report).c_str(),
                static_cast<double>(report.texts) / report.seconds,
                static_cast<double>(report.tokens) / report.seconds, report.seconds,
                100 * report.limit_seconds / report.seconds, report.limit_seconds,
                percentile(report.latencies, 0.5) * 1e3, percentile(report.latencies, 0.9) * 1e3,
                percentile(report.latencies, 0.99) * 1e3, 100 * report.single_share);
  return text;
}

}  // namespace

std::function<void()> define_bench(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  add_engine_options(app, options->engine);
  app.remove_option(app.get_option("--compute"));
  app.add_option("--compute", options->engine.compute,
                 "How linear layers are multiplied: float32, bfloat16, int8 or float16; all: "
                 "compares the time and the answers of each [float32]")
      ->type_name("NAME")
      ->check(one_of({"float32", "bfloat16", "float16", "int8", "all"}))
      ->group("Running the model");
  add_input_options(app, options->input);
  const auto whole = [&](const char* name, int64_t& value, const char* description) {
    return app.add_option(name, value, description)->type_name("N")->transform(at_least(1));
  };
  whole("--texts", options->texts, "Made-up texts, when there is no --input [64]");
  whole("--tokens", options->tokens, "Tokens of each of them [128, if the model takes that many]");
  whole("--rounds", options->rounds, "Rounds over all texts; the median counts [5]");
  whole("--requests", options->requests, "Single requests for the latency [50]");
  app.add_flag("--json", options->json, "Print JSON");
  app.footer(
      "Examples:\n"
      "  vecton bench MODEL --input texts.txt --threads 2\n"
      "  vecton bench MODEL --texts 1 --tokens 16\n"
      "  vecton bench MODEL --input texts.txt --compute all\n"
      "\nThe limit is what the machine could do at most: useful multiply-adds at the peak measured "
      "here, or one reading\n"
      "of the weights at the memory's measured speed, whichever takes longer. With --input "
      "tokenizing counts too.");
  return [options] {
    if (options->engine.compute == "all") return print(compare_modes(*options));
    const auto engine = open_engine(options->engine);
    const Report report = measure(*options, *engine);
    print(options->json ? as_json(report) : as_table(report));
  };
}

}  // namespace vecton::cli
