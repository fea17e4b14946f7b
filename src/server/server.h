// The HTTP server: models behind vLLM's, OpenAI's and TEI's routes. Called by the command line;
// docs/SERVER.md has the routes, limits and errors.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "vecton/options.h"

namespace vecton::server {

// What connections are encrypted with; without a certificate they are not.
struct TlsOptions {
  std::string certfile{}, keyfile{};  // PEM; empty keyfile = the key lies with the certificate
  std::string keyfile_password{};
  std::string ca_certs{};  // PEM: who signs the certificates of clients
  int cert_reqs = 0;       // certificates of clients: 0 not asked for, 1 may be there, 2 must be
  bool refresh = false;    // read the files again when they change
  std::string ciphers{};   // of TLS 1.2, as OpenSSL names them; empty = a short list

  bool any() const {
    return !certfile.empty() || !keyfile.empty() || !keyfile_password.empty() ||
           !ca_certs.empty() || !ciphers.empty() || cert_reqs != 0;
  }
};

// What each model has of its own.
struct ModelOptions {
  // Of strangers' requests, who name no files unless a folder is given.
  EngineOptions engine{.allowed_local_media_path = ""};

  std::vector<std::string> served_model_names{};  // what `model` may say; empty = engine.model
  // The text of a template for requests without one; empty = the model's.
  std::string chat_template{};

  // How tool calls and thinking stand in answers: names of formats (docs/SERVER.md), "none", or
  // empty: what the chat template shows.
  std::string tool_call_parser{}, reasoning_parser{};

  bool load_on_startup = true;  // else it sleeps until its first request
  // Without a request for so long it leaves memory until the next one; not above 0 = never.
  double sleep_idle_seconds = -1;
};

struct ServerOptions : ModelOptions {
  // Several models, of which the first answers requests that name none; empty = the one whose
  // options stand above. They share threads, backend and memory, which are those of
  // the options above.
  std::vector<ModelOptions> models{};
  // What the body of /models/load makes of a model that is not served yet; throws Error. Empty =
  // those alone are loaded that the options name.
  std::function<ModelOptions(const json::object&)> read_model{};

  std::string host = "127.0.0.1";  // "0.0.0.0" or "::" for every interface
  int port = 8000;                 // 0 = a free one, named in the log
  std::string uds{};               // path of a Unix socket that is served instead of host and port

  TlsOptions tls{};

  std::vector<std::string>
      api_keys{};              // any of them opens the guarded routes; empty = no key needed
  std::string api_key_file{};  // more of them, with names and limits (api_keys.h); empty = none
  // Keys of operators, who may load and unload models, beside those of the file; they open the
  // other routes as well. That there are some asks no key of anybody else.
  std::vector<std::string> admin_api_keys{};
  bool open_metrics = false;                         // /metrics needs no key
  std::vector<std::string> allowed_origins = {"*"};  // CORS; empty = no other origin

  std::string root_path{};  // of a proxy: routes answer with and without it; empty = none

  std::string otlp_traces_endpoint{};  // where traces go, as OTLP/HTTP; empty = there are none
  std::string otlp_service_name = "vecton";

  int64_t max_body_bytes = 32 << 20;  // larger bodies: 413
  int64_t max_pending_bytes =
      512 << 20;  // bodies of all requests that are being answered; more: 429
  int64_t max_client_batch_size = 2048;  // inputs of one request
  // Of token embeddings, or of several completions, that one request may ask for.
  int64_t max_answer_bytes = 256 << 20;
  int64_t max_connections = 1024;    // more wait to be accepted
  bool auto_truncate = true;         // TEI's routes cut long inputs when the request does not say
  bool tokenizer_info = false;       // GET /tokenizer_info is served
  bool description = true;           // GET /openapi.json and /docs are served
  bool force_include_usage = false;  // streams end with their usage though nobody asked for it
  bool reject_token_ids = false;     // refuse inputs that are token ids
  bool priority_scheduling = false;  // a request's `priority` counts; else it must be 0
  bool playground = true;            // GET / gives browsers a page to try the model on
  std::optional<uint64_t> seed{};    // of requests to generate that name none; none = random ones

  int64_t memory_bytes = 0;  // of all models' weights and caches; 0 = no limit but the system's
  int io_threads = 1;        // threads that only move bytes
  int workers = 0;           // threads that parse, tokenize and render; 0 = one per core, 2 to 8
  double idle_timeout = 75;  // seconds that a connection may wait for its next request
  double io_timeout =
      30;  // seconds a client may take for a request's head, or to move on in a body or an answer
  double grace_period = 30;  // seconds that accepted requests have to finish after SIGTERM

  enum class LogLevel { kOff, kError, kInfo };
  LogLevel log_level = LogLevel::kInfo;  // kInfo: a line per request
  enum class LogFormat { kText, kJson };
  LogFormat log_format = LogFormat::kText;

  std::function<void(const DownloadProgress&)> progress{};  // hears of the model's download
};

// Serves until SIGTERM or SIGINT, finishes what was accepted and returns the exit code; a second
// signal ends the process at once. Writes its log to stderr. Throws Error when it can't start: the
// address is taken or the model is refused. For the main thread of a program, once: it takes over
// SIGTERM, SIGINT, SIGHUP and SIGPIPE.
int run_server(const ServerOptions& options);

}  // namespace vecton::server
