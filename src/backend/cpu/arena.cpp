#include "backend/cpu/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

namespace vecton::cpu {

namespace {
constexpr size_t kAlign = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kKeptBytes = size_t{256}
                              << 20;  // more than this in free blocks goes back to the system
}  // namespace

struct Arena::FreeList {
  std::mutex mutex;
  std::multimap<size_t, float*> blocks;  // by floats
  size_t bytes = 0;

  ~FreeList() { drop_all(); }

  // The smallest block that is large enough and not wastefully large.
  float* take(size_t floats, size_t& capacity) {
    const std::lock_guard lock(mutex);
    const auto found = blocks.lower_bound(floats);
    if (found == blocks.end() || found->first > 2 * floats + 4096) return nullptr;
    float* block = found->second;
    capacity = found->first;
    bytes -= capacity * sizeof(float);
    blocks.erase(found);
    return block;
  }

  // Called where a Tensor ends, so it must not throw: a block that can't be kept is freed.
  void give(float* block, size_t capacity) noexcept {
    const std::lock_guard lock(mutex);
    if (bytes + capacity * sizeof(float) > kKeptBytes)
      drop_all();  // sizes that are no longer asked for make room
    try {
      blocks.emplace(capacity, block);
      bytes += capacity * sizeof(float);
    } catch (const std::bad_alloc&) {
      std::free(block);
    }
  }

  void drop_all() {
    for (auto& [floats, block] : blocks) std::free(block);
    blocks.clear();
    bytes = 0;
  }
};

Arena::Arena() : free_(std::make_shared<FreeList>()) {}

std::shared_ptr<float> Arena::allocate(size_t floats) {
  // Few sizes, so that passes over batches of other lengths find each other's blocks: quarters of a
  // power of two.
  const size_t step = std::max<size_t>(1024, std::bit_floor(floats) / 4);
  // 16 more: a kernel may load, never store, a vector past the end.
  size_t capacity = (floats + step - 1) / step * step + 16;
  float* block = free_->take(capacity, capacity);
  if (!block) {
    const size_t bytes = capacity * sizeof(float),
                 align = bytes < 2 * kHugePage ? kAlign : kHugePage;
    block = static_cast<float*>(std::aligned_alloc(align, (bytes + align - 1) / align * align));
    if (!block) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    if (align == kHugePage) madvise(block, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  }
  return {block, [free = free_, capacity](float* b) { free->give(b, capacity); }};
}

}  // namespace vecton::cpu
