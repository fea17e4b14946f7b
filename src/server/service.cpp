#include "server/service.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <exception>
#include <thread>
#include <utility>

#include "backend/machine.h"
#include "base/entropy.h"
#include "base/python_json.h"
#include "base/splitmix64.h"
#include "base/utf8.h"
#include "server/byte_stream.h"
#include "server/foreign_ids.h"
#include "server/generation.h"
#include "server/headers.h"
#include "server/ollama.h"
#include "server/openai.h"
#include "server/openapi.h"
#include "server/playground.h"
#include "server/public_name.h"
#include "server/render.h"
#include "server/tei.h"
#include "server/tokenizer_info.h"
#include "server/unix_time.h"

namespace vecton::server {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxNoted = 256;          // different remarks in the log
constexpr size_t kMaxId = 128;             // bytes of an X-Request-Id
constexpr int64_t kLongRequest = 1 << 20;  // bytes of a body, or of an answer's numbers

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int64_t characters(const Request& request) {
  size_t count = 0;
  const auto add = [&](const std::string& text) { count += utf8::count(text); };
  if (const auto* text = std::get_if<std::string>(&request.prompt.input)) add(*text);
  if (const auto* chat = std::get_if<Chat>(&request.prompt.input)) add(chat->input.messages);
  if (const auto* score = std::get_if<Score>(&request.task)) add(score->document.value_or(""));
  if (const auto* classes = std::get_if<Classify>(&request.task)) add(classes->pair.value_or(""));
  if (const auto* embed = std::get_if<Embed>(&request.task)) {
    for (const std::string& chunk : embed->late_chunks) add(chunk);
  }
  return static_cast<int64_t>(count);
}

// Of messages about what their template makes of them.
size_t length_of(const Input& input) {
  if (const auto* text = std::get_if<std::string>(&input)) return text->size();
  if (const auto* ids = std::get_if<std::vector<int32_t>>(&input)) return ids->size();
  const ChatInput& chat = std::get<Chat>(input).input;
  return chat.messages.size() + chat.tools.size() + chat.documents.size() + chat.variables.size();
}

// Bytes that the numbers of one request may take, where there is a row per token. A text has about
// as many tokens as bytes at most.
double answer_bytes(const ModelInfo& info, const Request& request) {
  constexpr size_t kSpecialTokens = 64;
  const double rows = static_cast<double>(std::min(length_of(request.prompt.input) + kSpecialTokens,
                                                   static_cast<size_t>(info.max_model_len)));
  const auto row = [&](const TaskParameters& parameters) {
    const Task task = task_of(parameters);
    if (task == Task::kTokenEmbed)
      return static_cast<double>(std::max(info.hidden_size, info.embedding_size));
    if (task != Task::kTokenClassify) return 0.0;
    return static_cast<double>(info.labels.empty() ? info.vocab_size
                                                   : static_cast<int64_t>(info.labels.size()));
  };
  double columns = row(request.task);
  for (const TaskParameters& task : request.also) columns += row(task);
  return rows * columns * sizeof(float);
}

// Bytes that the completions of one request may take. One is as long as its sequence; more of them
// are copies of the prompt, of which the body has one, and as many answers.
double completion_bytes(const Context& context, const Request& request) {
  const auto* const generate = std::get_if<Generate>(&request.task);
  if (!generate || generate->n < 2) return 0;
  constexpr double kLogprob = 180;  // a TokenLogprob, and the text that it becomes
  constexpr double kToken = 32;     // ids and text
  const ModelInfo& info = context.info;
  const auto most = static_cast<double>(info.max_model_len);
  const double prompt = std::min(static_cast<double>(length_of(request.prompt.input)), most);
  const auto asked =
      generate->max_tokens ? generate->max_tokens : context.generation_defaults.max_tokens;
  constexpr int64_t kUnasked = 4096;  // where nobody says how many: few answers are longer
  const double tokens = std::min(static_cast<double>(asked.value_or(kUnasked)), most);
  double token = kToken;
  if (generate->logprobs) {
    const int64_t top = *generate->logprobs < 0 ? info.vocab_size : *generate->logprobs;
    token += kLogprob * static_cast<double>(top + 1);
  }
  return static_cast<double>(generate->n) * (prompt * sizeof(int32_t) + tokens * token);
}

// Of a body that can't be read, on a route of both dialects: whether it has a field of TEI's.
bool is_tei_text(std::string_view body) {
  const std::string_view start = body.substr(0, 4096);
  return start.find("\"inputs\"") != std::string_view::npos ||
         start.find("\"texts\"") != std::string_view::npos;
}

// How text is asked for, in the words of OpenTelemetry's conventions.
void note_request(Trace& trace, const Request& request) {
  const auto* const generate = std::get_if<Generate>(&request.task);
  if (!generate) return;
  if (generate->max_tokens) trace.set("gen_ai.request.max_tokens", *generate->max_tokens);
  if (generate->temperature) trace.set("gen_ai.request.temperature", *generate->temperature);
  if (generate->top_p) trace.set("gen_ai.request.top_p", *generate->top_p);
}

int64_t bytes_of(const std::vector<Result>& results) {
  size_t values = 0;
  for (const Result& result : results) {
    values += numbers_of(result.answer).values.size();
    for (const Answer& also : result.also) values += numbers_of(also).values.size();
  }
  return static_cast<int64_t>(values * sizeof(float));
}

json::value parse_body(const std::string& text, json::monotonic_resource* memory) {
  json::value body;
  try {
    body = base::parse_python_json(text, "request body", base::BadBytes::kRefuse, memory);
  } catch (const Error& error) {
    throw Failure(Cause::kBadJson, error.what(), "body");
  }
  if (!body.is_object()) {
    throw Failure({{.where = "body", .type = "model_type", .message = "expected a JSON object"}});
  }
  return body;
}

int worker_count(const ServerOptions& options) {
  return options.workers > 0 ? options.workers : std::clamp(backend::machine().cores, 2, 8);
}

}  // namespace

