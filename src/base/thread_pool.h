// ThreadPool: threads, each of which runs whole jobs and, when there is no job left, helps the
// others inside theirs.
//
// A job source (the engines) is asked by every idle worker; a worker that gets nothing joins the
// parallel_for of a worker that is busy. So there are no barriers while there is work for all, and
// all cores on one job when there is only one. Nothing computed may depend on who runs which index.
//
// As many workers are awake as the work needs: a job wakes one, a loop one for each index that
// nobody has. Who finds nothing watches for a while, which costs a core, in proportion to the work
// that it waits for, and sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/parking_lot.h"
#include "base/shared_loop.h"

namespace vecton::base {

class ThreadPool {
 public:
  // `source(worker)` runs one job, if there is one, and tells whether it did; it must not throw,
  // and may be called before the constructor has returned. `rest(worker)` is called on a worker
  // that has had nothing to do for a second, to give back what it keeps for the next job. `threads`
  // >= 1. Error: kInvalidArgument when the system starts no more threads.
  explicit ThreadPool(int threads, std::function<bool(int worker)> source = {},
                      std::function<void(int worker)> rest = {});
  ~ThreadPool();  // workers finish the job they are in
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  // The source has got `jobs` more: about as many workers come, and one at least. A job that leaves
  // others behind says so again.
  void notify(int64_t jobs = 1);

  // Ends the workers, each after the job it is in, which may still use the pool; then nothing runs.
  void stop();

  // Calls f(i) for every i of [0, n), on this thread and on idle workers, and returns when all are
  // done. n <= SharedLoop::kMostIndices. Every thread has a stretch of the indices to itself, in
  // their order, until it helps with another's. When an f throws, indices that nobody has begun are
  // left out and the exception is thrown here. May be called by any number of threads at once;
  // nested calls run on the calling thread.
  template <typename F>
  void parallel_for(int64_t n, F&& f) {
    using Plain = std::remove_reference_t<F>;
    run({n, [](void* context, int64_t i) { (*static_cast<Plain*>(context))(i); },
         const_cast<std::remove_const_t<Plain>*>(&f)});
  }

  // Cores that this process may use: its affinity, or less where its container has a quota.
  static int cores();

 private:
  void run(const LoopBody& body);
  SharedLoop* take_loop();
  void work(int worker);
  void idle(int worker, uint32_t seen_jobs);
  bool ended(uint32_t seen_jobs) const;
  int64_t watch_time() const;
  bool help(int worker);
  bool loop_open() const;

  const int size_;
  std::function<bool(int)> source_;
  std::function<void(int)> rest_;
  std::deque<SharedLoop> loops_;
  ParkingLot parking_lot_;
  std::atomic<uint32_t> jobs_{0};     // moves when the source may have a new job
  std::atomic<int64_t> last_job_{0};  // nanoseconds that it took
  std::atomic<bool> stop_{false};
  std::atomic<int> idle_{0};  // workers that are not in a job ...
  // ... and, of these, that neither help nor sleep: written with every loop.
  alignas(SharedLoop::kLine) std::atomic<int> watching_{0};
  std::vector<std::thread> workers_;
};

}  // namespace vecton::base
