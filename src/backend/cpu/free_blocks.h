// FreeBlocks: the memory of an arena: blocks that are in use, and those that are not and wait to be
// used again. Together they are bounded by what a forward pass of late has needed, so that a load
// of mixed lengths holds no more than its longest passes do.
//
// Thread-safe: a block may come back on another thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace vecton::cpu {

class FreeBlocks {
 public:
  // What several of them hold together, in bytes.
  using Counter = std::shared_ptr<std::atomic<int64_t>>;

  // No more than `most_free` bytes are kept, whatever the passes need. `counter` may be null.
  explicit FreeBlocks(size_t most_free, Counter counter = nullptr)
      : most_free_(most_free), counter_(std::move(counter)) {}
  ~FreeBlocks() { give_back(); }
  FreeBlocks(const FreeBlocks&) = delete;
  FreeBlocks& operator=(const FreeBlocks&) = delete;

  struct Block {
    float* at = nullptr;
    size_t floats = 0;
  };
  // At least so many floats, aligned to 64 bytes. Error: std::bad_alloc.
  Block take(size_t least);
  void give(Block block) noexcept;

  void give_back();      // all that are not in use, to the system
  size_t bytes() const;  // in use and not

 private:
  bool too_much() const;
  float* allocate(size_t bytes);
  void release(const Block& block) noexcept;

  const size_t most_free_;
  const Counter counter_;
  mutable std::mutex mutex_;
  std::vector<Block> free_;         // who was used last is last
  size_t in_use_ = 0, unused_ = 0;  // bytes
  size_t pass_ = 0;                 // most that were in use since none were
  size_t needed_ = 0;               // by passes of late
};

}  // namespace vecton::cpu