void Job::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  ticket_.cancel();
}

// The answer is made: nothing of the model is needed any more.
void Job::release() {
  if (model_) model_->used();
  model_.reset();
}

bool Job::cancelled() {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

bool Job::give_up() {
  const std::lock_guard lock(mutex_);
  return !std::exchange(given_up_, true);
}

void Job::set_ticket(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  ticket_ = std::move(ticket);
  if (cancelled_) ticket_.cancel();
}

Service::Service(const ServerOptions& options, const Log& log)
    : options_(options),
      log_(log),
      keys_(options),
      started_(unix_time()),
      next_id_(base::random_bits() + static_cast<uint64_t>(started_)),
      workers_count_(worker_count(options)),
      workers_(static_cast<size_t>(workers_count_)),
      long_workers_(static_cast<size_t>((workers_count_ + 1) / 2)),
      image_workers_(static_cast<size_t>((workers_count_ + 1) / 2)),
      models_(options_, log) {
  if (!options_.otlp_traces_endpoint.empty())
    traces_ = std::make_unique<TraceExporter>(options_.otlp_traces_endpoint,
                                              options_.otlp_service_name, log_);
}

// The request's span, with vLLM's attributes, goes to the collector.
std::string Service::end_trace(Job& job, int status, const std::string& error) {
  if (!job.trace_) return {};
  Trace& trace = *job.trace_;
  trace.set("http.request.method", job.request_.method);
  trace.set("http.route", std::string(job.route_->path));
  trace.set("gen_ai.request.id", job.id_);
  if (job.working_ && job.model_) {
    trace.set("gen_ai.response.model", job.model_->context.names.front());
    trace.set("gen_ai.usage.prompt_tokens", job.tokens_);
    trace.set("gen_ai.usage.num_sequences", job.inputs_);
  }
  if (!job.written_.empty()) {
    int64_t tokens = 0;
    for (const Job::Tokens& completion : job.written_) tokens += completion.count;
    trace.set("gen_ai.usage.completion_tokens", tokens);
    const Job::Tokens& first = job.written_.front();
    if (first.count > 0)
      trace.set("gen_ai.latency.time_to_first_token",
                std::chrono::duration<double>(first.first - job.start_).count());
  }
  trace.end(status, error);
  std::string id = trace.trace_id();
  traces_->add(std::move(trace));
  job.trace_.reset();
  return id;
}

Service::~Service() {
  models_.stop();
  image_workers_.join();  // none of them is left in an engine
  long_workers_.join();
  workers_.join();
}

// Some milliseconds, once.
void Service::describe() {
  std::call_once(described_, [&] {
    const json::object document = openapi_document(options_);
    openapi_ = json::serialize(document);
    docs_page_ = docs_page(document);
  });
}

void Service::load() {
  models_.load();
  ready_ = true;
}

void Service::stop() {
  stopping_ = true;
  models_.stop();
}

std::string Service::id_of(const HttpRequest& head) {
  const std::string& given = head.request_id;
  const auto visible = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (!given.empty() && given.size() <= kMaxId && std::all_of(given.begin(), given.end(), visible))
    return given;
  const uint64_t a = base::splitmix64_of(next_id_.fetch_add(base::kSplitmixStep)),
                 b = base::splitmix64_of(a ^ base::kSplitmixStep);
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b));
  return text;
}

