// What a run that is gone on with has to have in common with the one that began: every option is in
// the job, or is known to change no byte of a result.
#include "cli/job.h"

#include <gtest/gtest.h>

#include <CLI/App.hpp>
#include <map>
#include <set>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/model_options.h"
#include "cli/sampling_options.h"

namespace vecton::cli {
namespace {

// Of each option that results depend on another value than its default; "" of a flag.
const std::map<std::string, std::string> kChangeResults = {
    {"--dtype", "bfloat16"},
    {"--compute", "int8"},
    {"--max-model-len", "8"},
    {"--runner", "pooling"},
    {"--convert", "embed"},
    {"--pooler-config", R"({"pooling_type": "CLS"})"},
    {"--hf-overrides", R"({"rms_norm_eps": 0.1})"},
    {"--mm-processor-kwargs", R"({"max_pixels": 1003520})"},
    {"--quantization", "mxfp4"},
    {"--tokenizer", "other"},
    {"--dense-path", "2_Dense_1024"},
    {"--kv-cache-dtype", "fp8"},
    {"--backend", "ref"},
    {"--prompt-name", "query"},
    {"--prompt", ""},
    {"--role", "query"},
    {"--dimensions", "8"},
    {"--normalize", ""},
    {"--no-normalize", ""},
    {"--truncate", ""},
    {"--max-tokens", "3"},
    {"--min-tokens", "1"},
    {"--temperature", "-1"},
    {"--top-k", "-1"},
    {"--top-p", "-1"},
    {"--min-p", "-1"},
    {"--repetition-penalty", "-9"},
    {"--presence-penalty", "-9"},
    {"--frequency-penalty", "-9"},
    {"--seed", "0"},
    {"--stop", "x"},
    {"--ignore-eos", ""},
};
// Where the model is found, whose files are compared, and what computes the same bits.
const std::set<std::string> kChangeNoResult = {
    "--help",
    "--revision",
    "--cache",
    "--offline",
    "--hf-token",
    "--threads",
    "--max-num-batched-tokens",
    "--enable-prefix-caching",
    "--cache-bytes",
    "--speculative-config",
};

struct Options {
  explicit Options(CLI::App& app) {
    add_engine_options(app, engine);
    add_speculative_options(app, engine);
    add_request_options(app, request);
    add_sampling_options(app, generate);
  }
  EngineOptions engine;
  RequestOptions request;
  Generate generate;
};

json::object job_with(std::vector<std::string> arguments) {
  CLI::App app;
  const Options options(app);
  arguments.insert(arguments.begin(), "model");
  parse_arguments(app, std::move(arguments));
  return {{"model", job_of(options.engine)},
          {"request", job_of(options.request)},
          {"sampling", job_of(options.generate)}};
}

TEST(Job, HasEveryOptionThatChangesResults) {
  CLI::App app;
  const Options options(app);
  const json::object plain = job_with({});
  size_t found = 0;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    const std::string name = "--" + option->get_lnames().front();
    if (kChangeNoResult.count(name) > 0) {
      EXPECT_EQ(kChangeResults.count(name), 0u) << name;
      continue;
    }
    const auto row = kChangeResults.find(name);
    if (row == kChangeResults.end()) {
      ADD_FAILURE() << name << " is new: say whether results depend on it";
      continue;
    }
    ++found;
    const bool flag = option->get_items_expected_max() == 0;
    std::vector<std::string> given = {name};
    if (!flag && row->second.empty()) given.emplace_back();
    if (!row->second.empty()) given.front() += "=" + row->second;
    EXPECT_NE(job_with(given), plain) << given.front();
  }
  EXPECT_EQ(found, kChangeResults.size()) << "an option of the list is gone";
}

}  // namespace
}  // namespace vecton::cli
