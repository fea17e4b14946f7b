// vecton serve: the HTTP server.
#include "cli/serve.h"

#include <CLI/App.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/model_options.h"
#include "cli/models_file.h"
#include "cli/picture_options.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "server/server.h"

namespace vecton::cli {

namespace {

void add_address_options(CLI::App& app, server::ServerOptions& options) {
  const auto group = "Address";
  app.add_option("--host", options.host, "Address to listen on; 0.0.0.0 is every one [127.0.0.1]")
      ->type_name("ADDRESS")
      ->group(group);
  app.add_option("-p,--port", options.port, "Port; 0 takes a free one, named in the log [8000]")
      ->type_name("N")
      ->transform(within(0, 65535))
      ->group(group);
  app.add_option(
         "--root-path", options.root_path,
         "Path of a proxy before the routes, such as /embedder; they answer with and without")
      ->type_name("PATH")
      ->group(group);
  app.add_option("--uds", options.uds, "Unix socket to listen on instead")
      ->type_name("FILE")
      ->group(group);
}

void add_tls_options(CLI::App& app, server::TlsOptions& options) {
  const auto group = "TLS";
  const auto file = [&](const char* name, std::string& value, const char* help) {
    app.add_option(name, value, help)->type_name("FILE")->group(group);
  };
  file("--ssl-certfile", options.certfile,
       "Certificate (PEM), with those that signed it: the server speaks HTTPS");
  file("--ssl-keyfile", options.keyfile, "Its private key (PEM) [in --ssl-certfile]");
  app.add_option("--ssl-keyfile-password", options.keyfile_password, "Password of the key")
      ->type_name("TEXT")
      ->group(group);
  file("--ssl-ca-certs", options.ca_certs, "Certificates (PEM) that sign those of clients");
  app.add_option("--ssl-cert-reqs", options.cert_reqs,
                 "Certificates of clients: 0 none, 1 may be there, 2 must be [0]")
      ->type_name("N")
      ->transform(within(0, 2))
      ->group(group);
  app.add_option("--ssl-ciphers", options.ciphers,
                 "Ciphers of TLS 1.2, as OpenSSL names them [ECDHE+AESGCM:ECDHE+CHACHA20]")
      ->type_name("LIST")
      ->group(group);
  app.add_flag("--enable-ssl-refresh", options.refresh,
               "Read the files again when they change; SIGHUP does so at any time")
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

void add_access_options(CLI::App& app, server::ServerOptions& options) {
  const auto group = "Access";
  app.add_option("--api-key", options.api_keys,
                 "Key that clients must send; may be given again for more [VLLM_API_KEY]")
      ->type_name("KEY")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--api-key-file", options.api_key_file,
                 "File with keys: one per line, or a JSON list with names, limits and roles")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--admin-api-key", options.admin_api_keys,
                 "Key of the operator, who may load and unload models; may be given again [nobody "
                 "may]")
      ->type_name("KEY")
      ->allow_extra_args(false)
      ->group(group);
  app.add_flag("--open-metrics", options.open_metrics, "/metrics needs no key")->group(group);
  app.add_option_function<std::vector<std::string>>(
         "--allowed-origins",
         [&options](const std::vector<std::string>& lists) {
           options.allowed_origins.clear();
           for (const std::string& list : lists) {
             const std::vector<std::string> origins = origins_of(list);
             options.allowed_origins.insert(options.allowed_origins.end(), origins.begin(),
                                            origins.end());
           }
         },
         "Origins that browsers may call from, a JSON list [[\"*\"]]")
      ->type_name("JSON")
      ->allow_extra_args(false)
      ->group(group);
}

void add_limit_options(CLI::App& app, server::ServerOptions& options) {
  const auto group = "Limits";
  app.add_option("--max-client-batch-size", options.max_client_batch_size,
                 "Inputs of one request [2048]")
      ->type_name("N")
      ->transform(at_least(1))
      ->group(group);
  app.add_option("--payload-limit", options.max_body_bytes, "Bytes of one request [33554432]")
      ->type_name("N")
      ->transform(at_least(1))
      ->group(group);
  app.add_option("--max-connections", options.max_connections,
                 "Connections at once; more wait [1024]")
      ->type_name("N")
      ->transform(at_least(1))
      ->group(group);
  app.add_option("--memory-bytes", options.memory_bytes,
                 "What the models may keep together: weights and caches [what the system has]")
      ->type_name("N")
      ->transform(at_least(0))
      ->group(group);
  app.add_option("--workers", options.workers, "Threads that parse and tokenize [2 to 8, by cores]")
      ->type_name("N")
      ->transform(at_least(0))
      ->group(group);
  app.add_option("--grace-period", options.grace_period,
                 "Seconds that accepted requests have to finish after SIGTERM [30]")
      ->type_name("SECONDS")
      ->check(not_negative())
      ->group(group);
}

// "name=model", where that is one of the models.
std::optional<std::pair<std::string, std::string>> take_apart(
    const std::string& given, const std::vector<std::string>& models) {
  for (const std::string& model : models) {
    const std::string end = "=" + model;
    if (given.size() > end.size() && given.ends_with(end))
      return std::pair(given.substr(0, given.size() - end.size()), model);
  }
  return {};
}

// The names of the model that is the `at`-th of several.
std::vector<std::string> names_of(size_t at, const std::vector<std::string>& models,
                                  const std::vector<std::string>& given) {
  std::vector<std::string> names, plain;
  for (const std::string& each : given) {
    const auto parts = take_apart(each, models);
    if (!parts) plain.push_back(each);
    if (parts && parts->second == models[at]) names.push_back(parts->first);
  }
  if (models.size() == 1) {
    names.insert(names.end(), plain.begin(), plain.end());
  } else if (!plain.empty() && plain.size() == given.size() && plain.size() == models.size()) {
    names.push_back(plain[at]);
  } else if (!plain.empty()) {
    throw Failure(ExitStatus::kUsage, "--served-model-name: which of the models is '" +
                                          plain.front() + "'? Expected NAME=MODEL, such as " +
                                          plain.front() + "=" + models.front());
  }
  return names;
}

struct ModelArguments {
  std::vector<std::string> models;
  std::string file;
};

// The models of the command line, with its options and their own names.
std::vector<server::ModelOptions> typed_models(const server::ModelOptions& options,
                                               const std::vector<std::string>& models) {
  std::vector<server::ModelOptions> all(models.size(), options);
  for (size_t i = 0; i < models.size(); ++i) {
    all[i].engine.model = models[i];
    all[i].served_model_names = names_of(i, models, options.served_model_names);
  }
  return all;
}

std::vector<server::ModelOptions> models_of_file(const server::ModelOptions& options,
                                                 const ModelArguments& arguments) {
  for (const auto& [given, name] :
       {std::pair(&arguments.models, "MODEL"),
        std::pair(&options.served_model_names, "--served-model-name")}) {
    if (given->empty()) continue;
    throw Failure(ExitStatus::kUsage, std::string(name) + " " + given->front() +
                                          ": the models and their names are in the file of "
                                          "--models: expected one or the other");
  }
  ModelsFile file = read_models_file(arguments.file, options);
  for (const std::string& note : file.notes) std::fprintf(stderr, "vecton: %s\n", note.c_str());
  return std::move(file.models);
}

// MODEL may be several, or a file has them.
void add_models(CLI::App& app, server::ServerOptions& options) {
  const auto arguments = std::make_shared<ModelArguments>();
  app.remove_option(app.get_option("MODEL"));
  app.add_option("MODEL", arguments->models,
                 "Folder, GGUF file, or name on the model hub; of several the first answers "
                 "requests that name none")
      ->type_name("");
  app.add_option("--models", arguments->file,
                 "YAML or JSON file with several models and options of each, instead of MODEL")
      ->type_name("FILE")
      ->group("Finding the model");
  app.parse_complete_callback([arguments, &options] {
    if (arguments->models.empty() && arguments->file.empty()) throw CLI::RequiredError("MODEL");
    options.models = arguments->file.empty() ? typed_models(options, arguments->models)
                                             : models_of_file(options, *arguments);
    const server::ModelOptions defaults = options;
    options.read_model = [defaults](const json::object& body) {
      return read_model(body, defaults);
    };
    if (options.models.size() > 1) return;
    static_cast<server::ModelOptions&>(options) = server::ModelOptions(options.models.front());
    options.models.clear();
  });
}

// A file with a chat template, or the text of one.
std::string template_of(const std::string& given) {
  std::error_code error;
  if (std::filesystem::is_regular_file(given, error)) {
    std::ifstream file(given, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!text.empty()) return text;
  }
  if (given.find('{') == std::string::npos)
    throw Failure(ExitStatus::kUsage,
                  "--chat-template: expected a file, or the text of a template, found " + given);
  return given;
}

// What each of several models may have of its own, beside the options of its engine.
void add_own_options(CLI::App& app, server::ModelOptions& options) {
  const auto group = "The model as it is served";
  app.add_option(
         "--served-model-name", options.served_model_names,
         "What clients may call the model; the first is used in answers [MODEL]. Of several "
         "models: NAME=MODEL, or a name for each in their order")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--max-queue-tokens", options.engine.max_queue_tokens,
                 "Tokens that may wait; more are answered 429 [1048576]")
      ->type_name("N")
      ->transform(at_least(1))
      ->group(group);
  app.add_option("--default-prompt-name", options.engine.default_prompt_name,
                 "Prompt of the checkpoint for texts that come without one [its default one]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--default-prompt", options.engine.default_prompt,
                 "Text to put before texts that come without a prompt")
      ->type_name("TEXT")
      ->excludes("--default-prompt-name")
      ->group(group);
  app.add_option_function<std::string>(
         "--chat-template",
         [&options](const std::string& given) { options.chat_template = template_of(given); },
         "Chat template for requests that bring none: a file, or its text [the checkpoint's]")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--tool-call-parser", options.tool_call_parser,
                 "Format of tool calls in answers, or none [what the chat template shows]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--reasoning-parser", options.reasoning_parser,
                 "Format of thinking in answers, or none [what the chat template shows]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--generation-config", options.engine.generation_config,
                 "What requests leave open: auto (the model's), vllm, or a folder [auto]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--override-generation-config", options.engine.override_generation_config,
                 "JSON laid over it")
      ->type_name("JSON")
      ->group(group);
  add_speculative_options(app, options.engine);
  app.add_option("--max-logprobs", options.engine.max_logprobs,
                 "Log probabilities per token that a request may ask for; -1 = all [20]")
      ->type_name("N")
      ->group(group);
  app.add_flag("--load-on-startup,!--no-load-on-startup", options.load_on_startup,
               "Load the model at the start, or else for its first request [yes]")
      ->group(group);
  app.add_option(
         "--sleep-idle-seconds", options.sleep_idle_seconds,
         "Take the model out of memory after so long without a request, until the next one; "
         "-1 = never [-1]")
      ->type_name("SECONDS")
      ->group(group);
}

