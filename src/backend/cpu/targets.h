// Which Highway targets the kernel files are compiled for, and how one of them is picked. Include
// first in a kernel file:
//
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "backend/cpu/x_kernels.cpp"
//   #include "backend/cpu/targets.h"
//   #include <hwy/foreach_target.h>   // compiles this file once per target
//   #include <hwy/highway.h>
//   HWY_BEFORE_NAMESPACE();
//   namespace vecton::cpu::HWY_NAMESPACE { ... const XKernels kXKernels = {...}; }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace vecton::cpu { const XKernels& x_kernels(Isa isa) { VECTON_PICK_ISA(isa, kXKernels); }
//   } #endif
//
// Highway is used for its headers alone: the choice of target is ours (isa.h), so its library is
// not linked.
#ifndef VECTON_BACKEND_CPU_TARGETS_H_
#define VECTON_BACKEND_CPU_TARGETS_H_

#include "backend/cpu/isa.h"

#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_BROKEN_EMU128 1  // one lane at a time as the scalar target, whatever the compiler

#if defined(__x86_64__)
#define VECTON_PICK_ISA(isa, name)    \
  switch (isa) {                      \
    case ::vecton::cpu::Isa::kAvx512: \
      return N_AVX3::name;            \
    case ::vecton::cpu::Isa::kAvx2:   \
      return N_AVX2::name;            \
    default:                          \
      return N_SCALAR::name;          \
  }
#elif defined(__aarch64__)
#define VECTON_PICK_ISA(isa, name)  \
  switch (isa) {                    \
    case ::vecton::cpu::Isa::kNeon: \
      return N_NEON::name;          \
    default:                        \
      return N_SCALAR::name;        \
  }
#endif

#endif  // VECTON_BACKEND_CPU_TARGETS_H_
