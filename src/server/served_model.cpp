#include "server/served_model.h"

#include <cstdio>
#include <utility>

#include "base/background_work.h"
#include "base/counted.h"
#include "base/memory_info.h"
#include "server/public_name.h"

namespace vecton::server {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{
    50};  // for the server's end, while requests are waited for

std::vector<std::string> names_of(const ModelOptions& options) {
  if (!options.served_model_names.empty()) return options.served_model_names;
  return {options.engine.model};
}

std::string compute_of(const ModelInfo& info) {
  if (info.compute == "float32") return "";
  char text[96];
  std::snprintf(text, sizeof text, ", compute %s (cosine to float32 at least %.4f with MiniLM)",
                info.compute.c_str(), info.compute_cosine);
  return text;
}

std::string summary(const ModelInfo& info) {
  std::string text = info.name + ": " + info.architecture + ", " + info.dtype + compute_of(info) +
                     " on " + info.backend + "/" + info.isa + ", " +
                     base::counted(info.threads, "thread") + ", " + task_names(info);
  if (does(info, Task::kEmbed)) {
    text += ", pooling " + info.pooling + (info.normalize ? " normalized" : "") + ", " +
            std::to_string(info.embedding_size) + " values";
  }
  for (const std::string& dense : info.dense) text += ", " + dense;
  if (!info.labels.empty())
    text += ", " + base::counted(static_cast<int64_t>(info.labels.size()), "label");
  if (!info.scorer.empty()) text += ", scores by " + info.scorer;
  if (info.default_prompt_name) text += ", default prompt " + *info.default_prompt_name;
  if (info.cache_bytes_per_token > 0) {
    text += ", " + base::counted(info.cache_bytes_per_token, "byte") + " of cache a token (" +
            info.kv_cache_dtype + ")";
  }
  if (info.state_bytes > 0) text += " and " + std::to_string(info.state_bytes) + " a sequence";
  return text + ", up to " + std::to_string(info.max_model_len) + " tokens";
}

std::exception_ptr failure(Cause cause, const std::string& message) {
  return std::make_exception_ptr(Failure(cause, message));
}

std::string why(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

// What stays true of a model that is not in memory any more.
EngineStats counters_of(EngineStats stats) {
  stats.requests_running = stats.requests_waiting = stats.tokens_waiting = 0;
  stats.cache_pages = stats.cache_pages_used = stats.cache_tokens = 0;
  return stats;
}

EngineStats sum_of(EngineStats a, const EngineStats& b) {
  a.requests_running += b.requests_running;
  a.requests_waiting += b.requests_waiting;
  a.tokens_waiting += b.tokens_waiting;
  a.requests_done += b.requests_done;
  a.requests_failed += b.requests_failed;
  a.requests_cancelled += b.requests_cancelled;
  a.prompt_tokens += b.prompt_tokens;
  a.batches += b.batches;
  a.generation_tokens += b.generation_tokens;
  a.preemptions += b.preemptions;
  a.spec_decode_drafts += b.spec_decode_drafts;
  a.spec_decode_draft_tokens += b.spec_decode_draft_tokens;
  a.spec_decode_accepted_tokens += b.spec_decode_accepted_tokens;
  a.prefix_cache_queries += b.prefix_cache_queries;
  a.prefix_cache_hits += b.prefix_cache_hits;
  a.cache_pages += b.cache_pages;
  a.cache_pages_used += b.cache_pages_used;
  a.cache_tokens += b.cache_tokens;
  return a;
}

}  // namespace

ServedModel::ServedModel(ServerOptions options, std::shared_ptr<Runtime> runtime, const Log& log)
    : options_(std::move(options)),
      names_(names_of(options_)),
      public_name_(server::public_name(options_)),
      runtime_(std::move(runtime)),
      log_(log),
      metrics_(names_.front()),
      keeper_([this] { keep(); }) {}

ServedModel::~ServedModel() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  keeper_.join();
}

Lease ServedModel::lease() const {
  const std::lock_guard lock(mutex_);
  return lease_;
}

std::exception_ptr ServedModel::not_loaded() const {
  return failure(Cause::kModelName, "The model `" + names_.front() + "` is not loaded.");
}

void ServedModel::wait(Waiter waiter) {
  Lease lease;
  std::exception_ptr error;
  bool later = false;
  {
    const std::lock_guard lock(mutex_);
    if (lease_) {
      lease = lease_;
    } else if (stopping_) {
      error = failure(Cause::kUnavailable, "the server is stopping");
    } else if (begun_ && wish_ == Wish::kUnloaded) {
      error = not_loaded();
    } else {
      if (begun_) wish_ = Wish::kLoaded;
      waiters_.push_back(waiter);
      later = true;
    }
  }
  if (later) {
    changed_.notify_all();
  } else {
    waiter(std::move(lease), error);
  }
}

void ServedModel::load(Waiter waiter) {
  {
    const std::lock_guard lock(mutex_);
    if (!lease_ && !stopping_) {
      begun_ = true;
      wish_ = Wish::kLoaded;
    }
  }
  wait(std::move(waiter));
}

void ServedModel::sleep() {
  const std::lock_guard lock(mutex_);
  begun_ = true;
  wish_ = otherwise_ = Wish::kSleeping;
}

