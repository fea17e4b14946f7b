// ServedModel: a model that is served, in memory or not. Loads it, gives it to requests and takes
// it out of memory when they are done with it.
//
// Each has a thread of its own, on which it is loaded and unloaded: nobody waits for that but who
// asked for it and the requests for this model. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/dialect.h"
#include "server/listed_model.h"
#include "server/log.h"
#include "server/metrics.h"

namespace vecton::server {

// A model in memory, with what its requests need.
struct LoadedModel {
  const ServerOptions& options;  // the server's, with what this model has of its own
  ModelMetrics& metrics;
  std::unique_ptr<Engine> engine;
  Context context;

  // A request has been answered: the model's idle time begins anew.
  void used() { used_at = std::chrono::steady_clock::now(); }
  std::atomic<std::chrono::steady_clock::time_point> used_at = std::chrono::steady_clock::now();
};

// What a request holds of its model, which stays in memory as long.
using Lease = std::shared_ptr<LoadedModel>;

class ServedModel {
 public:
  // `options`: the server's, with those of the model; `runtime`: of all models. It is loaded by
  // load(), or sleeps until then.
  ServedModel(ServerOptions options, std::shared_ptr<Runtime> runtime, const Log& log);
  ~ServedModel();  // requests that are not answered yet hear that they are cancelled

  const std::vector<std::string>& names() const { return names_; }  // at least one
  const std::string& public_name() const { return public_name_; }
  const ServerOptions& options() const { return options_; }
  ListedModel listed() const;
  ModelFigures figures() const;
  int64_t in_flight() const { return metrics_.in_flight(); }
  // Whether it does, of one that has been in memory.
  bool reads_images() const { return reads_images_.load(std::memory_order_relaxed); }

  // For one request; nothing while the model is not in memory: wait() for it then.
  Lease lease() const;
  // Hears of the model when it is there, or why it can't be had (Failure, Error); perhaps at once,
  // on any thread.
  using Waiter = std::function<void(Lease, std::exception_ptr)>;
  // A model that sleeps is loaded for it; one that was unloaded is not.
  void wait(Waiter waiter);
  // Loads it, if it is not in memory.
  void load(Waiter waiter);
  // It is loaded for its first request.
  void sleep();
  // Takes it out of memory, when the requests that it has are answered; further ones are refused.
  void unload(std::function<void()> done);
  // Who waits hears that the server stops, as does who comes to wait.
  void stop();

 private:
  using Lock = std::unique_lock<std::mutex>;
  void keep();
  void open(Lock& lock);
  void close(Lock& lock);
  void rest(Lock& lock);
  std::unique_ptr<LoadedModel> read();
  std::exception_ptr not_loaded() const;
  ModelState state() const;

  const ServerOptions options_;
  const std::vector<std::string> names_;
  const std::string public_name_;
  const std::shared_ptr<Runtime> runtime_;
  const Log& log_;
  ModelMetrics metrics_;
  std::atomic<bool> reads_images_{false};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  // What the thread is to bring about, and where it falls back to when the model can't be loaded.
  enum class Wish { kUnloaded, kSleeping, kLoaded };
  Wish wish_ = Wish::kUnloaded, otherwise_ = Wish::kUnloaded;
  bool begun_ = false;  // somebody has asked for the model to be loaded, or to sleep
  bool opening_ = false, closing_ = false, stopping_ = false, ended_ = false;
  std::unique_ptr<LoadedModel> model_;
  Lease lease_;                   // of `model_`, copied for each request
  std::future<void> given_back_;  // when all copies are
  std::vector<Waiter> waiters_;
  std::vector<std::function<void()>> leavers_;
  std::shared_ptr<const ModelInfo> info_;
  EngineStats past_;  // counters of when it was in memory before
  std::thread keeper_;
};

}  // namespace vecton::server
