#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/peak_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/peak_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using F32 = hn::ScalableTag<float>;
using VF = hn::Vec<F32>;

// Twelve chains hide the latency of two units (four to six cycles) and fit sixteen registers.
float fma(int64_t rounds) {
  const F32 d;
  const VF m = hn::Set(d, 0.999f), c = hn::Set(d, 0.001f);
  // Each starts elsewhere: equal chains would be computed once.
  VF a0 = hn::Set(d, 0.0f), a1 = hn::Set(d, 0.1f), a2 = hn::Set(d, 0.2f), a3 = hn::Set(d, 0.3f);
  VF a4 = hn::Set(d, 0.4f), a5 = hn::Set(d, 0.5f), a6 = hn::Set(d, 0.6f), a7 = hn::Set(d, 0.7f);
  VF a8 = hn::Set(d, 0.8f), a9 = hn::Set(d, 0.9f), a10 = hn::Set(d, 1.0f), a11 = hn::Set(d, 1.1f);
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, m, c);
    a1 = hn::MulAdd(a1, m, c);
    a2 = hn::MulAdd(a2, m, c);
    a3 = hn::MulAdd(a3, m, c);
    a4 = hn::MulAdd(a4, m, c);
    a5 = hn::MulAdd(a5, m, c);
    a6 = hn::MulAdd(a6, m, c);
    a7 = hn::MulAdd(a7, m, c);
    a8 = hn::MulAdd(a8, m, c);
    a9 = hn::MulAdd(a9, m, c);
    a10 = hn::MulAdd(a10, m, c);
    a11 = hn::MulAdd(a11, m, c);
  }
  const VF low = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(a4, a5));
  const VF high = hn::Add(hn::Add(hn::Add(a6, a7), hn::Add(a8, a9)), hn::Add(a10, a11));
  return hn::GetLane(hn::Add(low, high));
}

float read(std::span<const float> memory) {
  const F32 d;
  const size_t lanes = hn::Lanes(d);
  VF a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
  for (size_t i = 0; i < memory.size(); i += 4 * lanes) {
    a0 = hn::Add(a0, hn::LoadU(d, memory.data() + i));
    a1 = hn::Add(a1, hn::LoadU(d, memory.data() + i + lanes));
    a2 = hn::Add(a2, hn::LoadU(d, memory.data() + i + 2 * lanes));
    a3 = hn::Add(a3, hn::LoadU(d, memory.data() + i + 3 * lanes));
  }
  return hn::GetLane(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)));
}

const backend::PeakKernels kPeakKernels = {fma, 12.0 * 2.0 * HWY_LANES(float), read};

}  // namespace vecton::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::backend {
const PeakKernels& peak_kernels(cpu::Isa isa) { VECTON_PICK_ISA(isa, kPeakKernels); }
}  // namespace vecton::backend
#endif
