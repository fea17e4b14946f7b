// vecton serve: the HTTP server, with vLLM's flags; TEI's are understood too.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "vecton/server.h"

namespace vecton::cli {

namespace {

void add_address_options(CLI::App& app, ServerOptions& options) {
  const auto group = "Address";
  app.add_option("--host,--hostname", options.host,
                 "Address to listen on; 0.0.0.0 is every one [127.0.0.1]")
      ->type_name("ADDRESS")
      ->group(group);
  app.add_option("-p,--port", options.port, "Port; 0 takes a free one, named in the log [8000]")
      ->type_name("N")
      ->check(CLI::Range(0, 65535))
      ->group(group);
  app.add_option("--uds,--uds-path", options.uds, "Unix socket to listen on instead")
      ->type_name("FILE")
      ->group(group);
}

std::vector<std::string> origins_of(const std::string& list) {
  std::vector<std::string> origins;
  boost::system::error_code error;
  const json::value parsed = json::parse(list, error);
  bool good = !error && parsed.is_array();
  for (size_t i = 0; good && i < parsed.get_array().size(); ++i) {
    const json::value& origin = parsed.get_array()[i];
    good = origin.is_string();
    if (good) origins.emplace_back(origin.get_string());
  }
  if (!good)
    throw Failure(ExitStatus::kUsage,
                  "--allowed-origins: expected a JSON list of strings, such as "
                  "'[\"https://example.org\"]', found " +
                      list);
  return origins;
}

void add_access_options(CLI::App& app, ServerOptions& options) {
  const auto group = "Access";
  app.add_option("--api-key", options.api_keys,
                 "Key that clients must send; may be given again for more [VLLM_API_KEY]")
      ->type_name("KEY")
      ->envname("VLLM_API_KEY")
      ->allow_extra_args(false)
      ->group(group);
  app.add_flag("--open-metrics", options.open_metrics, "/metrics needs no key")->group(group);
  app.add_option_function<std::string>(
         "--allowed-origins",
         [&options](const std::string& list) { options.allowed_origins = origins_of(list); },
         "Origins that browsers may call from, a JSON list [[\"*\"]]")
      ->type_name("JSON")
      ->group(group);
  app.add_option("--served-model-name", options.served_model_names,
                 "What clients may call the model; the first is used in answers [MODEL]")
      ->type_name("NAME")
      ->group(group);
}

void add_limit_options(CLI::App& app, ServerOptions& options) {
  const auto group = "Limits";
  app.add_option("--max-queue-tokens", options.engine.max_queue_tokens,
                 "Tokens that may wait; more are answered 429 [1048576]")
      ->type_name("N")
      ->check(at_least(1))
      ->group(group);
  app.add_option("--max-client-batch-size", options.max_client_batch_size,
                 "Inputs of one request [2048]")
      ->type_name("N")
      ->check(at_least(1))
      ->group(group);
  app.add_option("--payload-limit", options.max_body_bytes, "Bytes of one request [33554432]")
      ->type_name("N")
      ->check(at_least(1))
      ->group(group);
  app.add_option("--max-connections,--max-concurrent-requests", options.max_connections,
                 "Connections at once; more wait [1024]")
      ->type_name("N")
      ->check(at_least(1))
      ->group(group);
  app.add_option("--workers,--tokenization-workers", options.workers,
                 "Threads that parse and tokenize [2 to 8, by cores]")
      ->type_name("N")
      ->check(at_least(0))
      ->group(group);
  app.add_option("--grace-period", options.grace_period,
                 "Seconds that accepted requests have to finish after SIGTERM [30]")
      ->type_name("SECONDS")
      ->check(at_least(0))
      ->group(group);
}

void add_behaviour_options(CLI::App& app, ServerOptions& options) {
  const auto group = "Behaviour";
  app.add_option("--auto-truncate", options.auto_truncate,
                 "Whether TEI's routes cut long inputs when the request does not say [true]")
      ->type_name("BOOL")
      ->expected(0, 1)
      ->default_str("true")
      ->group(group);
  app.add_flag("--reject-token-ids", options.reject_token_ids,
               "Refuse inputs that are token ids: clients may use another model's vocabulary")
      ->group(group);
  const std::map<std::string, ServerOptions::LogLevel> levels = {
      {"off", ServerOptions::LogLevel::kOff},
      {"error", ServerOptions::LogLevel::kError},
      {"info", ServerOptions::LogLevel::kInfo}};
  app.add_option("--log-level,--uvicorn-log-level", options.log_level, "off, error or info [info]")
      ->type_name("LEVEL")
      ->transform(CLI::CheckedTransformer(levels).description(""))
      ->group(group);
}

// What other servers' command lines have and this one says otherwise. An empty group hides an
// option from the help text.
void add_aliases(CLI::App& app, ServerOptions& options) {
  app.get_option("MODEL")->required(false);
  app.add_option("--model,--model-id", options.engine.model, "")->group("");
  const std::map<std::string, std::string> names = {
      {"cls", "CLS"}, {"mean", "MEAN"}, {"last-token", "LAST"}};
  app.add_option_function<std::string>(
         "--pooling",
         [&options](const std::string& name) {
           options.engine.pooler_config = "{\"pooling_type\": \"" + name + "\"}";
         },
         "")
      ->transform(CLI::CheckedTransformer(names))
      ->group("");
}

// Options of vLLM and TEI without a meaning here: taken, and said to do nothing.
void add_ignored_options(CLI::App& app) {
  const auto note = [](const std::string& name) {
    std::fprintf(stderr, "vecton: %s has no effect here\n", name.c_str());
  };
  for (const std::string name :
       {"--trust-remote-code", "--enforce-eager", "--disable-log-requests",
        "--no-enable-log-requests", "--json-output", "--disable-fastapi-docs"}) {
    app.add_flag_callback(
           name, [note, name] { note(name); }, "")
        ->group("");
  }
  for (const std::string name :
       {"--gpu-memory-utilization", "--max-num-seqs", "--seed", "--task", "--tensor-parallel-size",
        "--max-batch-requests", "--otlp-endpoint"}) {
    app.add_option_function<std::string>(
           name, [note, name](const std::string&) { note(name); }, "")
        ->group("");
  }
}

}  // namespace

std::function<void()> define_serve(CLI::App& app) {
  auto options = std::make_shared<ServerOptions>();
  add_engine_options(app, options->engine);
  add_address_options(app, *options);
  add_access_options(app, *options);
  add_limit_options(app, *options);
  add_behaviour_options(app, *options);
  add_aliases(app, *options);
  add_ignored_options(app);
  app.footer(
      "Examples:\n"
      "  vecton serve MODEL --port 8000\n"
      "  curl http://127.0.0.1:8000/v1/embeddings -H 'Content-Type: application/json' \\\n"
      "    -d '{\"input\": [\"a sentence\", \"another one\"]}'\n"
      "  vecton serve MODEL --host 0.0.0.0 --api-key \"$KEY\" --served-model-name my-embedder\n"
      "\nSIGTERM and SIGINT finish what was accepted, then end the server.");
  return [options] {
    if (options->engine.model.empty()) throw Failure(ExitStatus::kUsage, "MODEL is required");
    DownloadBar bar(stderr_is_terminal());
    options->progress = [&](const DownloadProgress& progress) { bar.update(progress); };
    const int status = run_server(*options);
    if (status != 0) {
      throw Failure(ExitStatus::kInternal,
                    "the server ended with status " + std::to_string(status));
    }
  };
}

}  // namespace vecton::cli
