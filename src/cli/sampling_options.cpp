#include "cli/sampling_options.h"

#include <CLI/App.hpp>

#include "cli/arguments.h"

namespace vecton::cli {

void add_sampling_options(CLI::App& app, Generate& generate) {
  const auto option = [&](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->type_name("N")->group("Sampling");
  };
  option("--max-tokens", generate.max_tokens,
         "Tokens of an answer at most [the model's, or what is left of its length]")
      ->transform(at_least(1));
  option("--min-tokens", generate.min_tokens, "Tokens before an answer may end [0]")
      ->transform(at_least(0));
  option("--temperature", generate.temperature, "0 = the likeliest token [the model's, or 1]");
  option("--top-k", generate.top_k, "Only the K likeliest tokens; 0 = all [the model's, or 0]");
  option("--top-p", generate.top_p,
         "Only the likeliest that have this probability together [the model's, or 1]");
  option("--min-p", generate.min_p,
         "Only those at least this likely, as a share of the likeliest [the model's, or 0]");
  option("--repetition-penalty", generate.repetition_penalty,
         "Above 1: tokens of prompt and answer become less likely [the model's, or 1]");
  option("--presence-penalty", generate.presence_penalty,
         "Of tokens that the answer has [the model's, or 0]");
  option("--frequency-penalty", generate.frequency_penalty,
         "The same, as often as the answer has them [the model's, or 0]");
  app.add_option_function<int64_t>(
         "--seed",
         [&generate](int64_t seed) {
           generate.seed.reset();
           if (seed != -1) generate.seed = static_cast<uint64_t>(seed);
         },
         "The same seed gives the same answer; -1 = a random one [-1]")
      ->type_name("N")
      ->group("Sampling");
  app.add_option("--stop", generate.stop, "A text that ends an answer; may be given several times")
      ->type_name("TEXT")
      ->take_all()
      ->allow_extra_args(false)
      ->group("Sampling");
  app.add_flag("--ignore-eos", generate.ignore_eos, "Go on where the model would end")
      ->group("Sampling");
}

}  // namespace vecton::cli
