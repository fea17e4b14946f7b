// Command lines of other programs' users, from tests/cli/command_lines.txt, and what each means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <map>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/foreign_arguments.h"
#include "cli/foreign_commands.h"
#include "cli/serve.h"
#include "cli/usage.h"
#include "server/server.h"

namespace vecton::cli {
namespace {

using ::testing::HasSubstr;

// As a shell splits it: words by blanks, quotes of both kinds.
Arguments words_of(const std::string& line) {
  Arguments words;
  bool in_word = false;
  char quote = 0;
  for (const char c : line) {
    if (quote != 0 ? c == quote : c == '\'' || c == '"') {
      quote = quote != 0 ? 0 : c;
      if (!in_word) words.emplace_back();
      in_word = true;
    } else if (c == ' ' && quote == 0) {
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
  }
  return words;
}

std::string joined(const std::vector<std::string>& items, const char* between) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : between) + item;
  return out;
}

// "name,name=model" of each of several.
std::string models_of(const server::ServerOptions& options) {
  std::vector<std::string> models;
  for (const server::ModelOptions& model : options.models) {
    const std::string names = joined(model.served_model_names, ",");
    models.push_back((names.empty() ? "" : names + "=") + model.engine.model);
  }
  return joined(models, " ");
}

std::map<std::string, std::string> shown(const server::ServerOptions& o) {
  const EngineOptions& e = o.engine;
  constexpr const char* kLevels[] = {"off", "error", "info"};
  return {
      {"model", e.model},
      {"models", models_of(o)},
      {"revision", e.hub.revision},
      {"cache", e.hub.cache},
      {"token", e.hub.token},
      {"dtype", e.dtype},
      {"compute", e.compute},
      {"quantization", e.quantization},
      {"runner", e.runner},
      {"convert", e.convert},
      {"pooler_config", e.pooler_config},
      {"hf_overrides", e.hf_overrides},
      {"max_model_len", std::to_string(e.max_model_len)},
      {"threads", std::to_string(e.threads)},
      {"max_batch_tokens", std::to_string(e.max_batch_tokens)},
      {"max_queue_tokens", std::to_string(e.max_queue_tokens)},
      {"enable_prefix_caching", std::to_string(e.enable_prefix_caching)},
      {"cache_bytes", std::to_string(e.cache_bytes)},
      {"tokenizer", e.tokenizer},
      {"default_prompt", e.default_prompt},
      {"default_prompt_name", e.default_prompt_name},
      {"dense_path", e.dense_path},
      {"quantization", e.quantization == "auto" ? "" : e.quantization},
      {"host", o.host},
      {"port", std::to_string(o.port)},
      {"uds", o.uds},
      {"served_model_names", joined(o.served_model_names, ",")},
      {"api_keys", joined(o.api_keys, ",")},
      {"api_key_file", o.api_key_file},
      {"allowed_origins", joined(o.allowed_origins, ",")},
      {"ssl_certfile", o.tls.certfile},
      {"ssl_keyfile", o.tls.keyfile},
      {"ssl_ca_certs", o.tls.ca_certs},
      {"ssl_cert_reqs", std::to_string(o.tls.cert_reqs)},
      {"otlp_traces_endpoint", o.otlp_traces_endpoint},
      {"otlp_service_name", o.otlp_service_name},
      {"root_path", o.root_path},
      {"playground", std::to_string(o.playground)},
      {"description", std::to_string(o.description)},
      {"force_include_usage", std::to_string(o.force_include_usage)},
      {"chat_template", o.chat_template},
      {"tool_call_parser", o.tool_call_parser},
      {"reasoning_parser", o.reasoning_parser},
      {"generation_config", e.generation_config},
      {"override_generation_config", e.override_generation_config},
      {"kv_cache_dtype", e.kv_cache_dtype},
      {"speculative_config", e.speculative_config},
      {"max_logprobs", std::to_string(e.max_logprobs)},
      {"limit_images", std::to_string(e.limit_images)},
      {"allowed_local_media_path", e.allowed_local_media_path},
      {"allowed_media_domains", joined(e.allowed_media_domains, ",")},
      {"mm_processor_kwargs", e.mm_processor_kwargs},
      {"seed", o.seed ? std::to_string(*o.seed) : "random"},
      {"max_body_bytes", std::to_string(o.max_body_bytes)},
      {"max_client_batch_size", std::to_string(o.max_client_batch_size)},
      {"max_connections", std::to_string(o.max_connections)},
      {"auto_truncate", std::to_string(o.auto_truncate)},
      {"workers", std::to_string(o.workers)},
      {"log_level", kLevels[static_cast<int>(o.log_level)]},
      {"log_format", o.log_format == server::ServerOptions::LogFormat::kJson ? "json" : "text"}};
}

struct Outcome {
  std::string refused;  // the message, where it is
  std::map<std::string, std::string> options;
  std::string notes, command;  // "embed M -- a"
};

Outcome outcome_of(const std::string& line) {
  Environment variables;
  Arguments typed = words_of(line);
  while (!typed.empty() && typed.front().find('=') != std::string::npos &&
         !typed.front().starts_with('-')) {
    const size_t equals = typed.front().find('=');
    variables[typed.front().substr(0, equals)] = typed.front().substr(equals + 1);
    typed.erase(typed.begin());
  }
  Outcome out;
  CLI::App app;
  OwnArguments own;
  try {
    auto [command, program] = own_command(typed);
    const std::string name = command.front();
    command.erase(command.begin());
    const auto found = std::ranges::find(commands(), name, &Command::name);
    if (found == commands().end()) return {.refused = "there is no command '" + name + "'"};
    server::ServerOptions options;
    const bool serves = name == "serve";
    std::function<void()> action;
    if (serves) {
      add_serve_options(app, options);
    } else {
      action = found->define(app);
    }
    own = own_arguments(app, command, serves ? variables : Environment(), program);
    out.notes = joined(own.notes, "\n");
    out.command = name + " " + joined(own.arguments, " ");
    parse_arguments(app, own.arguments);
    if (serves) out.options = shown(options);
  } catch (const CLI::ParseError& error) {
    out.refused = usage_message(app, error, own.origins);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::kUsage) << line;
    out.refused = failure.what();
  }
  return out;
}

