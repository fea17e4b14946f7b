// KvCache: keys and values of earlier tokens, page by page, as a forward pass reads and writes
// them. Who owns which page is the engine's business.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace vecton {

struct KvCache {
  int64_t page_rows = 0;
  struct Layer {
    Tensor k, v;  // [pages * page_rows, kv_heads * head_dim]; keys with their norm and rotation
  };
  std::vector<Layer> layers;
};

}  // namespace vecton
