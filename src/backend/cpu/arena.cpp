#include "backend/cpu/arena.h"

#include <algorithm>
#include <bit>

namespace vecton::cpu {

Arena::Arena(size_t most_free) : blocks_(std::make_shared<FreeBlocks>(most_free)) {}

std::shared_ptr<float> Arena::allocate(size_t floats) {
  // Few sizes, so that passes over batches of other lengths find each other's blocks: quarters of a
  // power of two.
  const size_t step = std::max<size_t>(1024, std::bit_floor(floats) / 4);
  // 16 more: a kernel may load, never store, a vector past the end.
  const FreeBlocks::Block block = blocks_->take((floats + step - 1) / step * step + 16);
  return {block.at, [blocks = blocks_, block](float*) { blocks->give(block); }};
}

}  // namespace vecton::cpu
