// bench_generate MODEL [--sequences N] [--context TOKENS] [--tokens N] [--prefill TOKENS]
// [--beside TOKENS] [--threads N] [--rounds N] [--compute NAME] [--quantization NAME]
// [--kv-cache-dtype NAME]
//
// Text generation on token ids: steps of --sequences sequences that go on from --context tokens, as
// a share of what reading the weights once and the cached keys and values takes; the time to the
// first token of a prompt of --prefill tokens, as a share of the FLOP limit (docs/PERFORMANCE.md);
// and with --beside the times between the tokens of one sequence while prompts of so many tokens
// come in one after the other.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backend/machine.h"
#include "vecton/vecton.h"

namespace {

using vecton::Engine;
using vecton::Generate;
using vecton::Request;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string model, compute = "float32", quantization = "auto", kv_cache_dtype = "auto";
  int64_t sequences = 1, context = 16, tokens = 64, prefill = 512, beside = 0, threads = 2,
          rounds = 3;
};

Arguments parse(int argc, char** argv) {
  Arguments a{.model = argc > 1 ? argv[1] : ""};
  const std::map<std::string, std::string*> texts{{"--compute", &a.compute},
                                                  {"--quantization", &a.quantization},
                                                  {"--kv-cache-dtype", &a.kv_cache_dtype}};
  const std::map<std::string, int64_t*> numbers{
      {"--sequences", &a.sequences}, {"--context", &a.context}, {"--tokens", &a.tokens},
      {"--prefill", &a.prefill},     {"--beside", &a.beside},   {"--threads", &a.threads},
      {"--rounds", &a.rounds}};
  for (int i = 2; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 == argc || !(texts.contains(flag) || numbers.contains(flag)))
      throw std::invalid_argument(flag + ": no such option, or its value is missing");
    if (texts.contains(flag)) {
      *texts.at(flag) = argv[i + 1];
    } else {
      *numbers.at(flag) = std::stoll(argv[i + 1]);
    }
  }
  return a;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double part(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values.empty() ? 0 : values[static_cast<size_t>(share * last)];
}

class Bench {
 public:
  explicit Bench(const Arguments& a) : a_(a) {
    vecton::EngineOptions options{.model = a.model};
    options.runner = "generate";
    options.threads = static_cast<int>(a.threads);
    options.enable_prefix_caching = false;
    options.compute = a.compute;
    options.quantization = a.quantization;
    options.kv_cache_dtype = a.kv_cache_dtype;
    engine_ = Engine::open(options);
  }

  void run() {
    const vecton::backend::Peak peak = vecton::backend::measure_peak(static_cast<int>(a_.threads));
    std::printf("# %s %s, peak %.1f GFLOP/s, %.1f GB/s; %.3f GB of weights a step\n",
                engine_->info().isa.c_str(), engine_->info().dtype.c_str(), peak.fma_gflops,
                peak.read_gbytes_s, static_cast<double>(engine_->weight_bytes_per_pass()) / 1e9);
    if (a_.tokens > 1) steps();
    if (a_.prefill > 0) prefill(peak);
    if (a_.beside > 0) beside();
  }

 private:
  Request request(int64_t context, int64_t tokens) {
    std::vector<int32_t> ids(static_cast<size_t>(context));
    const auto vocabulary = static_cast<unsigned>(engine_->info().vocab_size);
    for (int32_t& id : ids) id = static_cast<int32_t>(random_() % vocabulary);
    return {.prompt = {.input = std::move(ids)},
            .task = Generate{.max_tokens = tokens, .temperature = 0, .ignore_eos = true}};
  }

  // From the last sequence's second token to the first one's last: all go on together.
  std::vector<double> step_times() {
    std::vector<double> times;
    std::vector<std::vector<Clock::time_point>> at(static_cast<size_t>(a_.sequences));
    std::vector<Request> requests;
    for (size_t i = 0; i < at.size(); ++i) {
      requests.push_back(request(a_.context, a_.tokens));
      requests.back().on_delta = [&own = at[i]](const vecton::GenerationDelta&) {
        own.push_back(Clock::now());
        return true;
      };
    }
    for (const vecton::Result& result : engine_->submit(std::move(requests)).get()) {
      if (result.error()) throw *result.error();
    }
    for (size_t i = 2; i < at.back().size(); ++i)
      times.push_back(std::chrono::duration<double>(at.back()[i] - at.back()[i - 1]).count());
    return times;
  }

