#include "base/parking_lot.h"

#include <algorithm>

namespace vecton::base {

void ParkingLot::leave(int worker) {
  asleep_.erase(std::find(asleep_.begin(), asleep_.end(), worker));
  count_.fetch_sub(1);
}

bool ParkingLot::sleep(int worker, std::chrono::milliseconds most,
                       const std::function<bool()>& stay_up) {
  Place& place = places_[static_cast<size_t>(worker)];
  std::unique_lock lock(mutex_);
  place.called = false;
  asleep_.push_back(worker);
  count_.fetch_add(1);
  lock.unlock();
  const bool up = stay_up();
  lock.lock();
  const auto called = [&place] { return place.called; };
  if (!up && most.count() > 0) place.condition.wait_for(lock, most, called);
  if (!up && most.count() == 0) place.condition.wait(lock, called);
  if (!place.called) leave(worker);
  return place.called || up;
}

void ParkingLot::wake(int64_t workers) {
  for (; workers > 0 && count_.load() > 0; --workers) {
    std::unique_lock lock(mutex_);
    if (asleep_.empty()) return;
    Place& place = places_[static_cast<size_t>(asleep_.back())];
    asleep_.pop_back();
    count_.fetch_sub(1);
    place.called = true;
    lock.unlock();  // else it would wake up to wait for the lock
    place.condition.notify_one();
  }
}

}  // namespace vecton::base