std::optional<Failure> Service::check(const HttpRequest& head,
                                      std::shared_ptr<KeyAccount>* account) const {
  const Route* route = find_route(head.method, head.path);
  const bool off = (!options_.tokenizer_info && head.path == kTokenizerInfo) ||
                   (!options_.description && route &&
                    (route->status == Status::kOpenapi || route->status == Status::kDocs));
  const bool open = route && (route->guard == Guard::kOpen ||
                              (route->guard == Guard::kMetrics && options_.open_metrics));
  const bool operators = route && route->guard == Guard::kOperator;
  if (operators || (!open && keys_.required())) {
    if (operators && !keys_.has_operator()) {
      return Failure(Cause::kForbidden,
                     head.path +
                         " is for operators, and none has a key here: start the server with "
                         "--admin-api-key, or with a key of the role in --api-key-file");
    }
    const std::shared_ptr<KeyAccount> found = keys_.find(head.authorization);
    if (!found) return Failure(Cause::kUnauthorized, "Unauthorized");
    if (operators && !found->key().is_operator)
      return Failure(Cause::kForbidden, head.path + " asks for an operator's key");
    if (account) *account = found;
  }
  if (!route || off) {
    const std::string methods = off ? "" : allowed_methods(head.path);
    if (methods.empty())
      return Failure(Cause::kRoute, "There is no route " + head.path.substr(0, 200));
    return Failure(Cause::kMethod, head.path + " takes " + methods);
  }
  if (!route->has_body()) return {};
  const bool any_type = route->any_content_type && head.origin.empty();
  if (!any_type && !is_json_type(head.content_type, !route->tei || route->openai)) {
    return Failure(Cause::kContentType, "Expected request with `Content-Type: application/json`");
  }
  if (!head.content_encoding.empty() && head.content_encoding != "identity") {
    return Failure(Cause::kContentType, "Content-Encoding " + head.content_encoding +
                                            " is not taken: send the body as it is");
  }
  return {};
}

void Service::note_handshake(const std::string& peer, const std::string& why) {
  metrics_.failed("tls");
  log_.info(peer + " no TLS: " + why);
}

std::optional<HttpResponse> Service::refuse_early(const HttpRequest& head) {
  if (head.method == "OPTIONS") return {};
  if (const std::optional<Failure> failure = check(head)) return refuse(head, *failure);
  return {};
}

HttpResponse Service::refuse(const HttpRequest& head, const Failure& failure) {
  const auto start = Clock::now();
  const Route* route = find_route(head.method, head.path);
  HttpResponse response = (route ? route->refusal() : openai::refuse)(failure, 0);
  if (failure.cause == Cause::kUnauthorized) {
    response.content_type = kJsonType;
    response.body = "{\"error\":\"Unauthorized\"}";
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  if (failure.retry_after > 1)
    response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after));
  if (failure.cause == Cause::kMethod)
    response.headers.emplace_back("Allow", allowed_methods(head.path));
  const std::string id = id_of(head);
  add_common_headers(head, id, response);
  record(head, id, start, response, 0, 0);
  return response;
}

// Counts a request for the model against its key's limits.
std::optional<Failure> Service::over_limit(const Job& job) const {
  const Route* route = find_route(job.request_.method, job.request_.path);
  if (!job.account_ || !route || !route->works()) return {};
  const KeyAccount::Admission admission = job.account_->admit();
  if (!admission.limit) return {};
  const ApiKey& key = job.account_->key();
  const bool tokens = std::string_view(admission.limit) == "tokens";
  Failure failure(Cause::kKeyLimit,
                  "Rate limit reached for the key " + key.name + ": " +
                      std::to_string(tokens ? key.tokens_per_minute : key.requests_per_minute) +
                      " " + admission.limit + " per minute. Try again in " +
                      std::to_string(admission.wait) + " s.");
  failure.retry_after = admission.wait;
  return failure;
}

