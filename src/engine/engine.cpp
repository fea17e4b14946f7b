#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

#include "base/counted.h"
#include "base/memory_info.h"
#include "engine/assembly.h"
#include "engine/describe.h"
#include "engine/generating.h"
#include "engine/plan.h"
#include "engine/routes.h"
#include "engine/runner.h"
#include "engine/runtime_impl.h"
#include "engine/scheduler.h"
#include "vecton/vecton.h"

namespace vecton {

using Clock = std::chrono::steady_clock;

// The runtime that an engine without one gets.
static std::shared_ptr<Runtime> runtime_of(const EngineOptions& options) {
  return Runtime::create({.threads = options.threads, .backend = options.backend});
}

// The only place where threads meet: callers push sequences, workers take batches, `mutex` guards
// what both touch.
struct Engine::Impl {
  Impl(const EngineOptions& options, std::shared_ptr<Runtime> shared,
       const std::function<void(const DownloadProgress&)>& progress);
  ~Impl();

  void load_weights(const EngineOptions& options);
  base::MemoryBudget::Share take_memory(int64_t bytes, const std::string& what, const char* field);
  void make_cache(const EngineOptions& options);
  void check_drafts() const;
  bool work(int worker);
  void rest(int worker);
  void compute(Ops& ops, std::vector<engine::Sequence> batch);
  void write_tokens(std::vector<engine::Sequence>& batch);
  void finish_generation(engine::Sequence& sequence);
  void answer(engine::Sequence& sequence);
  std::vector<Result> assemble(const engine::Assembly& assembly, std::vector<Result> parts);
  std::unique_ptr<Ops> take_score_ops();
  void fail(std::vector<engine::Sequence>& sequences, const Error& error);
  void take_given_up();
  engine::Scheduler::Limits limits(const EngineOptions& options, int threads) const;

  std::shared_ptr<Runtime> runtime;
  base::MemoryBudget::Share weight_memory, cache_memory;  // of the runtime's
  engine::Routes routes;
  const engine::Plan& plan;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<engine::Runner> runner;
  std::optional<engine::Writers> writers;  // of a model that generates
  bool shares_prefixes = true;
  int64_t most_tokens = 0;  // Scheduler::most_tokens()
  int64_t cache_tokens = 0;
  ModelInfo info;

  std::shared_ptr<engine::GivenUp> given_up = std::make_shared<engine::GivenUp>();
  std::mutex mutex;
  std::condition_variable changed;  // room in the queue, or fewer unfinished requests
  engine::Scheduler scheduler;
  EngineStats stats;
  int64_t unfinished = 0;  // requests taken and not answered yet
  bool draining = false, stopped = false;

  std::unique_ptr<Ops> root_ops;                // of weights and cache
  std::vector<std::unique_ptr<Ops>> ops;        // one per worker
  std::vector<std::unique_ptr<Ops>> score_ops;  // idle ones, for results put together from several
  std::shared_ptr<base::JobSources::Source> source;  // what the workers see of this engine
};

// What an engine may not say for itself when it shares a runtime. What the environment says of
// threads is the runtime's business.
static void check_shared(const EngineOptions& options, const RuntimeOptions& runtime) {
  const bool own_threads = options.threads != 0 && options.threads != EngineOptions{}.threads;
  if (own_threads && options.threads != runtime.threads) {
    throw Error(ErrorCode::kInvalidArgument,
                "threads: " + std::to_string(options.threads) + ", and the runtime has " +
                    std::to_string(runtime.threads),
                "threads");
  }
  if (options.backend != runtime.backend) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "backend: \"" + options.backend + "\", and the runtime has \"" + runtime.backend + "\"",
        "backend");
  }
}

