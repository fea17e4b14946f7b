// Arena: the memory of one worker's activations. Blocks go back to a free list when their last
// Tensor is gone, so a forward pass reuses few, cache-warm blocks, and the next pass of a like size
// allocates nothing.
#pragma once

#include <cstddef>
#include <memory>

namespace vecton::cpu {

class Arena {
 public:
  Arena();
  // At least `floats` floats, aligned to 64 bytes. Tensors may outlive the Arena and may be dropped
  // on another thread.
  std::shared_ptr<float> allocate(size_t floats);

 private:
  struct FreeList;
  std::shared_ptr<FreeList> free_;
};

}  // namespace vecton::cpu
