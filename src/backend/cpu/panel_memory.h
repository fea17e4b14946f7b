// PanelMemory: where packed weights live. Matrices are laid end to end in large blocks of huge
// pages: the kernels stream through them, and a page walk every 4 KiB would cost more than the
// multiplications of a short query.
//
// One per CpuOps, used while a model is loaded; not thread-safe.
#pragma once

#include <cstddef>
#include <memory>

namespace vecton::cpu {

class PanelMemory {
 public:
  // Zeroed, aligned to 64 bytes. A block goes back to the system when the last piece of it is gone.
  std::shared_ptr<std::byte> allocate(size_t bytes);

 private:
  std::shared_ptr<std::byte> block_;
  size_t used_ = 0, size_ = 0;
};

}  // namespace vecton::cpu