void ServedModel::unload(std::function<void()> done) {
  std::vector<Waiter> refused;
  {
    const std::lock_guard lock(mutex_);
    begun_ = true;
    wish_ = otherwise_ = Wish::kUnloaded;
    if (!opening_) refused.swap(waiters_);
    if (model_ || opening_ || closing_) leavers_.push_back(std::exchange(done, nullptr));
  }
  changed_.notify_all();
  for (const Waiter& waiter : refused) waiter({}, not_loaded());
  if (done) done();
}

void ServedModel::stop() {
  std::vector<Waiter> waiters;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiters.swap(waiters_);
  }
  for (const Waiter& waiter : waiters)
    waiter({}, failure(Cause::kUnavailable, "the server is stopping"));
}

// Under the lock.
ModelState ServedModel::state() const {
  if (lease_) return ModelState::kLoaded;
  if (model_ || closing_) return ModelState::kUnloading;
  if (opening_ || !begun_ || wish_ == Wish::kLoaded) return ModelState::kLoading;
  return wish_ == Wish::kSleeping ? ModelState::kSleeping : ModelState::kUnloaded;
}

ListedModel ServedModel::listed() const {
  const std::lock_guard lock(mutex_);
  return {options_, names_, public_name_, info_, state()};
}

ModelFigures ServedModel::figures() const {
  const std::lock_guard lock(mutex_);
  ModelFigures figures{metrics_};
  if (info_) figures.stats = model_ ? sum_of(past_, model_->engine->stats()) : past_;
  return figures;
}

// The thread's work: brings about what is wished for.
void ServedModel::keep() {
  base::lower_priority_of_this_thread();  // requests for other models go first
  Lock lock(mutex_);
  while (!ended_) {
    const bool leaves = wish_ != Wish::kLoaded || !leavers_.empty();
    if (model_ && leaves) {
      close(lock);
    } else if (!model_ && wish_ == Wish::kLoaded) {
      open(lock);
    } else {
      rest(lock);
    }
  }
  lease_.reset();
  if (model_) model_->engine.reset();  // requests that are left hear that they are cancelled
}

// Until something is wished for, or the model has had no request for as long as it may.
void ServedModel::rest(Lock& lock) {
  if (!model_ || options_.sleep_idle_seconds <= 0 || stopping_) return changed_.wait(lock);
  const auto most = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(options_.sleep_idle_seconds));
  const auto now = Clock::now();
  const bool in_use = lease_.use_count() > 1;
  const auto until = (in_use ? now : model_->used_at.load()) + most;
  if (until <= now) {
    wish_ = Wish::kSleeping;
  } else {
    changed_.wait_until(lock, until);
  }
}

std::unique_ptr<LoadedModel> ServedModel::read() {
  const base::BackgroundWork background;  // other models have requests
  std::unique_ptr<Engine> engine = Engine::open(options_.engine, runtime_, options_.progress);
  Context context{
      options_,    names_, engine->info(), engine->tokenizer(), engine->chat_templates(),
      public_name_};
  if (does(context.info, Task::kGenerate))
    context.generation_defaults = engine->generation_defaults();
  return std::unique_ptr<LoadedModel>(
      new LoadedModel{options_, metrics_, std::move(engine), std::move(context)});
}

void ServedModel::open(Lock& lock) {
  opening_ = true;
  lock.unlock();
  std::unique_ptr<LoadedModel> model;
  std::exception_ptr error;
  const auto start = Clock::now();
  try {
    model = read();
  } catch (...) {
    error = std::current_exception();
  }
  if (model) {
    reads_images_ = model->context.info.images;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    log_.notice("loaded in " + std::to_string(took.count()) +
                " ms: " + summary(model->context.info));
    for (const std::string& warning : model->context.info.warnings)
      log_.notice("warning: " + warning);
  }
  lock.lock();
  opening_ = false;
  Lease lease;
  if (model) {
    auto given_back = std::make_shared<std::promise<void>>();
    given_back_ = given_back->get_future();
    lease = Lease(model.get(), [given_back](LoadedModel*) { given_back->set_value(); });
    lease_ = lease;
    info_ = std::make_shared<const ModelInfo>(model->context.info);
    model_ = std::move(model);
    if (wish_ == Wish::kLoaded) otherwise_ = Wish::kSleeping;
  } else {
    if (otherwise_ == Wish::kSleeping)
      log_.error(names_.front() + " can't be loaded: " + why(error));
    if (wish_ == Wish::kLoaded) wish_ = otherwise_;
  }
  const std::vector<Waiter> waiters = std::exchange(waiters_, {});
  std::vector<std::function<void()>> leavers;
  if (!model_) leavers.swap(leavers_);
  lock.unlock();
  for (const Waiter& waiter : waiters) waiter(lease, error);
  for (const auto& done : leavers) done();
  lease.reset();
  lock.lock();
}

// New requests don't get it from now on; those that have it are waited for.
void ServedModel::close(Lock& lock) {
  closing_ = true;
  lease_.reset();
  while (!ended_) {
    lock.unlock();
    const bool given_back = given_back_.wait_for(kLook) == std::future_status::ready;
    lock.lock();
    if (given_back) break;
  }
  if (ended_) return;
  past_ = counters_of(sum_of(past_, model_->engine->stats()));
  std::unique_ptr<LoadedModel> model = std::move(model_);
  lock.unlock();
  model.reset();
  base::trim_heap();
  log_.notice("unloaded " + names_.front());
  lock.lock();
  closing_ = false;
  const std::vector<std::function<void()>> leavers = std::exchange(leavers_, {});
  lock.unlock();
  for (const auto& done : leavers) done();
  lock.lock();
}

}  // namespace vecton::server
