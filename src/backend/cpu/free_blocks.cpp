#include "backend/cpu/free_blocks.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "backend/cpu/huge_pages.h"

namespace vecton::cpu {

namespace {

constexpr size_t kAlign = 64, kPage = 4096;
// Blocks of this size are mapped one by one: freed ones leave no hole in the heap that stays.
constexpr size_t kMapped = size_t{256} << 10;
// A pass whose blocks come in several sizes needs more of them than are ever in use at once.
constexpr size_t kSlack = 2;
constexpr size_t kForget = 64;  // passes after which a long one no longer counts for much

size_t bytes_of(const FreeBlocks::Block& block) { return block.floats * sizeof(float); }

// Large ones begin at a huge page.
float* map_block(size_t bytes) {
  if (bytes >= 2 * kHugePage) return reinterpret_cast<float*>(map_huge_pages(bytes));
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  return static_cast<float*>(at);
}

float* allocate_block(size_t bytes) {
  auto* at = static_cast<float*>(std::aligned_alloc(kAlign, bytes));
  if (!at) throw std::bad_alloc();
  return at;
}

}  // namespace

// `bytes` is a multiple of the page size where it is mapped.
float* FreeBlocks::allocate(size_t bytes) {
  float* at = bytes >= kMapped ? map_block(bytes) : allocate_block(bytes);
  if (counter_) *counter_ += static_cast<int64_t>(bytes);
  return at;
}

void FreeBlocks::release(const Block& block) noexcept {
  const size_t bytes = bytes_of(block);
  if (bytes < kMapped) {
    std::free(block.at);
  } else {
    munmap(block.at, bytes);
  }
  if (counter_) *counter_ -= static_cast<int64_t>(bytes);
}

FreeBlocks::Block FreeBlocks::take(size_t least) {
  const size_t bytes = least * sizeof(float);
  const size_t floats = round_up(bytes, bytes < kMapped ? kAlign : kPage) / sizeof(float);
  const std::lock_guard lock(mutex_);
  // The smallest that is large enough and not wastefully large; of equals the one used last.
  auto best = free_.end();
  for (auto block = free_.begin(); block != free_.end(); ++block) {
    if (block->floats < floats || block->floats > 2 * floats + 4096) continue;
    if (best == free_.end() || block->floats <= best->floats) best = block;
  }
  Block block{nullptr, floats};
  if (best != free_.end()) {
    block = *best;
    free_.erase(best);
    unused_ -= bytes_of(block);
  } else {
    block.at = allocate(bytes_of(block));
  }
  in_use_ += bytes_of(block);
  pass_ = std::max(pass_, in_use_);
  needed_ = std::max(needed_, in_use_);
  return block;
}

bool FreeBlocks::too_much() const {
  return unused_ > most_free_ || in_use_ + unused_ > kSlack * needed_;
}

// Called where a Tensor ends, so it must not throw.
void FreeBlocks::give(Block block) noexcept {
  const std::lock_guard lock(mutex_);
  in_use_ -= bytes_of(block);
  if (in_use_ == 0) {  // the end of a pass
    needed_ = std::max(pass_, needed_ - needed_ / kForget);
    pass_ = 0;
  }
  try {
    free_.push_back(block);
    unused_ += bytes_of(block);
  } catch (const std::bad_alloc&) {
    release(block);
  }
  while (!free_.empty() && too_much()) {
    unused_ -= bytes_of(free_.front());
    release(free_.front());
    free_.erase(free_.begin());
  }
}

void FreeBlocks::give_back() {
  const std::lock_guard lock(mutex_);
  for (const Block& block : free_) release(block);
  free_.clear();
  unused_ = 0;
  needed_ = in_use_;
}

size_t FreeBlocks::bytes() const {
  const std::lock_guard lock(mutex_);
  return in_use_ + unused_;
}

}  // namespace vecton::cpu