  // Memory is measured between the rounds, since its speed varies (bench_ops does the same); the
  // round with the median share is shown.
  void steps() {
    struct Round {
      std::vector<double> times;
      double gbytes_s, limit, share;
    };
    const vecton::backend::ReadSpeed memory(static_cast<int>(a_.threads));
    const double cached = static_cast<double>(a_.sequences * (a_.context + a_.tokens / 2)) *
                          static_cast<double>(engine_->info().cache_bytes_per_token),
                 bytes = static_cast<double>(engine_->weight_bytes_per_pass()) + cached;
    std::vector<Round> rounds;
    for (double before = memory.measure(0.1); std::ssize(rounds) < a_.rounds;) {
      Round round{.times = step_times(), .gbytes_s = 0, .limit = 0, .share = 0};
      const double after = memory.measure(0.1);
      round.gbytes_s = (before + std::exchange(before, after)) / 2;
      round.limit = bytes / (round.gbytes_s * 1e9);
      round.share = round.limit / part(round.times, 0.5);
      rounds.push_back(std::move(round));
    }
    const auto middle = rounds.begin() + std::ssize(rounds) / 2;
    std::ranges::nth_element(rounds, middle, {}, &Round::share);
    const double median = part(middle->times, 0.5);
    std::printf(
        "%lld sequences after %lld tokens: step %.3f ms (90 of 100 below %.3f), %.1f tokens/s, "
        "reading the weights and the cache at %.1f GB/s %.3f ms: %.1f %%\n",
        static_cast<long long>(a_.sequences), static_cast<long long>(a_.context), median * 1e3,
        part(middle->times, 0.9) * 1e3, static_cast<double>(a_.sequences) / median,
        middle->gbytes_s, middle->limit * 1e3, 100 * middle->share);
  }

  double first_token(int64_t tokens) {
    std::vector<Request> one{request(tokens, 1)};
    const auto start = Clock::now();
    const vecton::Result result = std::move(engine_->submit(std::move(one)).get().front());
    if (result.error()) throw *result.error();
    return seconds_since(start);
  }

  void prefill(const vecton::backend::Peak& peak) {
    std::vector<double> times;
    for (int round = 0; round < a_.rounds; ++round) times.push_back(first_token(a_.prefill));
    const double median = part(times, 0.5),
                 limit = engine_->flops(a_.prefill) / (peak.fma_gflops * 1e9);
    std::printf("prompt of %lld tokens: %.1f ms, %.1f tokens/s, limit %.1f ms: %.1f %%\n",
                static_cast<long long>(a_.prefill), median * 1e3,
                static_cast<double>(a_.prefill) / median, limit * 1e3, 100 * limit / median);
  }

  void beside() {
    std::vector<double> alone, together;
    std::atomic<bool> others{false}, done{false};
    Request running = request(a_.context, engine_->info().max_model_len / 2);
    Clock::time_point last = Clock::now();
    int64_t heard = 0;
    running.on_delta = [&](const vecton::GenerationDelta&) {
      const double seconds = seconds_since(last);
      last = Clock::now();
      if (++heard > 2) (others ? together : alone).push_back(seconds);
      return !done;
    };
    auto answer = engine_->submit({std::move(running)});
    std::this_thread::sleep_for(std::chrono::seconds(2));
    others = true;
    for (int round = 0; round < a_.rounds; ++round) first_token(a_.beside);
    done = true;
    answer.get();
    std::printf(
        "between tokens: alone %.1f ms; beside prompts of %lld tokens %.1f ms (median), %.1f ms "
        "(99 of 100), %.1f ms at most, %zu tokens\n",
        part(alone, 0.5) * 1e3, static_cast<long long>(a_.beside), part(together, 0.5) * 1e3,
        part(together, 0.99) * 1e3, part(together, 1) * 1e3, together.size());
  }

  const Arguments a_;
  std::mt19937 random_{1};
  std::unique_ptr<Engine> engine_;
};

}  // namespace

int main(int argc, char** argv) try {
  Bench(parse(argc, argv)).run();
} catch (const std::exception& e) {
  std::fprintf(stderr, "bench_generate: %s\n", e.what());
  return 1;
}
