// float32 to the narrower types of a cache and back, a vector at a time; for kernel files
// (targets.h). The numbers of tensor/narrow.h.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "backend/cpu/vector_math-inl.h"
#include "tensor/narrow.h"

// Once per target, as highway.h itself.
#if defined(VECTON_BACKEND_CPU_NARROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef VECTON_BACKEND_CPU_NARROW_INL_H_
#undef VECTON_BACKEND_CPU_NARROW_INL_H_
#else
#define VECTON_BACKEND_CPU_NARROW_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

constexpr int64_t kNarrowLanes = HWY_LANES(float);
using NarrowU32 = hn::RebindToUnsigned<F32>;
using NarrowCodes = hn::Vec<NarrowU32>;

HWY_INLINE NarrowCodes codes(uint32_t bits) { return hn::Set(NarrowU32(), bits); }
HWY_INLINE NarrowCodes bits_of(VF x) { return hn::BitCast(NarrowU32(), x); }
HWY_INLINE VF float_of(NarrowCodes bits) { return hn::BitCast(F32(), bits); }

struct Bfloat16 {
  using Stored = uint16_t;
  static constexpr tensor::DType kType = tensor::DType::kBF16;

  static HWY_INLINE VF widen(NarrowCodes code) { return float_of(hn::ShiftLeft<16>(code)); }
  // Of words of two numbers, the lower and the upper ones.
  static HWY_INLINE void widen_words(NarrowCodes words, VF (&numbers)[2]) {
    numbers[0] = float_of(hn::ShiftLeft<16>(words));
    numbers[1] = float_of(hn::And(words, codes(0xffff0000u)));
  }
  static HWY_INLINE NarrowCodes narrow(VF x) {
    const NarrowCodes bits = bits_of(x), upper = hn::ShiftRight<16>(bits);
    const NarrowCodes even = hn::Add(codes(0x7fffu), hn::And(upper, codes(1)));
    const NarrowCodes rounded = hn::ShiftRight<16>(hn::Add(bits, even));
    const auto nan = hn::Gt(hn::And(bits, codes(0x7fffffffu)), codes(0x7f800000u));
    return hn::IfThenElse(nan, hn::Or(upper, codes(0x40u)), rounded);
  }
};

// Floats of a byte with kMantissa bits after the point, whose exponents are kBias less than
// float32's and whose largest finite one has the code kLargest; subnormal ones are told from others
// by what a float adder gives.
template <int kMantissa, uint32_t kBias, uint16_t kLargest>
struct Float8 {
  static constexpr int kShift = 23 - kMantissa;

  // Of codes without a sign that are neither infinite nor NaN.
  static HWY_INLINE VF widen_finite(NarrowCodes rest) {
    constexpr uint32_t kLeast = (kBias + 1) << 23;  // the smallest normal number
    const NarrowCodes bits = hn::ShiftLeft<kShift>(rest);
    const VF normal = float_of(hn::Add(bits, codes(kBias << 23)));
    const VF tiny = hn::Sub(float_of(hn::Add(bits, codes(kLeast))), float_of(codes(kLeast)));
    return hn::IfThenElse(hn::RebindMask(F32(), hn::Gt(codes(1u << kMantissa), rest)), tiny,
                          normal);
  }
  // Of magnitudes that are not beyond the largest number.
  static HWY_INLINE NarrowCodes narrow_finite(NarrowCodes magnitude) {
    constexpr uint32_t kLeast = (kBias + 1) << 23;
    constexpr uint32_t kAdded = (kBias + 1 + kShift) << 23;  // its last bit is the smallest number
    const NarrowCodes tiny =
        hn::Sub(bits_of(hn::Add(float_of(magnitude), float_of(codes(kAdded)))), codes(kAdded));
    const NarrowCodes even = hn::Add(codes((1u << (kShift - 1)) - 1),
                                     hn::And(hn::ShiftRight<kShift>(magnitude), codes(1)));
    const NarrowCodes normal =
        hn::ShiftRight<kShift>(hn::Sub(hn::Add(magnitude, even), codes(kBias << 23)));
    return hn::IfThenElse(hn::Gt(codes(kLeast), magnitude), tiny, normal);
  }

#if HWY_TARGET != HWY_SCALAR
  // Of words of four numbers, the lowest one first: two at a time as bfloat16, which holds every
  // one of them. A NaN is some NaN.
  static HWY_INLINE void widen_words(NarrowCodes words, VF (&numbers)[4]) {
    const auto pairs = hn::BitCast(U16(), words), sign = hn::Set(U16(), 0x8000);
    const auto rest = hn::Set(U16(), 0x7f);
    const auto even = magnitudes(hn::And(pairs, rest)),
               odd = magnitudes(hn::And(hn::ShiftRight<8>(pairs), rest));
    VF first[2], second[2];
    Bfloat16::widen_words(hn::BitCast(NarrowU32(), hn::OrAnd(even, hn::ShiftLeft<8>(pairs), sign)),
                          first);
    Bfloat16::widen_words(hn::BitCast(NarrowU32(), hn::OrAnd(odd, pairs, sign)), second);
    numbers[0] = first[0], numbers[1] = second[0];
    numbers[2] = first[1], numbers[3] = second[1];
  }

