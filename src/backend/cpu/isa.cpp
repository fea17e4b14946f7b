#include "backend/cpu/isa.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
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

#if defined(__x86_64__)
// Compilers of today have no names for these.
static bool has_avx_vnni() {
  unsigned int a, b, c, d;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1u << 4) != 0;
}

// AMX with what `bit` of the processor's features stands for. Linux has to be asked for the
// registers, once for all threads of a process.
static bool has_amx(int bit) {
#if defined(__linux__)
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  constexpr unsigned int kTiles = 1u << 24;
  unsigned int a, b, c, d;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return (d & kTiles) != 0 && (d & 1u << bit) != 0 &&
         syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
#else
  return bit < 0;
#endif
}
#endif

int bfloat16_products(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  static const bool vectors = __builtin_cpu_supports("avx512bf16");
  static const bool matrices = vectors && has_amx(22);
  return isa != Isa::kAvx512 ? 0 : matrices ? 2 : vectors ? 1 : 0;
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kBFloat16 = 1 << 14;  // HWCAP2_BF16, which old headers lack
  static const bool here = (getauxval(AT_HWCAP2) & kBFloat16) != 0;
  return isa == Isa::kNeon && here ? 1 : 0;
#else
  static_cast<void>(isa);
  return 0;
#endif
}

int byte_products(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  static const bool avx512 = __builtin_cpu_supports("avx512vnni"), avx2 = has_avx_vnni();
  static const bool matrices = avx512 && has_amx(25);
  if (isa == Isa::kAvx512) return matrices ? 2 : avx512 ? 1 : 0;
  return isa == Isa::kAvx2 && avx2 ? 1 : 0;
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