// Of options for generating, to a model that does not.
static void note_unused(const EngineOptions& options, const engine::Plan& plan,
                        std::vector<std::string>& warnings) {
  const std::pair<const char*, bool> given[] = {
      {"speculative_config", !options.speculative_config.empty()},
      {"generation_config", options.generation_config != EngineOptions{}.generation_config},
      {"override_generation_config", !options.override_generation_config.empty()},
  };
  for (const auto& [name, is_given] : given) {
    if (is_given)
      warnings.push_back(engine::unused_option(name, plan, "does not generate as it is run here"));
  }
}

Engine::Impl::Impl(const EngineOptions& options, std::shared_ptr<Runtime> shared,
                   const std::function<void(const DownloadProgress&)>& progress)
    : runtime(std::move(shared)),
      routes(options, progress),
      plan(routes.plan(0)),
      tokenizer(routes.main_tokenizer()),
      scheduler({}) {
  Runtime::Impl& shares = runtime->impl();
  const int threads = runtime->threads();
  scheduler = engine::Scheduler(limits(options, threads));
  shares_prefixes = options.enable_prefix_caching;
  if (plan.generates()) writers.emplace(plan, options, tokenizer);
  root_ops = shares.device->fork();
  load_weights(options);
  make_cache(options);
  if (writers && writers->drafts()) check_drafts();
  while (static_cast<int>(ops.size()) < threads) ops.push_back(root_ops->fork());
  info = engine::describe(plan);
  info.backend = root_ops->name();
  info.isa = root_ops->isa();
  info.dtype = runner->dtype();
  info.threads = threads;
  info.max_batch_tokens = limits(options, threads).max_batch_tokens;
  info.parameters = runner->parameters();
  info.file_bytes = runner->file_bytes();
  info.weight_bytes = runner->weight_bytes();
  if (writers) {
    const std::vector<std::string>& notes = writers->defaults().notes;
    info.warnings.insert(info.warnings.end(), notes.begin(), notes.end());
    if (most_tokens == 0)
      info.warnings.emplace_back(
          "nothing of this model's layers is kept: every token that is "
          "generated is computed from all before it");
  } else {
    note_unused(options, plan, info.warnings);
  }
  info.warnings.insert(info.warnings.end(), runner->warnings().begin(), runner->warnings().end());
  source = shares.sources.add([this](int worker) { return work(worker); },
                              [this](int worker) { rest(worker); });
}

Engine::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    stopped = true;
  }
  changed.notify_all();
  runtime->impl().sources.remove(source);  // workers finish the batch they are in
  std::vector<engine::Sequence> left = scheduler.clear();
  fail(left, Error(ErrorCode::kCancelled, "the engine was stopped"));
}

// A batch's activations should stay in the caches near a core; a share below min_batch_tokens reads
// all weights for too little work.
engine::Scheduler::Limits Engine::Impl::limits(const EngineOptions& options, int threads) const {
  const auto not_negative = [](int64_t value, const char* name) {
    if (value < 0)
      throw Error(ErrorCode::kInvalidArgument, std::string(name) + " must not be negative", name);
  };
  not_negative(options.max_batch_tokens, "max_batch_tokens");
  not_negative(options.max_queue_tokens, "max_queue_tokens");
  engine::Scheduler::Limits limits{.max_queue_tokens = options.max_queue_tokens,
                                   .workers = threads};
  if (options.max_batch_tokens > 0) limits.max_batch_tokens = options.max_batch_tokens;
  if (options.max_num_seqs < 1)
    throw Error(ErrorCode::kInvalidArgument, "max_num_seqs must be at least 1", "max_num_seqs");
  limits.generates = plan.generates();
  limits.generation.long_after = plan.shape.long_after;
  limits.generation.max_num_seqs = options.max_num_seqs;
  return limits;
}

