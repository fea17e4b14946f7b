#include "backend/cpu/arena.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace vecton::cpu {

int64_t stride_of(int64_t columns, tensor::DType dtype) {
  const int64_t line = 64 / tensor::size_of(dtype);  // numbers in a line of the caches
  const int64_t stride = (columns + line - 1) / line * line;
  return stride % (32 * line) == 0 && stride > 0 ? stride + line : stride;
}

namespace {

// Goes back to the list that it came from.
struct ArenaMemory final : host::FloatMemory {
  const std::shared_ptr<FreeBlocks> list;
  const FreeBlocks::Block block;

  ArenaMemory(std::shared_ptr<FreeBlocks> from, FreeBlocks::Block taken)
      : FloatMemory(taken.at), list(std::move(from)), block(taken) {}
  ~ArenaMemory() override { list->give(block); }
};

}  // namespace

Arena::Arena(size_t most_free, FreeBlocks::Counter counter)
    : blocks_(std::make_shared<FreeBlocks>(most_free, std::move(counter))) {}

std::shared_ptr<host::FloatMemory> Arena::allocate(size_t floats) {
  // Few sizes, so that passes over batches of other lengths find each other's blocks: quarters of a
  // power of two.
  const size_t step = std::max<size_t>(1024, std::bit_floor(floats) / 4);
  // 16 more: a kernel may load, never store, a vector past the end.
  const FreeBlocks::Block block = blocks_->take((floats + step - 1) / step * step + 16);
  return std::make_shared<ArenaMemory>(blocks_, block);
}

}  // namespace vecton::cpu
