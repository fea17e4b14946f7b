#include "backend/cpu/panel_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace vecton::cpu {

namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kBlock = size_t{64} << 20;  // of addresses; memory is taken page by page

size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// `size`, a multiple of a huge page, beginning at one.
std::shared_ptr<std::byte> map_block(size_t size) {
  const size_t mapped = size + kHugePage;
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) throw std::bad_alloc();
  auto* start = static_cast<std::byte*>(base);
  const size_t skip = (kHugePage - reinterpret_cast<uintptr_t>(base) % kHugePage) % kHugePage;
#if defined(MADV_HUGEPAGE)
  madvise(start + skip, size, MADV_HUGEPAGE);
#endif
  return {start + skip, [base, mapped](std::byte*) { munmap(base, mapped); }};
}

}  // namespace

std::shared_ptr<std::byte> PanelMemory::allocate(size_t bytes) {
  const size_t size = round_up(std::max<size_t>(bytes, 1), kLine);
  if (size_ - used_ < size) {
    size_ = round_up(std::max(size, kBlock), kHugePage);
    block_ = map_block(size_);
    used_ = 0;
  }
  std::byte* piece = block_.get() + used_;
  used_ += size;
  return {block_, piece};
}

}  // namespace vecton::cpu
