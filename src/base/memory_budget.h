// MemoryBudget: the memory that the engines of a runtime may take together for what they keep:
// weights, caches. Thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>

#include "base/memory_info.h"

namespace vecton::base {

class MemoryBudget {
 public:
  // 0 = what the system has: then nothing is refused, since it may have more than it says (swap).
  explicit MemoryBudget(int64_t bytes) : bytes_(bytes) {}

  // What has been taken, given back at the end of its life. The budget outlives it.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Share& operator=(Share other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (budget_) budget_->give_back(bytes_);
    }
    explicit operator bool() const { return budget_ != nullptr; }

   private:
    friend class MemoryBudget;
    MemoryBudget* budget_ = nullptr;
    int64_t bytes_ = 0;
  };

  // Nothing where there is not so much left.
  Share take(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    Share share;
    if (bytes_ > 0 && taken_ + bytes > bytes_) return share;
    taken_ += bytes;
    share.budget_ = this;
    share.bytes_ = bytes;
    return share;
  }

  // Of the budget, and of what the system has free.
  int64_t left() const {
    const int64_t free = available_memory();
    if (bytes_ == 0) return free;
    const std::lock_guard lock(mutex_);
    return std::min(free, bytes_ - taken_);
  }

 private:
  void give_back(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    taken_ -= bytes;
  }

  const int64_t bytes_;
  mutable std::mutex mutex_;
  int64_t taken_ = 0;
};

}  // namespace vecton::base