std::shared_ptr<Job> Service::handle(HttpRequest request, Respond answer) {
  auto job = std::make_shared<Job>();
  job->start_ = Clock::now();
  job->request_ = std::move(request);
  job->answer_ = std::move(answer);
  HttpRequest& head = job->request_;
  if (head.method != "OPTIONS") {
    std::optional<Failure> failure = check(head, &job->account_);
    if (job->account_) head.key_name = job->account_->key().name;
    if (!failure) failure = over_limit(*job);
    if (failure) {
      job->answer_(refuse(head, *failure));
      return job;
    }
  }
  job->id_ = id_of(head);
  job->route_ = find_route(head.method, head.path);
  if (head.method == "OPTIONS") {
    finish(*job, preflight(head.path, head.origin, head.asked_headers, options_.allowed_origins),
           {}, "");
  } else if (!job->route_->has_body()) {
    finish(*job, status(*job), {}, "");
  } else {
    job->refuse_ = job->route_->refusal();
    if (traces_) job->trace_ = traces_->begin(head.traceparent);
    post_work(job);
  }
  return job;
}

HttpResponse Service::refuse_unready(const Job& job) const {
  const char* const why = stopping_ ? "the server is stopping" : "the model is loading";
  return job.route_->refusal()(Failure(Cause::kUnavailable, why), 0);
}