// The part of the free memory that the cache may take when nobody says: what is not used is not
// taken from the system.
void Engine::Impl::make_cache(const EngineOptions& options) {
  constexpr int64_t kMost = int64_t{1} << 30, kLongest = 32;  // bytes; prompts of the longest kind
  if (options.cache_bytes < 0)
    throw Error(ErrorCode::kInvalidArgument, "cache_bytes must not be negative", "cache_bytes");
  if (!options.enable_prefix_caching && !plan.generates()) return;
  int64_t pages = 0;
  if (options.cache_bytes > 0) {
    pages = runner->cache_pages(options.cache_bytes);
  } else {
    const int64_t left = runtime->impl().memory.left();
    pages = std::min(runner->cache_pages(plan.generates() ? left / 2 : std::min(kMost, left / 8)),
                     kLongest * plan.max_model_len / engine::PrefixIndex::kPageTokens);
  }
  // One that has no room for a block of a sequence, a page in each group of layers, is none.
  if (pages < std::max<int64_t>(1, std::ssize(runner->cache_windows()))) return;
  // Of models with states a fifth of the cache at most is theirs; one sequence always has one. What
  // is left of the slots is for snapshots.
  constexpr int64_t kMostSnapshots = 1024;
  const int64_t state_bytes = runner->state_bytes();
  int64_t slots = 0;
  if (state_bytes > 0) {
    slots = std::clamp<int64_t>(
        pages * runner->page_bytes() / 5 / state_bytes, 1,
        options.max_num_seqs + (options.enable_prefix_caching ? kMostSnapshots : 0));
  }
  cache_memory = take_memory(pages * runner->page_bytes() + slots * state_bytes, "the prefix cache",
                             "cache_bytes");
  try {
    runner->make_cache(pages, slots, *root_ops);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kInvalidArgument,
                "cache_bytes: the system does not give so much memory to the prefix cache",
                "cache_bytes");
  }
  engine::Scheduler::Limits with_cache = limits(options, runtime->threads());
  with_cache.cache_pages = pages;
  with_cache.cache_windows = runner->cache_windows();
  with_cache.generation.state_slots = slots;
  scheduler = engine::Scheduler(with_cache);
  most_tokens = scheduler.most_tokens();
  cache_tokens = pages / std::ssize(with_cache.cache_windows) * engine::PrefixIndex::kPageTokens;
}

// Drafts are checked beside what is kept, and what was wrong of them is cut off again.
void Engine::Impl::check_drafts() const {
  const auto refuse = [&](const char* why) {
    throw Error(ErrorCode::kUnsupported,
                "speculative_config: " + plan.architecture + " " + why + "; leave it out",
                "speculative_config");
  };
  if (runner->state_bytes() > 0)
    refuse("has layers that keep a state, which can't be cut back to the tokens that were right");
  if (most_tokens == 0) refuse("keeps nothing of the tokens before a draft");
}

// Each weight is taken from the runtime's memory as soon as it is there, so that a model that is
// too large is given up at the first that does not fit.
void Engine::Impl::load_weights(const EngineOptions& options) {
  base::MemoryBudget& budget = runtime->impl().memory;
  const int64_t left = std::max<int64_t>(0, budget.left());
  weight_memory = budget.take(0);
  const auto keep = [&](int64_t bytes) {
    if (weight_memory.grow(bytes)) return;
    throw Error(ErrorCode::kInvalidArgument,
                "memory_bytes: the weights of " + plan.name + " take more than " +
                    base::counted(left, "byte") + ", which are left of the runtime's memory_bytes",
                "memory_bytes");
  };
  runner = std::make_unique<engine::Runner>(routes, options, *root_ops, keep);
}

// Of the runtime's; an error of `field` where it has not so much left.
base::MemoryBudget::Share Engine::Impl::take_memory(int64_t bytes, const std::string& what,
                                                    const char* field) {
  base::MemoryBudget& budget = runtime->impl().memory;
  base::MemoryBudget::Share share = budget.take(bytes);
  if (share) return share;
  throw Error(ErrorCode::kInvalidArgument,
              std::string(field) + ": " + what + " of " + plan.name + " take " +
                  base::counted(bytes, "byte") + "; of the runtime's memory_bytes, " +
                  base::counted(std::max<int64_t>(0, budget.left()), "byte") + " are left",
              field);
}