void add_behaviour_options(CLI::App& app, server::ServerOptions& options) {
  const auto group = "Behaviour";
  app.add_option("--auto-truncate", options.auto_truncate,
                 "Whether TEI's routes cut long inputs when the request does not say [true]")
      ->type_name("BOOL")
      ->expected(0, 1)
      ->default_str("true")
      ->group(group);
  app.add_option_function<std::string>(
         "--scheduling-policy",
         [&options](const std::string& name) { options.priority_scheduling = name == "priority"; },
         "fcfs: requests take turns, short ones pass long ones and equal ones come in their order, "
         "or priority: those of a lower `priority` before, among equals as fcfs [fcfs]")
      ->type_name("NAME")
      ->check(one_of({"fcfs", "priority"}))
      ->group(group);
  app.add_flag_function(
         "--disable-playground", [&options](int64_t count) { options.playground = count == 0; },
         "GET / gives browsers no page to try the model on")
      ->group(group);
  app.add_flag_function(
         "--disable-fastapi-docs", [&options](int64_t count) { options.description = count == 0; },
         "Serve neither GET /docs nor /openapi.json")
      ->group(group);
  app.add_flag("--enable-force-include-usage", options.force_include_usage,
               "Streams of completions and chats end with their usage, asked for or not")
      ->group(group);
  app.add_flag("--enable-tokenizer-info-endpoint", options.tokenizer_info,
               "Serve GET /tokenizer_info: the tokenizer's settings and the chat template")
      ->group(group);
  app.add_flag("--reject-token-ids", options.reject_token_ids,
               "Refuse inputs that are token ids: clients may use another model's vocabulary")
      ->group(group);
  app.add_option("--otlp-traces-endpoint", options.otlp_traces_endpoint,
                 "Collector of OpenTelemetry that gets a trace of every request, by OTLP/HTTP")
      ->type_name("URL")
      ->group(group);
  app.add_option("--otlp-service-name", options.otlp_service_name, "Its name for this [vecton]")
      ->type_name("NAME")
      ->group(group);
  app.add_option_function<std::string>(
         "--log-format",
         [&options](const std::string& name) {
           options.log_format = name == "json" ? server::ServerOptions::LogFormat::kJson
                                               : server::ServerOptions::LogFormat::kText;
         },
         "text, or json: an object a line, for programs that read logs [text]")
      ->type_name("FORMAT")
      ->check(one_of({"text", "json"}))
      ->group(group);
  app.add_option_function<std::string>(
         "--log-level",
         [&options](const std::string& name) {
           options.log_level = name == "off"     ? server::ServerOptions::LogLevel::kOff
                               : name == "error" ? server::ServerOptions::LogLevel::kError
                                                 : server::ServerOptions::LogLevel::kInfo;
         },
         "off, error or info [info]")
      ->type_name("LEVEL")
      ->check(one_of({"off", "error", "info"}))
      ->group(group);
  app.add_option_function<int64_t>(
         "--seed",
         [&options](int64_t seed) {
           options.seed.reset();
           if (seed != -1) options.seed = static_cast<uint64_t>(seed);
         },
         "Seed of requests to generate that name none; -1 = a random one for each [-1]")
      ->type_name("N")
      ->group(group);
}

}  // namespace