HttpResponse Service::status(const Job& job) {
  HttpResponse response{.content_type = std::string(kJsonType)};
  switch (job.route_->status) {
    case Status::kNone:
    case Status::kRoot:
      if (options_.playground) {
        response.headers.emplace_back("Vary", "Accept");
        if (asks_for_html(job.request_.accept)) return playground(job.request_.if_none_match);
      }
      [[fallthrough]];
    case Status::kHealth:  // also while it stops: what was accepted is being answered
      if (!ready_) return refuse_unready(job);
      response.content_type.clear();
      break;
    case Status::kReady:
      if (!ready()) return refuse_unready(job);
      response.body = "{\"status\":\"ready\"}";
      break;
    case Status::kVersion:
      response.body = std::string("{\"version\":\"") + version() + "\"}";
      break;
    case Status::kLoad:
      response.body = "{\"server_load\":" + std::to_string(models_.in_flight()) + "}";
      break;
    case Status::kModels:
      return openai::models(listed(), started_);
    case Status::kModel:
      return openai::model(listed(), started_,
                           job.request_.path.substr(job.route_->path.size() - 1));
    case Status::kModelStates:
      return openai::model_states(listed(), started_);
    case Status::kInfo: {
      const std::vector<ListedModel> models = listed();
      if (!models.front().info) return refuse_unready(job);
      return tei::info(models, workers_count_);
    }
    case Status::kTokenizer:
      return tokenizer(job);
    case Status::kOllamaTags:
      return ollama::tags(listed(), started_);
    case Status::kOllamaRunning:
      return ollama::running(listed());
    case Status::kOllamaVersion:
      return ollama::version();
    case Status::kOpenapi:
      describe();
      response.body = openapi_;
      break;
    case Status::kDocs:
      describe();
      response.content_type = "text/html; charset=utf-8";
      response.body = docs_page_;
      response.headers.emplace_back("Content-Security-Policy",
                                    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                                    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
      break;
    case Status::kMetrics: {
      const MetricsFormat format = metrics_format(job.request_.accept);
      response.content_type = content_type(format);
      response.headers.emplace_back("Vary", "Accept");
      response.body = metrics_text(format) + keys_.metrics();
      if (traces_) response.body += traces_->metrics();
      if (format == MetricsFormat::kOpenMetrics) response.body = open_metrics(response.body);
      break;
    }
  }
  return response;
}

// Of the model that the query names, or of the first.
HttpResponse Service::tokenizer(const Job& job) const {
  const std::optional<std::string> name = query_value(job.request_.query, "model");
  const std::shared_ptr<ServedModel> named = name ? models_.find(*name) : nullptr;
  if (name && !named) {
    return openai::refuse(
        Failure(Cause::kModelName, "The model `" + *name + "` does not exist.", "model"), 0);
  }
  const Lease lease = (named ? *named : models_.first()).lease();
  return lease ? tokenizer_info(lease->context) : refuse_unready(job);
}

std::vector<ListedModel> Service::listed() const {
  std::vector<ListedModel> models;
  for (const auto& model : models_.all()) models.push_back(model->listed());
  return models;
}

std::string Service::metrics_text(MetricsFormat format) const {
  std::vector<ModelFigures> figures;
  for (const auto& model : models_.all()) figures.push_back(model->figures());
  return metrics_.text(figures, format);
}

bool Service::take_room(int64_t bytes) {
  if (pending_bytes_.fetch_add(bytes) + bytes <= options_.max_pending_bytes) return true;
  pending_bytes_ -= bytes;
  return false;
}

// Long requests have threads of their own: those that short ones need are never all behind them.
boost::asio::thread_pool& Service::workers_for(int64_t bytes) {
  return bytes > kLongRequest ? long_workers_ : workers_;
}

// So have those with pictures, which take a while to decode and to prepare.
void Service::post_work(std::shared_ptr<Job> job) {
  const std::string& body = job->request_.body;
  const bool has_images = models_.read_images() && body.find("image") != std::string::npos;
  boost::asio::thread_pool& workers =
      has_images ? image_workers_ : workers_for(static_cast<int64_t>(body.size()));
  boost::asio::post(workers, [this, job = std::move(job)] { guarded(*job, [&] { work(job); }); });
}

void Service::work(const std::shared_ptr<Job>& job) {
  if (job->cancelled()) throw Failure(Cause::kUnavailable, "the client has left");
  if (job->route_->operation != Operation::kNone) return operate(job);
  if (job->trace_) job->trace_->working();
  if (!plan(job)) return;
  std::vector<Request> requests = std::move(job->plan_.requests);
  if (requests.empty()) return finish(*job, job->plan_.render({}), {}, "");
  for (const Request& request : requests) job->characters_ += characters(request);
  job->inputs_ = static_cast<int64_t>(requests.size());
  job->work_ = work_of(task_of(requests.front().task));
  job->model_->metrics.request_began(!job->plan_.single, job->work_, requests.size());
  job->working_ = true;
  listen(job, requests);
  if (job->trace_) {
    note_request(*job->trace_, requests.front());
    job->trace_->submitted();
  }
  submit(job, std::move(requests));
}

void Service::submit(const std::shared_ptr<Job>& job, std::vector<Request> requests) {
  const auto done = [this, job, model = job->model_](std::vector<Result> results) {
    if (job->strand_) {  // behind the last piece of the answer
      return boost::asio::post(*job->strand_, [this, job, model, results = std::move(results)] {
        end_stream(*job, *model, results);
      });
    }
    boost::asio::thread_pool& workers = workers_for(bytes_of(results));
    boost::asio::post(workers, [this, job, results = std::move(results)]() mutable {
      guarded(*job, [&] { complete(job, std::move(results)); });
    });
  };
  job->set_ticket(job->model_->engine->submit(std::move(requests), done));
  if (!job->stream_) return;
  // It is accepted: what goes wrong from here on is told within the answer.
  HttpResponse response{.content_type = std::string(job->plan_.stream->content_type()),
                        .headers = {{"Cache-Control", "no-cache"}},
                        .stream = job->stream_,
                        .keep_alive = std::string(job->plan_.stream->keep_alive())};
  add_common_headers(job->request_, job->id_, response);
  add_warnings(response, job->plan_.warnings);
  job->answer_(std::move(response));
}

// Hears of every token of a generation: for the metrics, and for an answer that is sent as it
// grows.
void Service::listen(const std::shared_ptr<Job>& job, std::vector<Request>& requests) {
  const auto* generate = std::get_if<Generate>(&requests.front().task);
  if (!generate) return;
  const auto choices = static_cast<size_t>(generate->n);
  job->written_.resize(requests.size() * choices);
  if (job->plan_.stream) {
    job->stream_ = std::make_shared<ByteStream>();
    job->strand_.emplace(boost::asio::make_strand(workers_.get_executor()));
  }
  for (Request& request : requests) {
    request.on_delta = [this, job, choices, model = job->model_](const GenerationDelta& delta) {
      if (job->cancelled()) {
        if (job->give_up()) model->metrics.aborted();
        return false;
      }
      const auto now = Clock::now();
      Job::Tokens& written =
          job->written_.at(delta.request * choices + static_cast<size_t>(delta.index));
      note_tokens(*job, model->metrics, delta, now, written);
      if (job->stream_) post_delta(job, delta);
      return true;
    };
  }
}

void Service::note_tokens(const Job& job, ModelMetrics& metrics, const GenerationDelta& delta,
                          Clock::time_point now, Job::Tokens& written) {
  const auto seconds = [](Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  };
  if (!delta.token_ids.empty()) {
    const bool first = written.count == 0;
    metrics.generated(first, seconds(first ? job.start_ : written.last, now),
                      delta.token_ids.size(),
                      job.trace_ ? std::string_view(job.trace_->trace_id()) : std::string_view());
    if (first) written.first = now;
    written.last = now;
    written.count += static_cast<int64_t>(delta.token_ids.size());
  }
  if (delta.finish_reason && written.count > 0) {
    metrics.completed(*delta.finish_reason, written.count, seconds(job.start_, written.first),
                      seconds(written.first, written.last));
  }
}

void Service::post_delta(const std::shared_ptr<Job>& job, const GenerationDelta& delta) {
  struct Piece {
    GenerationDelta delta;
    std::vector<int32_t> ids;
    std::vector<TokenLogprobs> logprobs;
  };
  auto piece = std::make_shared<Piece>();
  piece->delta = delta;
  if (delta.prompt_token_ids) {
    piece->ids = *delta.prompt_token_ids;
    piece->delta.prompt_token_ids = &piece->ids;
  }
  if (delta.prompt_logprobs) {
    piece->logprobs = *delta.prompt_logprobs;
    piece->delta.prompt_logprobs = &piece->logprobs;
  }
  boost::asio::post(*job->strand_, [this, job, piece = std::move(piece)] {
    stream_guarded(*job, [&] { job->stream_->push(job->plan_.stream->add(piece->delta)); });
  });
}

// `run` with an exception turned into an error within the answer, which ends with it.
void Service::stream_guarded(Job& job, const std::function<void()>& run) {
  if (job.stream_failed_) return;
  const auto fail = [&](const Failure& failure) {
    job.stream_failed_ = true;
    if (failure.cause == Cause::kInternal)
      log_.error(job.request_.path + " " + job.id_ + ": " + failure.message, job.id_);
    metrics_.failed(to_string(failure.cause));
    job.stream_->push(job.plan_.stream->fail(shown(failure, job)));
  };
  try {
    run();
  } catch (const Failure& failure) {
    fail(failure);
  } catch (const Error& error) {
    fail(Failure(error));
  } catch (const std::exception& error) {
    fail(Failure(Cause::kInternal, error.what()));
  }
}

void Service::end_stream(Job& job, LoadedModel& model, const std::vector<Result>& results) {
  stream_guarded(job, [&] {
    for (const Result& result : results) {
      if (const Error* error = result.error()) throw in_words_of(job.plan_, *error);
    }
    job.tokens_ = total_tokens(results);
    job.stream_->push(job.plan_.stream->end(results));
  });
  charge(job);
  if (job.trace_) job.trace_->computed(results);
  const std::string trace = end_trace(job, 200, job.stream_failed_ ? "the stream broke off" : "");
  model.metrics.request_ended(!job.plan_.single, job.work_, seconds_since(job.start_),
                              job.stream_failed_ ? std::span<const Result>() : results, trace);
  record(job.request_, job.id_, job.start_, {}, job.inputs_, job.tokens_,
         model.context.names.front(), trace);
  job.stream_->end();
  job.release();
}

// What a request took, by its key: what was read and, also of an answer that broke off, written.
void Service::charge(const Job& job) const {
  if (!job.account_) return;
  int64_t written = 0;
  for (const Job::Tokens& completion : job.written_) written += completion.count;
  job.account_->charge(job.tokens_ + written);
}

// False where the model has to be waited for: the job comes again then.
bool Service::plan(const std::shared_ptr<Job>& waiting) {
  Job& job = *waiting;
  json::monotonic_resource memory;
  if (job.route_->tei && job.route_->openai && is_tei_text(job.request_.body))
    job.refuse_ = tei::refuse;
  const json::value body = parse_body(job.request_.body, &memory);
  const json::object& object = body.get_object();
  const bool tei = job.route_->tei &&
                   (!job.route_->openai || object.contains("inputs") || object.contains("texts"));
  job.refuse_ = tei ? tei::refuse : job.route_->refuse ? job.route_->refuse : openai::refuse;
  if (!job.model_) {
    const auto named = model_for(job, object, tei);
    ServedModel& model = named ? *named : models_.first();
    job.model_ = model.lease();
    if (!job.model_) {
      wait_for(model, waiting);
      return false;
    }
  }
  const Context& context = job.model_->context;
  if (job.trace_) {
    const json::value* const name = object.if_contains("model");
    job.trace_->set("gen_ai.request.model", name && name->is_string() && !tei
                                                ? std::string(name->get_string())
                                                : context.names.front());
  }
  job.plan_ =
      (tei ? job.route_->tei : job.route_->openai)({context, job.request_, object, job.id_});
  std::string().swap(job.request_.body);
  for (const std::string& field : job.plan_.ignored) {
    note_once("field \"" + field.substr(0, 100) + "\" of " + job.request_.path +
              " is not known and ignored");
  }
  give_seed(job.plan_, options_.seed);
  warn_of_foreign_ids(job.plan_, context.tokenizer);
  for (const std::string& warning : job.plan_.warnings) note_once(warning);
  check_answer_size(job);
  return true;
}

// What `model` names; null = nothing does. TEI's bodies have no such field: a name that is served
// is heeded there as well, and any other is not.
std::shared_ptr<ServedModel> Service::model_for(const Job& job, const json::object& body,
                                                bool tei) const {
  const json::value* name = body.if_contains("model");
  if (!name && job.route_->openai == ollama::show) name = body.if_contains("name");
  if (!name || !name->is_string()) return nullptr;
  std::shared_ptr<ServedModel> model = models_.find(name->get_string());
  if (model || tei) return model;
  throw Failure(Cause::kModelName,
                "The model `" + std::string(name->get_string()) + "` does not exist.", "model");
}

// Loads or unloads the model that the body names; answered when that is done.
void Service::operate(const std::shared_ptr<Job>& job) {
  json::monotonic_resource memory;
  const json::value parsed = parse_body(job->request_.body, &memory);
  const json::object& body = parsed.get_object();
  const json::value* const name = body.if_contains("model");
  if (!name || !name->is_string()) {
    throw Failure({{.where = "body.model",
                    .type = name ? "string_type" : "missing",
                    .message = name ? "expected a name" : "field required"}});
  }
  const auto done = [this, job](const std::exception_ptr& error) {
    guarded(*job, [&] {
      if (error) std::rethrow_exception(error);
      finish(*job, {.content_type = std::string(kJsonType), .body = "{\"success\":true}"}, {}, "");
    });
  };
  const auto loaded = [done](const Lease&, const std::exception_ptr& error) { done(error); };
  const auto model = models_.find(name->get_string());
  const bool loads = job->route_->operation == Operation::kLoad;
  if (loads && !model && options_.read_model) return models_.add(options_.read_model(body), loaded);
  if (!model) {
    throw Failure(Cause::kModelName,
                  "The model `" + std::string(name->get_string()) + "` does not exist.", "model");
  }
  if (body.size() > 1) {
    throw Failure(Cause::kInvalid,
                  "`" + std::string(name->get_string()) +
                      "` is served already, with the options that it has: send `model` alone",
                  "model");
  }
  if (!loads) return model->unload([done] { done({}); });
  model->load(loaded);
}

void Service::wait_for(ServedModel& model, const std::shared_ptr<Job>& job) {
  model.wait([this, job](Lease lease, const std::exception_ptr& error) {
    if (error) return guarded(*job, [&] { refuse_unloaded(error); });
    job->model_ = std::move(lease);
    post_work(job);
  });
}

// Why a model can't be had: no fault of who asked for it.
void Service::refuse_unloaded(const std::exception_ptr& error) const {
  try {
    std::rethrow_exception(error);
  } catch (const Failure&) {
    throw;
  } catch (const std::exception&) {
    throw Failure(Cause::kUnavailable, "the model can't be loaded: the server's log says why");
  }
}

// A row per token multiplies a text's size by thousands, and so do many completions: what one
// request may ask for is bounded.
void Service::check_answer_size(const Job& job) const {
  const auto check = [&](double bytes, const char* what, const char* instead) {
    if (bytes <= static_cast<double>(options_.max_answer_bytes)) return;
    throw Failure(Cause::kBatchSize,
                  std::string(what) + " could take " + std::to_string(static_cast<int64_t>(bytes)) +
                      " bytes, more than the " + std::to_string(options_.max_answer_bytes) +
                      " of one answer: " + instead);
  };
  double rows = 0, completions = 0;
  for (const Request& request : job.plan_.requests) {
    rows += answer_bytes(job.model_->context.info, request);
    completions += completion_bytes(job.model_->context, request);
  }
  check(rows, "the numbers of these inputs' tokens", "send fewer or shorter inputs");
  check(completions, "these completions",
        "ask for fewer of them, fewer tokens of each or fewer logprobs");
}

void Service::complete(const std::shared_ptr<Job>& job, std::vector<Result> results) {
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].error()) continue;
    const Error& error = *results[i].error();
    const std::string where = results.size() > 1 ? "input[" + std::to_string(i) + "]: " : "";
    throw Error(error.code(), where + error.what(), error.field());
  }
  std::vector<Result> counts;  // without the values, which the answer takes
  const std::vector<bool>& cut = job->plan_.cut;
  for (const Result& result : results) {
    Result& count = counts.emplace_back();
    count.usage = result.usage;
    count.timings = result.timings;
    count.usage.truncated |= !cut.empty() && cut[counts.size() - 1];
  }
  job->tokens_ = total_tokens(counts);
  charge(*job);
  if (job->trace_) job->trace_->computed(counts);
  HttpResponse response = job->plan_.render(std::move(results));
  response.headers.emplace_back("x-compute-type", job->model_->context.info.backend);
  add_timings(response, counts, seconds_since(job->start_), job->characters_);
  finish(*job, std::move(response), counts, "");
}