// Under the lock.
void Engine::Impl::take_given_up() {
  std::vector<std::weak_ptr<engine::Group>> groups;
  {
    const std::lock_guard lock(given_up->mutex);
    groups.swap(given_up->groups);
  }
  for (const std::weak_ptr<engine::Group>& group : groups) {
    if (const std::shared_ptr<engine::Group> alive = group.lock()) scheduler.cancel(*alive);
  }
}

bool Engine::Impl::work(int worker) {
  engine::Scheduler::Step step;
  int64_t left = 0;
  {
    const std::lock_guard lock(mutex);
    if (stopped) return false;
    take_given_up();
    step = scheduler.next();
    stats.requests_running += static_cast<int64_t>(step.batch.size());
    if (!step.batch.empty()) ++stats.batches;
    left = scheduler.ready_batches();
  }
  if (left > 0 && !step.batch.empty()) runtime->impl().pool.notify(left);
  if (step.batch.empty() && step.cancelled.empty() && step.ended.empty()) return step.more;
  changed.notify_all();
  for (engine::Sequence& sequence : step.ended) finish_generation(sequence);
  fail(step.cancelled, Error(ErrorCode::kCancelled, "the request was cancelled"));
  if (!step.batch.empty()) compute(*ops[static_cast<size_t>(worker)], std::move(step.batch));
  return true;
}

// The worker has had nothing to do for a while.
void Engine::Impl::rest(int worker) {
  bool idle = false;
  {
    const std::lock_guard lock(mutex);
    if (stopped) return;
    idle = unfinished == 0;
  }
  ops[static_cast<size_t>(worker)]->give_back_memory();
  if (!idle) return;
  {
    const std::lock_guard lock(mutex);
    for (const auto& idle : score_ops) idle->give_back_memory();
  }
  runner->rest();
  base::trim_heap();
}

void Engine::Impl::compute(Ops& worker_ops, std::vector<engine::Sequence> batch) {
  const auto start = Clock::now();
  std::optional<Error> error;
  try {
    runner->run(worker_ops, batch);
  } catch (const Error& e) {
    error = e;
  } catch (const std::bad_alloc&) {
    error = Error(ErrorCode::kInternal, "out of memory while computing a batch");
  } catch (const std::exception& e) {
    error = Error(ErrorCode::kInternal, e.what());
  }
  for (engine::Sequence& sequence : batch) {
    if (sequence.generating && !sequence.generating->begun) sequence.generating->begun = start;
    if (sequence.generating && error) sequence.generating->error = error;
  }
  if (!error) write_tokens(batch);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  int64_t left = 0;
  {
    const std::lock_guard lock(mutex);
    stats.requests_running -= static_cast<int64_t>(batch.size());
    scheduler.finish(batch, !error);  // what stays in it is to be answered
    left = scheduler.ready_batches();
  }
  if (left > 0) runtime->impl().pool.notify(left);  // what waited for this batch's pages
  for (engine::Sequence& sequence : batch) {
    if (sequence.generating) {
      finish_generation(sequence);
      continue;
    }
    Result& result = sequence.group->results[sequence.index];
    if (error) {
      result.answer = *error;
      result.also.clear();
    }
    result.usage = {.prompt_tokens = sequence.tokens() - sequence.padding,
                    .truncated = sequence.truncated};
    result.timings = {.tokenization = sequence.tokenization,
                      .queue = std::chrono::duration<double>(start - sequence.queued).count(),
                      .inference = seconds};
    answer(sequence);
  }
}

