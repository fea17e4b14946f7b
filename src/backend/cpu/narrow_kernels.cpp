#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/narrow_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/cpu/narrow-inl.h"
#include "backend/cpu/narrow_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {
namespace {

void narrow(const float* x, tensor::DType type, int64_t n, std::byte* y) {
  with_narrow(type, [&]<class Type>() HWY_ATTR { narrow_as<Type>(x, n, y); });
}

void widen(const std::byte* x, tensor::DType type, int64_t n, float* y) {
  with_narrow(type, [&]<class Type>() HWY_ATTR { widen_as<Type>(x, n, y); });
}

void round(const float* x, tensor::DType type, int64_t n, float* y) {
  with_narrow(type, [&]<class Type>() HWY_ATTR { round_as<Type>(x, n, y); });
}

}  // namespace

const NarrowKernels kNarrowKernels = {narrow, widen, round};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::cpu {

const NarrowKernels& narrow_kernels(Isa isa) { VECTON_PICK_ISA(isa, kNarrowKernels); }

}  // namespace vecton::cpu
#endif