void Service::guarded(Job& job, const std::function<void()>& run) {
  try {
    return run();
  } catch (const Failure& failure) {
    fail(job, failure);
  } catch (const Error& error) {
    fail(job, Failure(in_words_of(job.plan_, error)));
  } catch (const std::bad_alloc&) {
    fail(job, Failure(Cause::kInternal, "out of memory"));
  } catch (const std::exception& error) {
    fail(job, Failure(Cause::kInternal, error.what()));
  }
}

// `failure` as a client may see it.
Failure Service::shown(Failure failure, const Job& job) const {
  if (!job.model_) return failure;
  const Context& context = job.model_->context;
  const auto hide = [&](std::string& text) {
    text = without_paths(std::move(text), context.options.engine.model, context.info.folder,
                         context.public_name);
  };
  hide(failure.message);
  for (Problem& problem : failure.problems) hide(problem.message);
  return failure;
}

void Service::fail(Job& job, const Failure& failure) {
  if (failure.cause == Cause::kInternal)
    log_.error(job.request_.path + " " + job.id_ + ": " + failure.message, job.id_);
  const int64_t max_model_len = job.model_ ? job.model_->context.info.max_model_len : 0;
  finish(job, job.refuse_(shown(failure, job), max_model_len), {}, to_string(failure.cause));
}