// What a batch has made of its sequences that generate. Large vocabularies take a while.
void Engine::Impl::write_tokens(std::vector<engine::Sequence>& batch) {
  std::vector<engine::Sequence*> writing;
  for (engine::Sequence& sequence : batch) {
    if (sequence.generating && !sequence.is_chunk()) writing.push_back(&sequence);
  }
  if (writing.empty()) return;
  std::vector<engine::Written> written(writing.size());
  runtime->impl().pool.parallel_for(std::ssize(writing), [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    written[at] = engine::write_tokens(*writing[at]);
  });
  for (engine::Sequence* sequence : writing) engine::tell(*sequence);
  const std::lock_guard lock(mutex);
  for (const engine::Written& of : written) {
    stats.generation_tokens += of.tokens;
    stats.spec_decode_drafts += of.drafted > 0 ? 1 : 0;
    stats.spec_decode_draft_tokens += of.drafted;
    stats.spec_decode_accepted_tokens += of.accepted;
  }
}

void Engine::Impl::finish_generation(engine::Sequence& sequence) {
  const auto now = Clock::now();
  const engine::Generating& generating = *sequence.generating;
  const auto begun = generating.begun.value_or(now);
  Result& result = sequence.group->results[sequence.index];
  result.usage = {.prompt_tokens = generating.prompt_tokens, .truncated = sequence.truncated};
  result.timings = {.tokenization = sequence.tokenization,
                    .queue = std::chrono::duration<double>(begun - sequence.queued).count(),
                    .inference = std::chrono::duration<double>(now - begun).count()};
  if (generating.error) {
    result.answer = *generating.error;
  } else {
    result.answer = engine::take_generation(sequence);
  }
  answer(sequence);
}

// The sequence's result is there. The last one of a group tells the caller.
void Engine::Impl::answer(engine::Sequence& sequence) {
  const Result& result = sequence.group->results[sequence.index];
  {
    const std::lock_guard lock(mutex);
    if (!result.error()) {
      ++stats.requests_done;
      stats.prompt_tokens += result.usage.prompt_tokens;
    } else {
      ++(result.error()->code() == ErrorCode::kCancelled ? stats.requests_cancelled
                                                         : stats.requests_failed);
    }
  }
  if (sequence.group->left.fetch_sub(1) == 1)
    sequence.group->done(std::move(sequence.group->results));
  {
    const std::lock_guard lock(mutex);
    --unfinished;
  }
  changed.notify_all();
}

std::vector<Result> Engine::Impl::assemble(const engine::Assembly& assembly,
                                           std::vector<Result> parts) {
  std::vector<Result> results;
  try {
    std::unique_ptr<Ops> own = take_score_ops();
    results = assembly.assemble(*own, *runner, std::move(parts));
    const std::lock_guard lock(mutex);
    score_ops.push_back(std::move(own));
  } catch (const std::exception& e) {  // out of memory
    results.assign(assembly.requests(), {.answer = Error(ErrorCode::kInternal, e.what())});
  }
  return results;
}

// One for each thread that puts results together at the same time.
std::unique_ptr<Ops> Engine::Impl::take_score_ops() {
  {
    const std::lock_guard lock(mutex);
    if (!score_ops.empty()) {
      std::unique_ptr<Ops> idle = std::move(score_ops.back());
      score_ops.pop_back();
      return idle;
    }
  }
  return root_ops->fork();
}

void Engine::Impl::fail(std::vector<engine::Sequence>& sequences, const Error& error) {
  for (engine::Sequence& sequence : sequences) {
    sequence.group->results[sequence.index].answer = error;
    answer(sequence);
  }
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::open(const EngineOptions& options,
                                     const std::function<void(const DownloadProgress&)>& progress) {
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<Impl>(options, runtime_of(options), progress)));
}

std::unique_ptr<Engine> Engine::open(const EngineOptions& options, std::shared_ptr<Runtime> runtime,
                                     const std::function<void(const DownloadProgress&)>& progress) {
  if (!runtime) throw Error(ErrorCode::kInvalidArgument, "runtime: there is none", "runtime");
  check_shared(options, runtime->impl().options);
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<Impl>(options, std::move(runtime), progress)));
}

