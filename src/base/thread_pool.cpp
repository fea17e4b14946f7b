#include "base/thread_pool.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include "base/background_work.h"
#include "base/cpu_info.h"
#include "base/pause.h"
#include "vecton/error.h"

namespace vecton::base {

namespace {

using Clock = std::chrono::steady_clock;

// Loops that can be joined at once; the last are background work's.
constexpr int kLoops = 64, kBackgroundLoops = 8;
// Nanoseconds for which an idle worker watches for something to do: first with its core to itself,
// then letting others have it, since the one it waits for may be among them. While a job runs, its
// next loop will be there in a moment. Between jobs a worker watches for a part of what the last
// one took, so that neither waking up nor watching costs much beside it; one of them at least for
// what waking up costs.
constexpr int kPausesOfWatch = 4;  // between two looks
constexpr int64_t kSpin = 5'000, kWakingUp = 20'000, kWatch = 200'000, kPartOfJob = 8;
constexpr std::chrono::milliseconds kRest{1000};  // without work until rest() is called

thread_local int worker_of_this_thread = 0;
thread_local bool inside_loop = false;
thread_local bool in_background = false;
thread_local uint32_t seen_jobs_of_worker = 0;  // when it looked for a job last

int64_t nanoseconds_since(Clock::time_point start) {
  return std::chrono::nanoseconds(Clock::now() - start).count();
}

// The loops that this thread calls while one lives run on it alone.
class InsideLoop {
 public:
  InsideLoop() { inside_loop = true; }
  ~InsideLoop() { inside_loop = false; }
  InsideLoop(const InsideLoop&) = delete;
  InsideLoop& operator=(const InsideLoop&) = delete;
};

}  // namespace

// Linux has a nice value of each thread, whatever POSIX says of processes.
void lower_priority_of_this_thread() {
#if defined(__linux__)
  constexpr int kNice = 10;
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  const int now = ::getpriority(PRIO_PROCESS, thread);
  if (now < kNice) ::setpriority(PRIO_PROCESS, thread, kNice);
#endif
}

BackgroundWork::BackgroundWork() : before_(std::exchange(in_background, true)) {}
BackgroundWork::~BackgroundWork() { in_background = before_; }

int ThreadPool::cores() {
  int allowed = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) allowed = CPU_COUNT(&set);
#endif
  const int quota = cpu_quota();
  return std::max(1, quota > 0 ? std::min(allowed, quota) : allowed);
}

ThreadPool::ThreadPool(int threads, std::function<bool(int)> source, std::function<void(int)> rest)
    : size_(std::max(1, threads)),
      source_(std::move(source)),
      rest_(std::move(rest)),
      parking_lot_(size_) {
  for (int i = 0; i < kLoops; ++i) loops_.emplace_back(size_);
  try {
    for (int i = 0; i < size_; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error& error) {
    const size_t started = workers_.size();
    stop();
    throw Error(ErrorCode::kInvalidArgument,
                "threads: the system starts no more than " + std::to_string(started) + " of " +
                    std::to_string(size_) + ": " + error.what(),
                "threads");
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stop_ = true;
  parking_lot_.wake(size_);
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

// A worker that stops watching says so before it looks a last time; who announces something does so
// before it counts who is watching.
void ThreadPool::notify(int64_t jobs) {
  jobs_.fetch_add(1);
  parking_lot_.wake(jobs - watching_.load());
}

bool ThreadPool::loop_open() const {
  return std::any_of(loops_.begin(), loops_.end(), std::mem_fn(&SharedLoop::open));
}

SharedLoop* ThreadPool::take_loop() {
  if (inside_loop || idle_.load(std::memory_order_relaxed) == 0) return nullptr;
  const auto background = loops_.end() - kBackgroundLoops;
  const auto end = in_background ? loops_.end() : background;
  for (auto loop = in_background ? background : loops_.begin(); loop != end; ++loop) {
    if (loop->take()) return &*loop;
  }
  return nullptr;
}

void ThreadPool::run(const LoopBody& body) {
  if (body.count > SharedLoop::kMostIndices)
    throw Error(ErrorCode::kInternal, "parallel_for: more indices than a loop can have");
  SharedLoop* loop = body.count > 1 ? take_loop() : nullptr;
  if (!loop) {
    for (int64_t i = 0; i < body.count; ++i) body.call(body.context, i);
    return;
  }
  loop->begin(body, worker_of_this_thread);
  const auto wake = [&] { parking_lot_.wake(body.count - 1 - watching_.load()); };
  if (parking_lot_.asleep() > 0) wake();
  const InsideLoop inside;
  loop->run_first();
  // Only now is waited for until others can see the loop.
  if (parking_lot_.asleep_now() > 0) wake();
  loop->finish();
}

bool ThreadPool::help(int worker) {
  bool helped = false;
  const auto background = loops_.end() - kBackgroundLoops;
  const auto wanted_elsewhere = [&] {
    return ended(seen_jobs_of_worker) ||
           std::any_of(loops_.begin(), background, std::mem_fn(&SharedLoop::open));
  };
  const InsideLoop inside;
  for (auto loop = loops_.begin(); loop != loops_.end(); ++loop) {
    if (!loop->open()) continue;
    helped |= loop < background ? loop->help(worker, [] { return false; })
                                : loop->help(worker, wanted_elsewhere);
  }
  return helped;
}

void ThreadPool::work(int worker) {
  worker_of_this_thread = worker;
  while (!stop_.load()) {
    const uint32_t seen = seen_jobs_of_worker = jobs_.load();
    const Clock::time_point start = Clock::now();
    if (source_ && source_(worker)) {
      last_job_.store(nanoseconds_since(start), std::memory_order_relaxed);
    } else {
      idle(worker, seen);
    }
  }
}

bool ThreadPool::ended(uint32_t seen_jobs) const {
  return stop_.load() || jobs_.load() != seen_jobs;
}

int64_t ThreadPool::watch_time() const {
  if (idle_.load(std::memory_order_relaxed) < size_) return kWatch;
  const bool alone = watching_.load(std::memory_order_relaxed) == 1;
  return std::clamp(last_job_.load(std::memory_order_relaxed) / kPartOfJob, alone ? kWakingUp : 0,
                    kWatch);
}

// Helps the busy ones until there may be a job.
void ThreadPool::idle(int worker, uint32_t seen_jobs) {
  ++idle_;
  ++watching_;
  bool rested = !rest_;
  for (Clock::time_point last = Clock::now(); !ended(seen_jobs);) {
    const int64_t quiet = nanoseconds_since(last);
    if (loop_open()) {
      --watching_;
      if (!ended(seen_jobs) && help(worker)) {
        last = Clock::now();
        rested = !rest_;
      }
      ++watching_;
    } else if (quiet < kSpin) {
      for (int i = 0; i < kPausesOfWatch; ++i) pause();
    } else if (quiet < watch_time()) {
      std::this_thread::yield();
    } else {
      --watching_;
      const bool woken = parking_lot_.sleep(worker, rested ? std::chrono::milliseconds(0) : kRest,
                                            [&] { return ended(seen_jobs) || loop_open(); });
      if (!woken) {
        rest_(worker);
        rested = true;
      }
      ++watching_;
      last = Clock::now();
    }
  }
  --watching_;
  --idle_;
}

}  // namespace vecton::base