 private:
  using U16 = hn::Repartition<uint16_t, NarrowU32>;
  static constexpr uint16_t kLow = 1 << kMantissa;  // the smallest normal number

  // Codes without a sign as bfloat16. A table has those that are no normal numbers; their last four
  // bits tell them apart.
  static HWY_INLINE hn::Vec<U16> magnitudes(hn::Vec<U16> rest) {
    const auto normal = hn::Add(hn::ShiftLeft<7 - kMantissa>(rest), hn::Set(U16(), kBias << 7));
    const auto is_other =
        hn::Gt(hn::Sub(rest, hn::Set(U16(), kLow)), hn::Set(U16(), kLargest - kLow));
#if HWY_TARGET == HWY_AVX3
    return hn::Vec<U16>{_mm512_mask_permutexvar_epi16(normal.raw, is_other.raw, rest.raw,
                                                      hn::LoadU(U16(), kOther.data()).raw)};
#else
    const hn::Repartition<uint8_t, U16> u8;
    const auto at = hn::BitCast(u8, hn::And(rest, hn::Set(U16(), 15)));
    const auto lower = hn::TableLookupBytes(hn::LoadDup128(u8, kBytes<0>.data()), at),
               upper = hn::TableLookupBytes(hn::LoadDup128(u8, kBytes<8>.data()), at);
    const auto other =
        hn::Or(hn::BitCast(U16(), lower), hn::ShiftLeft<8>(hn::BitCast(U16(), upper)));
    return hn::IfThenElse(is_other, other, normal);
#endif
  }

  // By the last bits of the code: subnormal numbers first, infinity and NaN last.
  static constexpr std::array<uint16_t, 32> kOther = [] {
    std::array<uint16_t, 32> table{};
    for (uint32_t i = 0; i < kLow; ++i) {
      const auto least = std::bit_cast<float>((kBias + 1 - kMantissa) << 23);
      table[i] =
          static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(i) * least) >> 16);
    }
    for (uint32_t code = kLargest + 1; code < 0x80; ++code)
      table[code % 32] = static_cast<uint16_t>(0x7f80 | code % kLow << (7 - kMantissa));
    return table;
  }();
  // Eight bits, from bit kFrom on, of the first and the last eight of them.
  template <int kFrom>
  alignas(16) static constexpr std::array<uint8_t, 16> kBytes = [] {
    std::array<uint8_t, 16> table{};
    for (size_t i = 0; i < 16; ++i)
      table[i] = static_cast<uint8_t>(kOther[i < 8 ? i : 16 + i] >> kFrom);
    return table;
  }();
#endif
};

struct E4M3 : Float8<3, 120, 0x7e> {
  using Stored = uint8_t;
  static constexpr tensor::DType kType = tensor::DType::kF8E4M3;

  static HWY_INLINE VF widen(NarrowCodes code) {
    const NarrowCodes rest = hn::And(code, codes(0x7fu));
    const NarrowCodes sign = hn::ShiftLeft<24>(hn::And(code, codes(0x80u)));
    const auto nan = hn::Eq(rest, codes(0x7fu));  // without a sign, as e4m3_to_float() gives it
    return float_of(
        hn::IfThenElse(nan, codes(0x7fc00000u), hn::Or(bits_of(widen_finite(rest)), sign)));
  }
  static HWY_INLINE NarrowCodes narrow(VF x) {
    constexpr uint32_t kMost = 0x43e00000u;  // 448
    const NarrowCodes bits = bits_of(x), magnitude = hn::And(bits, codes(0x7fffffffu));
    NarrowCodes code = narrow_finite(hn::Min(magnitude, codes(kMost)));
    code = hn::IfThenElse(hn::Gt(magnitude, codes(0x7f7fffffu)), codes(0x7fu), code);
    return hn::Or(code, hn::And(hn::ShiftRight<24>(bits), codes(0x80u)));
  }
};