Ticket Engine::submit(std::vector<Request> requests, std::function<void(std::vector<Result>)> done,
                      WhenFull when_full) {
  Ticket ticket;
  if (requests.empty()) {
    done({});
    return ticket;
  }
  auto assembly = std::make_shared<engine::Assembly>(
      impl_->routes, impl_->writers ? &*impl_->writers : nullptr, impl_->most_tokens, requests);
  std::vector<engine::Sequence> sequences = assembly->take_sequences();
  auto group = std::make_shared<engine::Group>();
  group->results.resize(sequences.size());
  group->left = static_cast<int64_t>(sequences.size());
  group->done = [impl = impl_.get(), assembly, done = std::move(done)](std::vector<Result> parts) {
    done(impl->assemble(*assembly, std::move(parts)));
  };
  ticket.cancel_ = [weak = std::weak_ptr(group), given_up = impl_->given_up] {
    const std::shared_ptr<engine::Group> alive = weak.lock();
    if (!alive || alive->cancelled.exchange(true)) return;
    const std::lock_guard lock(given_up->mutex);
    given_up->groups.push_back(weak);
  };
  if (sequences.empty()) {  // no request has a token
    group->done({});
    return ticket;
  }
  int64_t tokens = 0, batches = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (const int64_t after = impl_->plan.shape.long_after; after > 0)
      sequences[i].salt_by_length(after);
    const bool shares = impl_->shares_prefixes && impl_->runner->cacheable(sequences[i]);
    if (shares)
      sequences[i].page_keys =
          engine::PrefixIndex::keys(sequences[i].ids, sequences[i].cache_salt, sequences[i].images);
    if (sequences[i].generating) sequences[i].generating->shares = shares;
    sequences[i].group = group;
    sequences[i].index = i;
    tokens += sequences[i].tokens();
  }
  {
    std::unique_lock lock(impl_->mutex);
    const auto closed = [this] { return impl_->draining || impl_->stopped; };
    if (when_full == WhenFull::kWait) {
      impl_->changed.wait(lock, [&] { return closed() || impl_->scheduler.has_room(tokens); });
    }
    if (closed())
      throw Error(ErrorCode::kCancelled, "the engine is stopping and takes no more requests");
    if (!impl_->scheduler.has_room(tokens)) {
      throw Error(ErrorCode::kQueueFull,
                  "the queue is full: " + std::to_string(impl_->scheduler.waiting_tokens()) +
                      " tokens are waiting; try again later");
    }
    const auto now = Clock::now();
    for (engine::Sequence& sequence : sequences) sequence.queued = now;
    impl_->unfinished += static_cast<int64_t>(sequences.size());
    impl_->scheduler.push(std::move(sequences));
    batches = impl_->scheduler.ready_batches();
  }
  impl_->runtime->impl().pool.notify(batches);
  return ticket;
}

std::future<std::vector<Result>> Engine::submit(std::vector<Request> requests, WhenFull when_full) {
  auto promise = std::make_shared<std::promise<std::vector<Result>>>();
  std::future<std::vector<Result>> future = promise->get_future();
  submit(
      std::move(requests),
      [promise](std::vector<Result> results) { promise->set_value(std::move(results)); },
      when_full);
  return future;
}

template <class Parameters>
static void check_like(const Request& like, const char* name) {
  if (std::holds_alternative<Parameters>(like.task)) return;
  throw Error(ErrorCode::kInvalidArgument, std::string("like: its task must be ") + name, "task");
}

std::vector<std::vector<float>> Engine::embed(std::span<const std::string> texts,
                                              const Request& like) {
  check_like<Embed>(like, "Embed");
  std::vector<Request> requests(texts.size(), like);
  for (size_t i = 0; i < texts.size(); ++i) {
    requests[i].prompt.input = texts[i];
  }
  std::vector<std::vector<float>> vectors;
  for (Result& result : submit(std::move(requests)).get())
    vectors.push_back(std::move(result.get<Vectors>().values));
  return vectors;
}

