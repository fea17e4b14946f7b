// Arena: the memory of one worker's activations. Blocks go back to a free list when their last
// Tensor is gone, so a forward pass reuses few, cache-warm blocks, and the next pass of a like size
// allocates nothing.
#pragma once

#include <cstddef>
#include <memory>

#include "backend/cpu/free_blocks.h"
#include "backend/host/host_memory.h"
#include "tensor/dtype.h"

namespace vecton::cpu {

// From one row to the next, in numbers. Rows start on a cache line, and never a multiple of 2 KiB
// apart: the rows that a kernel reads together would all fall into the same set of the first-level
// cache.
int64_t stride_of(int64_t columns, tensor::DType dtype = tensor::DType::kF32);

class Arena {
 public:
  // `most_free`: bytes that are kept while no Tensor uses them.
  explicit Arena(size_t most_free, FreeBlocks::Counter counter = nullptr);
  // At least `floats` floats, aligned to 64 bytes. Tensors may outlive the Arena and may be dropped
  // on another thread.
  std::shared_ptr<host::FloatMemory> allocate(size_t floats);

  void give_back() { blocks_->give_back(); }         // what is not in use, to the system
  size_t bytes() const { return blocks_->bytes(); }  // in use and not

 private:
  std::shared_ptr<FreeBlocks> blocks_;
};

}  // namespace vecton::cpu