void add_model_options(CLI::App& app, server::ModelOptions& options) {
  add_engine_options(app, options.engine);
  add_own_options(app, options);
  add_picture_options(app, options.engine);
}

void add_serve_options(CLI::App& app, server::ServerOptions& options) {
  add_model_options(app, options);
  add_models(app, options);
  add_address_options(app, options);
  add_tls_options(app, options.tls);
  add_access_options(app, options);
  add_limit_options(app, options);
  add_behaviour_options(app, options);
}

std::function<void()> define_serve(CLI::App& app) {
  auto options = std::make_shared<server::ServerOptions>();
  add_serve_options(app, *options);
  app.footer(
      "Examples:\n"
      "  vecton serve MODEL --port 8000\n"
      "  curl http://127.0.0.1:8000/v1/embeddings -H 'Content-Type: application/json' \\\n"
      "    -d '{\"input\": [\"a sentence\", \"another one\"]}'\n"
      "  vecton serve org/embedder org/reranker --served-model-name e=org/embedder "
      "r=org/reranker\n"
      "  vecton serve MODEL --host 0.0.0.0 --api-key \"$KEY\" --served-model-name my-embedder\n"
      "\nOptions of vLLM, text-embeddings-inference, infinity and llama-server are taken too: "
      "docs/CLI.md has what each\n"
      "of them means here; --config FILE reads options from a YAML file.\n"
      "\nSIGTERM and SIGINT finish what was accepted, then end the server.");
  return [options] {
    DownloadBar bar(stderr_is_terminal());
    options->progress = [&](const DownloadProgress& progress) { bar.update(progress); };
    const int status = server::run_server(*options);
    if (status != 0) {
      throw Failure(ExitStatus::kInternal,
                    "the server ended with status " + std::to_string(status));
    }
  };
}

}  // namespace vecton::cli
