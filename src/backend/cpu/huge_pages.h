// Memory of the system that begins at a huge page, which one entry of the address table maps.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace vecton::cpu {

inline constexpr size_t kHugePage = size_t{2} << 20;

inline size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// `size` bytes, a multiple of the page size, given back by munmap(). Throws std::bad_alloc.
inline std::byte* map_huge_pages(size_t size) {
  void* base =
      mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) throw std::bad_alloc();
  auto* at = static_cast<std::byte*>(base);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(base) % kHugePage) % kHugePage;
  if (before > 0) munmap(at, before);
  if (before < kHugePage) munmap(at + before + size, kHugePage - before);
#if defined(MADV_HUGEPAGE)
  madvise(at + before, size, MADV_HUGEPAGE);
#endif
  return at + before;
}

}  // namespace vecton::cpu
