#include "backend/cpu/scratch.h"

#include <cstdlib>
#include <memory>
#include <new>

namespace vecton::cpu {

namespace {

struct Free {
  void operator()(float* x) const { std::free(x); }
};
thread_local std::unique_ptr<float, Free> block;
thread_local int64_t size = 0;

}  // namespace

float* scratch(int64_t floats) {
  if (size < floats) {
    size = 0;
    const int64_t wanted = (floats + 15) / 16 * 16;
    block.reset(static_cast<float*>(std::aligned_alloc(64, wanted * sizeof(float))));
    if (!block) throw std::bad_alloc();
    size = wanted;
  }
  return block.get();
}

void free_scratch() {
  block.reset();
  size = 0;
}

}  // namespace vecton::cpu
