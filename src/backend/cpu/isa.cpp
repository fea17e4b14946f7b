#include "backend/cpu/isa.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

namespace vecton::cpu {

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kNeon:
      return "neon";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas = {Isa::kScalar};
#if defined(__x86_64__)
  __builtin_cpu_init();
  // F16C is used too: every CPU with AVX2 has it, and Clang 14 cannot ask.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  if (avx2) isas.push_back(Isa::kAvx2);
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd")) {
    isas.push_back(Isa::kAvx512);
  }
#elif defined(__aarch64__)
  isas.push_back(Isa::kNeon);
#endif
  return isas;
}

bool has_bfloat16(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  static const bool here = __builtin_cpu_supports("avx512bf16");
  return isa == Isa::kAvx512 && here;
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kBFloat16 = 1 << 14;  // HWCAP2_BF16, which old headers lack
  static const bool here = (getauxval(AT_HWCAP2) & kBFloat16) != 0;
  return isa == Isa::kNeon && here;
#else
  return isa == Isa::kScalar && false;
#endif
}

#if defined(__x86_64__)
// Compilers of today have no name for it.
static bool has_avx_vnni() {
  unsigned int a, b, c, d;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1u << 4) != 0;
}
#endif

int byte_products(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  static const bool avx512 = __builtin_cpu_supports("avx512vnni"), avx2 = has_avx_vnni();
  return (isa == Isa::kAvx512 && avx512) || (isa == Isa::kAvx2 && avx2) ? 1 : 0;
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kDots = 1 << 20, kMatrices = 1 << 13;  // HWCAP_ASIMDDP, HWCAP2_I8MM
  static const bool dots = (getauxval(AT_HWCAP) & kDots) != 0;
  static const bool matrices = dots && (getauxval(AT_HWCAP2) & kMatrices) != 0;
  return isa != Isa::kNeon ? 0 : matrices ? 2 : dots ? 1 : 0;
#else
  static_cast<void>(isa);
  return 0;
#endif
}

}  // namespace vecton::cpu
