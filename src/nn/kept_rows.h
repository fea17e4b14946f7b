// KeptRows: keys and values of a layer, for it and for layers that read the same ones.
#pragma once

#include "nn/forward_pass.h"

namespace vecton::nn {

struct KeptRows {
  Tensor k, v;           // of the rows of this pass
  ops::KeyPages before;  // of earlier tokens
};

}  // namespace vecton::nn
