// ParkingLot: where idle workers sleep, each on a condition of its own: exactly as many are woken
// as there is work for. Who went to sleep last is woken first, since its caches are warm and the
// others may rest. Used by ThreadPool.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace vecton::base {

class ParkingLot {
 public:
  explicit ParkingLot(int workers) : places_(static_cast<size_t>(workers)) {}

  // Sleeps until it is woken, which gives true, or for `most`; zero = as long as it takes.
  // `stay_up` is asked when wake() already counts this worker as asleep: who announces something
  // before wake() is either seen by it or wakes this worker.
  bool sleep(int worker, std::chrono::milliseconds most, const std::function<bool()>& stay_up);

  // How many sleep, by a look that costs nothing while nobody falls asleep or wakes up. Who
  // announces something before asleep_now() counts a worker or is seen by its `stay_up`.
  int64_t asleep() const { return count_.load(std::memory_order_relaxed); }
  int64_t asleep_now() { return count_.fetch_add(0); }

  // Wakes so many of the sleepers, or all there are.
  void wake(int64_t workers);

 private:
  struct Place {
    std::condition_variable condition;
    bool called = false;
  };
  void leave(int worker);

  std::mutex mutex_;
  std::vector<Place> places_;
  std::vector<int> asleep_;  // the last is woken first
  // Of asleep_. Only added to, so that who adds after asleep_now() knows what its thread did
  // before.
  std::atomic<int64_t> count_{0};
};

}  // namespace vecton::base
