#include "backend/cpu/panel_memory.h"

#include <sys/mman.h>

#include <algorithm>

#include "backend/cpu/huge_pages.h"

namespace vecton::cpu {

namespace {

constexpr size_t kLine = 64;
constexpr size_t kMappedBlock = size_t{64} << 20;  // of addresses; memory is taken page by page

}  // namespace

std::shared_ptr<std::byte> PanelMemory::allocate(size_t bytes) {
  const size_t size = round_up(std::max<size_t>(bytes, 1), kLine);
  if (size_ - used_ < size) {
    size_ = round_up(std::max(size, kMappedBlock), kHugePage);
    block_ = {map_huge_pages(size_), [size = size_](std::byte* at) { munmap(at, size); }};
    used_ = 0;
  }
  std::byte* piece = block_.get() + used_;
  used_ += size;
  return {block_, piece};
}

}  // namespace vecton::cpu