struct E5M2 : Float8<2, 112, 0x7b> {
  using Stored = uint8_t;
  static constexpr tensor::DType kType = tensor::DType::kF8E5M2;

  static HWY_INLINE VF widen(NarrowCodes code) {
    const NarrowCodes rest = hn::And(code, codes(0x7fu));
    const NarrowCodes beyond = hn::Or(hn::ShiftLeft<21>(rest), codes(0x7f800000u));
    const NarrowCodes bits =
        hn::IfThenElse(hn::Gt(rest, codes(0x7bu)), beyond, bits_of(widen_finite(rest)));
    return float_of(hn::Or(bits, hn::ShiftLeft<24>(hn::And(code, codes(0x80u)))));
  }
  static HWY_INLINE NarrowCodes narrow(VF x) {
    constexpr uint32_t kMost = 0x47600000u;  // 57344
    const NarrowCodes bits = bits_of(x), magnitude = hn::And(bits, codes(0x7fffffffu));
    NarrowCodes code = narrow_finite(hn::Min(magnitude, codes(kMost)));
    const NarrowCodes beyond =
        hn::IfThenElse(hn::Gt(magnitude, codes(0x7f800000u)), codes(0x7fu), codes(0x7cu));
    code = hn::IfThenElse(hn::Gt(magnitude, codes(0x7f7fffffu)), beyond, code);
    return hn::Or(code, hn::And(hn::ShiftRight<24>(bits), codes(0x80u)));
  }
};

template <class Type>
HWY_INLINE VF load_widened(const typename Type::Stored* from) {
  const hn::Rebind<typename Type::Stored, F32> stored;
  return Type::widen(hn::PromoteTo(NarrowU32(), hn::LoadU(stored, from)));
}

// n numbers; what is left of whole vectors goes one by one, to the same numbers.
template <class Type>
HWY_INLINE void widen_as(const std::byte* from, int64_t n, float* to) {
  int64_t i = 0;
  for (; i + kNarrowLanes <= n; i += kNarrowLanes) {
    const auto* at = reinterpret_cast<const typename Type::Stored*>(from) + i;
    hn::StoreU(load_widened<Type>(at), F32(), to + i);
  }
  for (; i < n; ++i) to[i] = tensor::stored_number(from, Type::kType, i);
}

template <class Type>
HWY_INLINE void narrow_as(const float* from, int64_t n, std::byte* to) {
  const hn::Rebind<typename Type::Stored, F32> stored;
  const hn::RebindToSigned<F32> di;
  int64_t i = 0;
  for (; i + kNarrowLanes <= n; i += kNarrowLanes) {
    const NarrowCodes code = Type::narrow(hn::LoadU(F32(), from + i));
    auto* at = reinterpret_cast<typename Type::Stored*>(to) + i;
    hn::StoreU(hn::DemoteTo(stored, hn::BitCast(di, code)), stored, at);
  }
  for (; i < n; ++i) tensor::store_number(from[i], to, Type::kType, i);
}

template <class Type>
HWY_INLINE void round_as(const float* from, int64_t n, float* to) {
  int64_t i = 0;
  for (; i + kNarrowLanes <= n; i += kNarrowLanes)
    hn::StoreU(Type::widen(Type::narrow(hn::LoadU(F32(), from + i))), F32(), to + i);
  for (; i < n; ++i) to[i] = tensor::rounded(from[i], Type::kType);
}

// Calls f.operator()<Type>() for the narrow type.
template <class F>
HWY_INLINE void with_narrow(tensor::DType type, const F& f) {
  if (type == tensor::DType::kBF16) return f.template operator()<Bfloat16>();
  if (type == tensor::DType::kF8E4M3) return f.template operator()<E4M3>();
  f.template operator()<E5M2>();
}

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_NARROW_INL_H_
