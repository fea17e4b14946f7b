// MemoryBudget: the memory that the engines of a runtime may take together: weights and caches,
// which are taken here, and what comes and goes beside them. Thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "base/memory_info.h"

namespace vecton::base {

class MemoryBudget {
 public:
  // 0 = what the system has: then nothing is refused, since it may have more than it says (swap).
  // `beside`: bytes that are held without having been taken, asked whenever somebody takes.
  explicit MemoryBudget(
      int64_t bytes, std::function<int64_t()> beside = [] { return 0; })
      : bytes_(bytes), beside_(std::move(beside)) {}

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
    // Takes so much more; false, and as before, where there is not so much left.
    bool grow(int64_t bytes) {
      if (!budget_ || !budget_->add(bytes)) return false;
      bytes_ += bytes;
      return true;
    }
    int64_t bytes() const { return bytes_; }

   private:
    friend class MemoryBudget;
    MemoryBudget* budget_ = nullptr;
    int64_t bytes_ = 0;
  };

  // Nothing where there is not so much left.
  Share take(int64_t bytes) {
    Share share;
    if (!add(bytes)) return share;
    share.budget_ = this;
    share.bytes_ = bytes;
    return share;
  }

  // Of the budget, and of what the system has free.
  int64_t left() const {
    const int64_t free = available_memory();
    if (bytes_ == 0) return free;
    const std::lock_guard lock(mutex_);
    return std::min(free, bytes_ - taken_ - beside_());
  }

 private:
  bool add(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes_ > 0 && bytes > 0 && taken_ + beside_() + bytes > bytes_) return false;
    taken_ += bytes;
    return true;
  }
  void give_back(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    taken_ -= bytes;
  }

  const int64_t bytes_;
  const std::function<int64_t()> beside_;
  mutable std::mutex mutex_;
  int64_t taken_ = 0;
};

}  // namespace vecton::base