void Service::finish(Job& job, HttpResponse response, std::span<const Result> results,
                     const std::string& error) {
  add_common_headers(job.request_, job.id_, response);
  const std::string trace = end_trace(job, response.status, error);
  if (job.working_) {
    job.model_->metrics.request_ended(!job.plan_.single, job.work_, seconds_since(job.start_),
                                      results, trace);
  }
  if (!error.empty()) metrics_.failed(error);
  add_warnings(response, job.plan_.warnings);
  record(job.request_, job.id_, job.start_, response, job.inputs_, job.tokens_,
         job.model_ ? job.model_->context.names.front() : "", trace);
  job.answer_(std::move(response));
  job.release();
}

void Service::add_common_headers(const HttpRequest& head, const std::string& id,
                                 HttpResponse& response) const {
  response.headers.emplace_back("X-Request-Id", id);
  const bool says_when = std::ranges::any_of(
      response.headers, [](const auto& header) { return header.first == "Retry-After"; });
  if (!says_when && (response.status == 429 || response.status == 503))
    response.headers.emplace_back("Retry-After", "1");
  add_origin(response, head.origin, options_.allowed_origins);
}

void Service::record(const HttpRequest& head, const std::string& id, Clock::time_point start,
                     const HttpResponse& response, int64_t inputs, int64_t tokens,
                     std::string_view model, std::string_view trace_id) {
  const Route* route = find_route(head.method, head.path);
  metrics_.answered(route ? route->method : "other", route ? route->path : "other",
                    response.status);
  if (!log_.informs()) return;
  log_.info({.peer = head.peer,
             .method = head.method,
             .path = head.path,
             .id = id,
             .key_name = head.key_name,
             .model = model,
             .trace_id = trace_id,
             .status = response.status,
             .seconds = seconds_since(start),
             .inputs = inputs,
             .tokens = tokens});
}

void Service::note_once(const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    if (noted_.size() >= kMaxNoted || !noted_.insert(message).second) return;
  }
  log_.info("note: " + message);
}

}  // namespace vecton::server