void expect(const std::string& line, const std::string& expectation, const Outcome& outcome) {
  const size_t equals = expectation.find('=');
  if (expectation.starts_with("refused ")) {
    EXPECT_THAT(outcome.refused, HasSubstr(expectation.substr(8))) << line;
    return;
  }
  EXPECT_EQ(outcome.refused, "") << line;
  if (expectation.starts_with("note ")) {
    EXPECT_THAT(outcome.notes, HasSubstr(expectation.substr(5))) << line;
  } else if (equals == std::string::npos) {
    EXPECT_EQ(outcome.command, expectation) << line;
  } else {
    const auto found = outcome.options.find(expectation.substr(0, equals));
    ASSERT_NE(found, outcome.options.end()) << line << ": " << expectation;
    EXPECT_EQ(found->second, expectation.substr(equals + 1)) << line;
  }
}

TEST(CommandLines, OfOthersMeanWhatTheyMeanThere) {
  std::ifstream file("tests/cli/command_lines.txt");
  int lines = 0;
  for (std::string line; std::getline(file, line);) {
    const size_t arrow = line.find(" => ");
    if (line.starts_with('#') || arrow == std::string::npos) continue;
    ++lines;
    const std::string typed = line.substr(0, arrow);
    const Outcome outcome = outcome_of(typed);
    std::string rest = line.substr(arrow + 4);
    for (size_t end = 0; end != std::string::npos;) {
      end = rest.find(" ; ");
      expect(typed, rest.substr(0, end), outcome);
      if (end != std::string::npos) rest.erase(0, end + 3);
    }
  }
  EXPECT_GT(lines, 150);
}

TEST(CommandLines, MessagesHaveNoLeftoversOfTheLibrary) {
  for (const char* line :
       {"serve M --log-level nope", "serve M --port", "serve M --port x",
        "serve M N --served-model-name a", "serve M N --served-model-name a=M b=O",
        "serve M --auto-truncate=maybe", "embed M --output-format nope a", "embed M --batch 0 a",
        "similarity M --color nope a", "embed M --role nope a", "tag M --aggregation nope a",
        "embed M --normalize --no-normalize a", "serve", "completion tcsh"}) {
    const std::string refused = outcome_of(line).refused;
    EXPECT_NE(refused, "") << line;
    for (const char* leftover :
         {"FAILED", "{", "INT", "TEXT:", "required TEXT", "Could not convert"})
      EXPECT_EQ(refused.find(leftover), std::string::npos) << line << ": " << refused;
  }
}

}  // namespace
}  // namespace vecton::cli
