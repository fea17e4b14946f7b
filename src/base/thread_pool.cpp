#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <system_error>

#include "base/cpu_info.h"
#include "vecton/error.h"

namespace vecton {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSlots = 64;  // parallel_for calls that can be joined at once
// An idle worker watches for something to do so long, first with its core to itself, then letting
// others have it: the one it waits for may be among them. Then it sleeps.
constexpr auto kSpin = std::chrono::microseconds(5);
constexpr auto kWatch = std::chrono::microseconds(200);
constexpr int kPauses = 2000;  // before a caller lets the helper it waits for have its core
constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

thread_local bool inside_region = false;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

int ThreadPool::cores() {
  cpu_set_t set;
  const int allowed = sched_getaffinity(0, sizeof set, &set) == 0
                          ? CPU_COUNT(&set)
                          : static_cast<int>(std::thread::hardware_concurrency());
  const int quota = cpu_quota();
  return std::max(1, quota > 0 ? std::min(allowed, quota) : allowed);
}

ThreadPool::ThreadPool(int threads, std::function<bool(int)> source)
    : size_(std::max(1, threads)), source_(std::move(source)), slots_(kSlots) {
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
  wake(kAll);
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::notify() {
  jobs_.fetch_add(1);
  wake(kAll);
}

// A sleeper counts itself in before it looks a last time; who announces something does so before it
// looks for sleepers.
void ThreadPool::wake(int64_t most) {
  const int sleeping = sleeping_.load();
  if (sleeping == 0) return;
  wake_.fetch_add(1);
  if (most >= sleeping) {
    wake_.notify_all();
  } else {
    for (int64_t i = 0; i < most; ++i) wake_.notify_one();
  }
}

void ThreadPool::sleep(uint32_t seen_jobs) {
  const uint32_t ticket = wake_.load();
  sleeping_.fetch_add(1);
  if (!stop_.load() && jobs_.load() == seen_jobs && !region_open()) wake_.wait(ticket);
  sleeping_.fetch_sub(1);
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
  for (Slot& slot : slots_) {
    if (!slot.taken.load(std::memory_order_relaxed) && !slot.taken.exchange(true)) return &slot;
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
  wake(region.count - 1);
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
  for (Slot& slot : slots_) {
    if (!slot.region.load(std::memory_order_relaxed)) continue;
    slot.helpers.fetch_add(1);
    if (Region* region = slot.region.load()) {
      region->work();
      helped = true;
    }
    slot.helpers.fetch_sub(1);
  }
  return helped;
}

void ThreadPool::work(int worker) {
  while (!stop_.load()) {
    const uint32_t seen = jobs_.load();
    if (source_ && source_(worker)) continue;
    idle_.fetch_add(1);
    Clock::time_point last = Clock::now();
    while (!stop_.load() && jobs_.load() == seen) {
      const Clock::time_point now = Clock::now();
      if (help()) {
        last = Clock::now();
      } else if (now - last < kSpin) {
        for (int i = 0; i < 16; ++i) pause();
      } else if (now - last < kWatch) {
        std::this_thread::yield();
      } else {
        sleep(seen);
        last = Clock::now();
      }
    }
    idle_.fetch_sub(1);
  }
}

}  // namespace vecton
