// Memory for arrays of many megabytes that are written whole before they are read: nothing is
// zeroed beforehand, and from 4 MB on one entry of the address table maps 2 MB, so that the system
// is asked for few pages. For any thread.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace vecton::base {

template <typename T>
struct LargeMemory {
  using value_type = T;

  LargeMemory() = default;
  template <typename U>
  LargeMemory(const LargeMemory<U>&) {}

  T* allocate(size_t count) {
    const size_t bytes = count * sizeof(T);
    if (bytes < kLarge) return std::allocator<T>().allocate(count);
    void* at = ::operator new(bytes, std::align_val_t(kPage));
#if defined(MADV_HUGEPAGE)
    madvise(at, bytes, MADV_HUGEPAGE);
#endif
    return static_cast<T*>(at);
  }
  void deallocate(T* at, size_t count) {
    if (count * sizeof(T) < kLarge) return std::allocator<T>().deallocate(at, count);
    ::operator delete(at, std::align_val_t(kPage));
  }

  // What has no value given keeps what the memory had.
  template <typename U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <typename U, typename... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }

  friend bool operator==(const LargeMemory&, const LargeMemory&) { return true; }

 private:
  static constexpr size_t kPage = size_t{2} << 20, kLarge = 2 * kPage;
};

}  // namespace vecton::base
