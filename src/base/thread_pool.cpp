#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>

namespace vecton {

namespace {

constexpr int kSlots = 64;  // parallel_for calls that can be joined at once
constexpr auto kSpin =
    std::chrono::microseconds(200);  // how long an idle worker watches a busy one before it sleeps

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
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads, std::function<bool(int)> source)
    : source_(std::move(source)), slots_(kSlots) {
  for (int i = 0; i < std::max(1, threads); ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  wake();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::notify() {
  jobs_.fetch_add(1);
  wake();
}

// A sleeper counts itself in before it looks a last time; who announces something does so before it
// looks for sleepers.
void ThreadPool::wake() {
  if (sleeping_.load() == 0) return;
  wake_.fetch_add(1);
  wake_.notify_all();
}

void ThreadPool::run(Region region) {
  const auto run_all = [&region] {
    for (int64_t i; (i = region.next.fetch_add(1, std::memory_order_relaxed)) < region.count;) {
      region.call(region.context, i);
    }
  };
  Slot* slot = nullptr;
  if (region.count > 1 && idle_.load() > 0 && !inside_region) {
    for (Slot& s : slots_) {
      if (!s.taken.load(std::memory_order_relaxed) && !s.taken.exchange(true)) {
        slot = &s;
        break;
      }
    }
  }
  if (!slot) {
    for (int64_t i = 0; i < region.count; ++i) region.call(region.context, i);
    return;
  }
  slot->region.store(&region);
  wake();
  inside_region = true;
  run_all();
  inside_region = false;
  slot->region.store(nullptr);
  while (slot->helpers.load() != 0) pause();  // a helper may still be in its last index
  slot->taken.store(false);
}

bool ThreadPool::help() {
  bool helped = false;
  for (Slot& slot : slots_) {
    if (!slot.region.load(std::memory_order_relaxed)) continue;
    slot.helpers.fetch_add(1);
    if (Region* region = slot.region.load()) {
      inside_region = true;
      for (int64_t i; (i = region->next.fetch_add(1, std::memory_order_relaxed)) < region->count;) {
        region->call(region->context, i);
        helped = true;
      }
      inside_region = false;
    }
    slot.helpers.fetch_sub(1);
  }
  return helped;
}

void ThreadPool::work(int worker) {
  using Clock = std::chrono::steady_clock;
  const auto something_to_do = [this](uint32_t seen) {
    if (stop_.load() || jobs_.load() != seen) return true;
    return std::any_of(slots_.begin(), slots_.end(),
                       [](const Slot& s) { return s.region.load() != nullptr; });
  };
  while (!stop_.load()) {
    const uint32_t seen = jobs_.load();
    if (source_ && source_(worker)) continue;
    idle_.fetch_add(1);
    auto last = Clock::now();
    while (!stop_.load() && jobs_.load() == seen) {
      if (help()) {
        last = Clock::now();
      } else if (Clock::now() - last > kSpin) {
        const uint32_t ticket = wake_.load();
        sleeping_.fetch_add(1);
        if (!something_to_do(seen)) wake_.wait(ticket);
        sleeping_.fetch_sub(1);
        last = Clock::now();
      } else {
        for (int i = 0; i < 16; ++i) pause();
      }
    }
    idle_.fetch_sub(1);
  }
}

}  // namespace vecton