std::vector<std::vector<float>> Engine::embed(std::initializer_list<std::string> texts,
                                              const Request& like) {
  return embed(std::span<const std::string>(texts.begin(), texts.size()), like);
}

std::string Engine::generate(const std::string& prompt, const Generate& parameters) {
  std::vector<Request> requests{{.prompt = {.input = prompt}, .task = parameters}};
  std::vector<Result> results = submit(std::move(requests)).get();
  return std::move(results.front().get<Generation>().completions.front().text);
}

GenerationDefaults Engine::generation_defaults() const {
  if (!impl_->writers) {
    throw Error(ErrorCode::kUnsupported, impl_->plan.name + " is not a generative model");
  }
  const generation::Defaults& d = impl_->writers->defaults();
  return {.temperature = d.temperature,
          .top_p = d.top_p,
          .min_p = d.min_p,
          .repetition_penalty = d.repetition_penalty,
          .presence_penalty = d.presence_penalty,
          .frequency_penalty = d.frequency_penalty,
          .top_k = d.top_k,
          .max_tokens = d.max_new_tokens,
          .skip_special_tokens = d.skip_special_tokens,
          .eos_token_ids = d.eos_token_ids};
}

std::vector<float> Engine::score(const std::string& query, std::span<const std::string> documents,
                                 const Request& like) {
  check_like<Score>(like, "Score");
  std::vector<Request> requests(documents.size(), like);
  for (size_t i = 0; i < documents.size(); ++i) {
    requests[i].prompt.input = query;
    std::get<Score>(requests[i].task).document = documents[i];
  }
  std::vector<float> scores;
  for (const Result& result : submit(std::move(requests)).get())
    scores.push_back(result.get<Relevance>().score);
  return scores;
}

const ModelInfo& Engine::info() const { return impl_->info; }
const Tokenizer& Engine::tokenizer() const { return *impl_->tokenizer; }
const ChatTemplates& Engine::chat_templates() const { return impl_->routes.chat_templates(); }

EngineStats Engine::stats() const {
  const std::lock_guard lock(impl_->mutex);
  EngineStats stats = impl_->stats;
  stats.requests_waiting = impl_->scheduler.waiting();
  stats.tokens_waiting = impl_->scheduler.waiting_tokens();
  const engine::Scheduler::CacheStats cache = impl_->scheduler.cache_stats();
  stats.prefix_cache_queries = cache.queries;
  stats.prefix_cache_hits = cache.hits;
  stats.cache_pages = cache.pages;
  stats.cache_pages_used = cache.in_use;
  stats.cache_tokens = impl_->cache_tokens;
  stats.preemptions = cache.preemptions;
  return stats;
}

double Engine::flops(int64_t tokens) const {
  const models::ModelShape& shape = impl_->plan.shape;
  const double t = static_cast<double>(tokens);
  double scores = 0;  // pairs of a query and a key that it sees
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const int64_t window = shape.windows.empty() ? 0 : shape.windows[static_cast<size_t>(layer)];
    const double w = static_cast<double>(window > 0 ? std::min(window, tokens) : tokens);
    scores += shape.causal ? w * t - w * w / 2 : (2 * w - 1) * t - w * (w - 1);
  }
  const auto head = static_cast<double>(impl_->runner->lm_head_parameters());
  return 2.0 * t * (static_cast<double>(impl_->runner->linear_parameters()) - head) + 2.0 * head +
         4.0 * scores * static_cast<double>(shape.heads * shape.head_dim);
}

int64_t Engine::weight_bytes_per_pass() const { return impl_->runner->linear_bytes(); }

void Engine::drain() {
  std::unique_lock lock(impl_->mutex);
  impl_->draining = true;
  impl_->changed.notify_all();
  impl_->changed.wait(lock, [this] { return impl_->unfinished == 0; });
}

void Ticket::cancel() {
  if (cancel_) cancel_();
}

}  // namespace vecton
