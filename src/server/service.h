// Service: from an HTTP request to its answer, without sockets. Checks who asks, finds the route
// and the model, lets a dialect plan, the engine compute and the dialect render.
//
// Called by connections on I/O threads, which it never holds up: bodies are parsed, tokenized and
// rendered on threads of its own. Thread-safe.
#pragma once

#include <atomic>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "server/api_keys.h"
#include "server/dialect.h"
#include "server/http.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/models.h"
#include "server/routes.h"
#include "server/trace_exporter.h"

namespace vecton::server {

using Respond = std::function<void(HttpResponse)>;

// A request on its way.
class Job {
 public:
  // Its client has left: what is not computed yet won't be.
  void cancel();

 private:
  friend class Service;
  void release();
  bool cancelled();
  bool give_up();  // true when it is the first to
  void set_ticket(Ticket ticket);

  HttpRequest request_;
  std::shared_ptr<KeyAccount> account_;  // of its key; null where none is needed
  Respond answer_;
  std::shared_ptr<ByteStream> stream_;  // of the answer, when it is sent as it grows
  const Route* route_ = nullptr;
  std::string id_;
  std::chrono::steady_clock::time_point start_;
  Refusal refuse_ = nullptr;  // of the dialect that the body is in
  Lease model_;               // until it is answered
  CallPlan plan_;
  std::unique_ptr<Trace> trace_;  // null: it is not recorded
  int64_t inputs_ = 0, characters_ = 0, tokens_ = 0;
  std::optional<boost::asio::strand<boost::asio::thread_pool::executor_type>> strand_;
  struct Tokens {
    std::chrono::steady_clock::time_point first{}, last{};
    int64_t count = 0;
  };
  std::vector<Tokens> written_;  // of each completion
  bool stream_failed_ = false;   // an error has ended the stream
  bool working_ = false;         // counted by metrics as a request for the model
  Work work_ = Work::kEmbed;

  std::mutex mutex_;  // guards what follows
  bool cancelled_ = false, given_up_ = false;
  Ticket ticket_;
};

class Service {
 public:
  Service(const ServerOptions& options, const Log& log);
  ~Service();  // waits for its threads

  // Loads the models; requests that came before go on. Once. Throws Error.
  void load();
  bool ready() const { return ready_ && !stopping_; }
  const Models& models() const { return models_; }

  // Loads no model any more; requests that wait for one are answered 503.
  void stop();

  // A client that asked for TLS and did not get it.
  void note_handshake(const std::string& peer, const std::string& why);

  // Reads the file of keys again. Throws Error and changes nothing when it is wrong.
  void reload() { keys_.reload(); }

  // What a request's head alone decides: a missing key, an unknown route, a wrong content type.
  std::optional<HttpResponse> refuse_early(const HttpRequest& head);
  // The answer to a request that never was read whole.
  HttpResponse refuse(const HttpRequest& head, const Failure& failure);

  // Makes room for `bytes` of a body; false when the server holds as much as it may. What was taken
  // is given back in the end.
  bool take_room(int64_t bytes);
  void give_room(int64_t bytes) { pending_bytes_ -= bytes; }

  // Calls `answer` once, perhaps at once, on any thread.
  std::shared_ptr<Job> handle(HttpRequest request, Respond answer);

  Metrics& metrics() { return metrics_; }

 private:
  std::optional<Failure> check(const HttpRequest& head,
                               std::shared_ptr<KeyAccount>* account = nullptr) const;
  std::optional<Failure> over_limit(const Job& job) const;
  void charge(const Job& job) const;
  // Its id; empty where it is not recorded.
  std::string end_trace(Job& job, int status, const std::string& error);
  HttpResponse status(const Job& job);
  HttpResponse refuse_unready(const Job& job) const;
  std::string id_of(const HttpRequest& head);

  void post_work(std::shared_ptr<Job> job);
  boost::asio::thread_pool& workers_for(int64_t bytes);
  void work(const std::shared_ptr<Job>& job);
  bool plan(const std::shared_ptr<Job>& waiting);
  std::shared_ptr<ServedModel> model_for(const Job& job, const json::object& body, bool tei) const;
  void operate(const std::shared_ptr<Job>& job);
  void wait_for(ServedModel& model, const std::shared_ptr<Job>& job);
  void refuse_unloaded(const std::exception_ptr& error) const;
  void submit(const std::shared_ptr<Job>& job, std::vector<Request> requests);
  void listen(const std::shared_ptr<Job>& job, std::vector<Request>& requests);
  void note_tokens(const Job& job, ModelMetrics& metrics, const GenerationDelta& delta,
                   std::chrono::steady_clock::time_point now, Job::Tokens& written);
  void post_delta(const std::shared_ptr<Job>& job, const GenerationDelta& delta);
  void stream_guarded(Job& job, const std::function<void()>& run);
  void end_stream(Job& job, LoadedModel& model, const std::vector<Result>& results);
  void check_answer_size(const Job& job) const;
  void complete(const std::shared_ptr<Job>& job, std::vector<Result> results);
  void fail(Job& job, const Failure& failure);
  Failure shown(Failure failure, const Job& job) const;
  // `run` with every exception turned into an answer.
  void guarded(Job& job, const std::function<void()>& run);
  void finish(Job& job, HttpResponse response, std::span<const Result> results,
              const std::string& error);
  void add_common_headers(const HttpRequest& head, const std::string& id,
                          HttpResponse& response) const;
  void record(const HttpRequest& head, const std::string& id,
              std::chrono::steady_clock::time_point start, const HttpResponse& response,
              int64_t inputs, int64_t tokens, std::string_view model = {},
              std::string_view trace_id = {});
  void note_once(const std::string& message);
  void describe();
  std::vector<ListedModel> listed() const;
  std::string metrics_text(MetricsFormat format) const;
  HttpResponse tokenizer(const Job& job) const;

  const ServerOptions options_;
  const Log& log_;
  ApiKeys keys_;
  std::unique_ptr<TraceExporter> traces_;  // null: none are sent
  std::once_flag described_;
  std::string openapi_, docs_page_;  // made for the first who asks for one of them
  int64_t started_;
  Metrics metrics_;
  std::atomic<uint64_t> next_id_;
  std::atomic<int64_t> pending_bytes_{0};

  std::atomic<bool> ready_{false}, stopping_{false};

  std::mutex mutex_;  // guards what follows
  std::set<std::string> noted_;

  int workers_count_;
  boost::asio::thread_pool workers_, long_workers_, image_workers_;
  Models models_;  // ends before the threads that its requests go to
};

}  // namespace vecton::server
