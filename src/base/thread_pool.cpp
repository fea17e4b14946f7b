#include "base/thread_pool.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "base/background_work.h"
#include "base/cpu_info.h"
#include "vecton/error.h"

namespace vecton::base {

namespace {

using Clock = std::chrono::steady_clock;

// parallel_for calls that can be joined at once; the last are background work's.
constexpr int kSlots = 64, kBackgroundSlots = 8;
// Nanoseconds for which an idle worker watches for something to do: first with its core to itself,
// then letting others have it, since the one it waits for may be among them. While a job runs, its
// next loop will be there in a moment. Between jobs a worker watches for a part of what the last
// one took, so that neither waking up nor watching costs much beside it; one of them at least for
// what waking up costs.
constexpr int64_t kSpin = 5'000, kWakingUp = 20'000, kWatch = 200'000, kPartOfJob = 8;
constexpr std::chrono::milliseconds kRest{1000};  // without work until rest() is called
constexpr int kPauses = 2000;  // before a caller lets the helper it waits for have its core

thread_local bool inside_region = false;
thread_local bool in_background = false;
thread_local uint32_t seen_jobs_of_worker = 0;  // when it looked for a job last

int64_t nanoseconds_since(Clock::time_point start) {
  return std::chrono::nanoseconds(Clock::now() - start).count();
}

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

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
      slots_(kSlots),
      parking_lot_(size_) {
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

bool ThreadPool::region_open() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.region.load() != nullptr; });
}

void ThreadPool::Region::work() {
  inside_region = true;
  try {
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) call(context, i);
  } catch (...) {
    next.store(count, std::memory_order_relaxed);
    if (!failed.exchange(true)) error = std::current_exception();
  }
  inside_region = false;
}

ThreadPool::Slot* ThreadPool::take_slot() {
  if (inside_region || idle_.load(std::memory_order_relaxed) == 0) return nullptr;
  const auto background = slots_.end() - kBackgroundSlots;
  const auto end = in_background ? slots_.end() : background;
  for (auto slot = in_background ? background : slots_.begin(); slot != end; ++slot) {
    if (!slot->taken.load(std::memory_order_relaxed) && !slot->taken.exchange(true)) return &*slot;
  }
  return nullptr;
}

void ThreadPool::run(Region region) {
  Slot* slot = region.count > 1 ? take_slot() : nullptr;
  if (!slot) {
    for (int64_t i = 0; i < region.count; ++i) region.call(region.context, i);
    return;
  }
  slot->region.store(&region);
  parking_lot_.wake(region.count - 1 - watching_.load());
  region.work();
  slot->region.store(nullptr);
  // A helper may still be in its last index; what it wrote is seen after this.
  for (int i = 0; slot->helpers.load() != 0; ++i) {
    if (i < kPauses) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  slot->taken.store(false);
  if (region.error) std::rethrow_exception(region.error);
}

bool ThreadPool::help() {
  bool helped = false;
  const auto background = slots_.end() - kBackgroundSlots;
  const auto is_open = [](const Slot& slot) {
    return slot.region.load(std::memory_order_relaxed) != nullptr;
  };
  const auto wanted_elsewhere = [&] {
    return ended(seen_jobs_of_worker) || std::any_of(slots_.begin(), background, is_open);
  };
  const auto work_until = [](Region& region, const auto& leave) {
    inside_region = true;
    try {
      while (!leave()) {
        const int64_t i = region.next.fetch_add(1, std::memory_order_relaxed);
        if (i >= region.count) break;
        region.call(region.context, i);
      }
    } catch (...) {
      region.next.store(region.count, std::memory_order_relaxed);
      if (!region.failed.exchange(true)) region.error = std::current_exception();
    }
    inside_region = false;
  };
  for (auto slot = slots_.begin(); slot != slots_.end(); ++slot) {
    if (!is_open(*slot)) continue;
    if (slot >= background && wanted_elsewhere()) break;
    slot->helpers.fetch_add(1);
    if (Region* region = slot->region.load()) {
      slot < background ? region->work() : work_until(*region, wanted_elsewhere);
      helped = true;
      // Who waits for background work's last index would take the core that its thread, which is
      // nicer, asks for: where nothing is left to take, nobody comes again.
      const bool taken = region->next.load(std::memory_order_relaxed) >= region->count;
      if (slot >= background && taken) slot->region.compare_exchange_strong(region, nullptr);
    }
    slot->helpers.fetch_sub(1);
  }
  return helped;
}

void ThreadPool::work(int worker) {
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
    if (region_open()) {
      --watching_;
      if (!ended(seen_jobs) && help()) {
        last = Clock::now();
        rested = !rest_;
      }
      ++watching_;
    } else if (quiet < kSpin) {
      for (int i = 0; i < 16; ++i) pause();
    } else if (quiet < watch_time()) {
      std::this_thread::yield();
    } else {
      --watching_;
      const bool woken = parking_lot_.sleep(worker, rested ? std::chrono::milliseconds(0) : kRest,
                                            [&] { return ended(seen_jobs) || region_open(); });
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
