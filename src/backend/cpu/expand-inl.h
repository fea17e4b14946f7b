// Panels of codes to float32, a block of k at a time; for kernel files (targets.h).
#include <algorithm>
#include <cstdint>

#include "backend/cpu/e4m3_kernels.h"
#include "backend/cpu/packed_codes.h"
#include "backend/cpu/vector_math-inl.h"

// Once per target, as highway.h itself.
#if defined(VECTON_BACKEND_CPU_EXPAND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef VECTON_BACKEND_CPU_EXPAND_INL_H_
#undef VECTON_BACKEND_CPU_EXPAND_INL_H_
#else
#define VECTON_BACKEND_CPU_EXPAND_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

using U32 = hn::RebindToUnsigned<F32>;
using I32 = hn::RebindToSigned<F32>;
using VU = hn::Vec<U32>;

// 0x7f and 0xff are NaN; the other bits are those of a float of 2^-120 times the value.
HWY_INLINE VF from_e4m3(VU code) {
  constexpr F32 d;
  constexpr U32 du;
  const VU rest = hn::And(code, hn::Set(du, 0x7fu));
  const VF value = hn::Mul(hn::BitCast(d, hn::ShiftLeft<20>(rest)), hn::Set(d, 0x1p120f));
  const auto nan = hn::Eq(rest, hn::Set(du, 0x7fu));
  const VU sign = hn::ShiftLeft<24>(hn::And(code, hn::Set(du, 0x80u)));
  const VU bits = hn::IfThenElse(nan, hn::Set(du, 0x7fc00000u), hn::BitCast(du, value));
  return hn::BitCast(d, hn::Or(bits, sign));
}

// As many numbers of blocks as a vector has lanes.
HWY_INLINE VF load_numbers(tensor::BlockNumbers::Type type, const std::byte* at) {
  constexpr F32 d;
  constexpr U32 du;
  const hn::Rebind<uint8_t, F32> d8;
  const hn::Rebind<int8_t, F32> di8;
  const hn::Rebind<uint16_t, F32> d16;
  switch (type) {
    case tensor::BlockNumbers::Type::kF32:
      return hn::LoadU(d, reinterpret_cast<const float*>(at));
    case tensor::BlockNumbers::Type::kF16: {
      const hn::Rebind<hwy::float16_t, F32> dh;
      return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(at)));
    }
    case tensor::BlockNumbers::Type::kBF16: {
      const VU bits = hn::PromoteTo(du, hn::LoadU(d16, reinterpret_cast<const uint16_t*>(at)));
      return hn::BitCast(d, hn::ShiftLeft<16>(bits));
    }
    case tensor::BlockNumbers::Type::kE8M0: {  // 0 is 2^-127, 255 NaN
      const VU code = hn::PromoteTo(du, hn::LoadU(d8, reinterpret_cast<const uint8_t*>(at)));
      const VU bits = hn::Max(hn::ShiftLeft<23>(code), hn::Set(du, 0x00400000u));
      const auto nan = hn::Eq(code, hn::Set(du, 255u));
      return hn::BitCast(d, hn::IfThenElse(nan, hn::Set(du, 0x7fc00000u), bits));
    }
    case tensor::BlockNumbers::Type::kE4M3:
      return from_e4m3(hn::PromoteTo(du, hn::LoadU(d8, reinterpret_cast<const uint8_t*>(at))));
    case tensor::BlockNumbers::Type::kU8: {
      constexpr I32 di;
      return hn::ConvertTo(d,
                           hn::PromoteTo(di, hn::LoadU(d8, reinterpret_cast<const uint8_t*>(at))));
    }
    case tensor::BlockNumbers::Type::kI8: {
      constexpr I32 di;
      return hn::ConvertTo(d,
                           hn::PromoteTo(di, hn::LoadU(di8, reinterpret_cast<const int8_t*>(at))));
    }
  }
  return hn::Zero(d);
}

// Of one vector of a panel's columns, the numbers of a group, with those they are multiplied by.
HWY_INLINE VF group_numbers(const PackedNumbers& numbers, const PackedNumbers& unit,
                            const std::byte* panel, int64_t group, int64_t column, int64_t width) {
  constexpr F32 d;
  const auto load = [&](const PackedNumbers& from) {
    const int64_t i = group / from.every * width + column;
    return load_numbers(from.type, panel + from.at + i * from.size);
  };
  if (!numbers.exists()) return unit.exists() ? load(unit) : hn::Set(d, 1.0f);
  const VF stored = load(numbers);
  return unit.exists() ? hn::Mul(load(unit), stored) : stored;
}

// One kind of numbers of groups begin .. end, times `factor`: written to out [groups][2 width], or
// multiplied with what is there.
template <tensor::BlockNumbers::Type kType, bool kMultiply>
void read_kind(const PackedNumbers& numbers, const std::byte* panel, int64_t begin, int64_t end,
               float factor, float* out) {
  constexpr F32 d;
  constexpr int64_t kLanes = hn::MaxLanes(d), kWidth = 2 * kLanes;
  const VF times = hn::Set(d, factor);
  int64_t i = begin / numbers.every;
  const std::byte* from = panel + numbers.at + i * kWidth * numbers.size;
  for (int64_t group = begin; group < end; ++i, from += kWidth * numbers.size) {
    const VF a = hn::Mul(times, load_numbers(kType, from));
    const VF b = hn::Mul(times, load_numbers(kType, from + kLanes * numbers.size));
    for (const int64_t last = std::min(end, (i + 1) * numbers.every); group < last; ++group) {
      hn::StoreU(kMultiply ? hn::Mul(a, hn::LoadU(d, out)) : a, d, out);
      hn::StoreU(kMultiply ? hn::Mul(b, hn::LoadU(d, out + kLanes)) : b, d, out + kLanes);
      out += 2 * kWidth;
    }
  }
}

template <bool kMultiply>
void read_kind(const PackedNumbers& numbers, const std::byte* panel, int64_t begin, int64_t end,
               float factor, float* out) {
  using Type = tensor::BlockNumbers::Type;
  switch (numbers.type) {
    case Type::kF32:
      return read_kind<Type::kF32, kMultiply>(numbers, panel, begin, end, factor, out);
    case Type::kF16:
      return read_kind<Type::kF16, kMultiply>(numbers, panel, begin, end, factor, out);
    case Type::kBF16:
      return read_kind<Type::kBF16, kMultiply>(numbers, panel, begin, end, factor, out);
    case Type::kE8M0:
      return read_kind<Type::kE8M0, kMultiply>(numbers, panel, begin, end, factor, out);
    case Type::kE4M3:
      return read_kind<Type::kE4M3, kMultiply>(numbers, panel, begin, end, factor, out);
    case Type::kU8:
      return read_kind<Type::kU8, kMultiply>(numbers, panel, begin, end, factor, out);
    case Type::kI8:
      return read_kind<Type::kI8, kMultiply>(numbers, panel, begin, end, factor, out);
  }
}

inline void read_product(const PackedNumbers& numbers, const PackedNumbers& unit,
                         const std::byte* panel, int64_t begin, int64_t end, float factor,
                         float* out) {
  if (numbers.exists()) {
    read_kind<false>(numbers, panel, begin, end, factor, out);
    if (unit.exists()) read_kind<true>(unit, panel, begin, end, 1, out);
  } else if (unit.exists()) {
    read_kind<false>(unit, panel, begin, end, factor, out);
  } else {
    constexpr int64_t kWidth = 2 * hn::MaxLanes(F32());
    for (; begin < end; ++begin, out += 2 * kWidth) std::fill_n(out, kWidth, factor);
  }
}

// Scales and offsets of groups begin .. end of a panel, with all that they are multiplied by:
// [groups][scales, offsets][width].
inline void read_numbers(const PackedCodes& codes, const std::byte* panel, int64_t begin,
                         int64_t end, float* out) {
  constexpr int64_t kWidth = 2 * hn::MaxLanes(F32());
  read_product(codes.scale, codes.scale_unit, panel, begin, end, codes.unit * codes.factor, out);
  if (!codes.offset.exists()) return;
  read_product(codes.offset, codes.offset_unit, panel, begin, end, codes.factor, out + kWidth);
}

// Four codes of neighbouring k in the bytes of each lane.
template <int kBits>
HWY_INLINE VU quad(VU word, int part) {
  constexpr U32 du;
  if constexpr (kBits == 8) return word;
  constexpr uint32_t kMask = kBits == 4 ? 0x0f0f0f0fu : 0x03030303u;
  return hn::And(hn::ShiftRightSame(word, part * kBits), hn::Set(du, kMask));
}

enum class Meaning { kWhole, kBytes, kE4M3, kValues };

// k of a group: `words` rows of words become rows of floats.
template <int kBits, Meaning kMeaning, bool kOffset>
HWY_INLINE void expand_group(const PackedCodes& codes, const uint32_t* from, int64_t words,
                             VF scale, VF offset, int64_t width, float* out) {
  constexpr F32 d;
  constexpr U32 du;
  constexpr I32 di;
  const auto zero = hn::Set(di, codes.zero);
#if HWY_TARGET != HWY_SCALAR
  const hn::Repartition<uint8_t, F32> d8;
  HWY_ALIGN uint8_t table[16];
  std::copy_n(codes.bytes.data(), 16, table);
  const auto bytes = hn::LoadDup128(d8, table);
#endif
  for (int64_t i = 0; i < words; ++i, from += width) {
    const VU word = hn::LoadU(du, from);
    HWY_UNROLL(4)
    for (int part = 0; part < 8 / kBits; ++part) {
      VU four = quad<kBits>(word, part);
#if HWY_TARGET != HWY_SCALAR
      if constexpr (kMeaning == Meaning::kBytes)
        four = hn::BitCast(du, hn::TableLookupBytes(bytes, hn::BitCast(d8, four)));
#endif
      HWY_UNROLL(4)
      for (int j = 0; j < 4; ++j) {
        const auto code =
            hn::BitCast(di, j == 3 ? hn::ShiftRight<24>(four)
                                   : hn::And(hn::ShiftRightSame(four, 8 * j), hn::Set(du, 0xffu)));
        VF value;
        if constexpr (kMeaning == Meaning::kValues) {
          value = hn::GatherIndex(d, codes.values->data(), code);
        } else if constexpr (kMeaning == Meaning::kE4M3) {
          value = from_e4m3(hn::BitCast(du, code));
        } else {
          value = hn::ConvertTo(d, hn::Sub(code, zero));
        }
        value = hn::Mul(scale, value);
        if constexpr (kOffset) value = hn::Add(value, offset);
        hn::StoreU(value, d, out);
        out += width;
      }
    }
  }
}

template <int kBits, Meaning kMeaning>
HWY_INLINE void expand_panel(const PackedCodes& codes, const std::byte* panel, int64_t k,
                             int64_t count, float* out) {
  constexpr F32 d;
  constexpr int64_t kLanes = hn::MaxLanes(d), kWidth = 2 * kLanes, kPerWord = 32 / kBits;
  const auto* words = reinterpret_cast<const uint32_t*>(panel + codes.words_at);
  for (int64_t end = k + count; k < end;) {
    const int64_t group = k / codes.group;
    const int64_t length = std::min(end, (group + 1) * codes.group) - k;
#if HWY_TARGET == HWY_AVX3
    if (const ExpandE4M3 expand_all = expand_e4m3();
        kMeaning == Meaning::kE4M3 && expand_all && !codes.offset.exists()) {
      HWY_ALIGN float scales[kWidth];
      for (int64_t v = 0; v < kWidth; v += kLanes) {
        hn::Store(group_numbers(codes.scale, codes.scale_unit, panel, group, v, kWidth), d,
                  scales + v);
      }
      expand_all(words + k / kPerWord * kWidth, length / kPerWord, scales, out);
      k += length;
      out += length * kWidth;
      continue;
    }
#endif
    for (int64_t v = 0; v < 2; ++v) {
      VF scale = group_numbers(codes.scale, codes.scale_unit, panel, group, v * kLanes, kWidth);
      if constexpr (kMeaning == Meaning::kBytes) scale = hn::Mul(scale, hn::Set(d, codes.unit));
      const uint32_t* from = words + k / kPerWord * kWidth + v * kLanes;
      if (codes.offset.exists()) {
        const VF offset =
            group_numbers(codes.offset, codes.offset_unit, panel, group, v * kLanes, kWidth);
        expand_group<kBits, kMeaning, true>(codes, from, length / kPerWord, scale, offset, kWidth,
                                            out + v * kLanes);
      } else {
        expand_group<kBits, kMeaning, false>(codes, from, length / kPerWord, scale, scale, kWidth,
                                             out + v * kLanes);
      }
    }
    k += length;
    out += length * kWidth;
  }
}

// Rows k .. k + count of a panel [k][two vectors], and up to the next multiple of 16. k is such a
// multiple.
inline void expand(const PackedCodes& codes, const std::byte* panel, int64_t k, int64_t count,
                   float* out) {
  constexpr F32 d;
  constexpr int64_t kWidth = 2 * hn::MaxLanes(d);
  count = (count + 15) / 16 * 16;
  const bool bytes = codes.lookup && HWY_TARGET != HWY_SCALAR;
  const bool values = !bytes && (codes.lookup || !codes.whole);
  if (codes.bits == 2) {
    expand_panel<2, Meaning::kWhole>(codes, panel, k, count, out);
  } else if (codes.bits == 4) {
    if (bytes) {
      expand_panel<4, Meaning::kBytes>(codes, panel, k, count, out);
    } else if (values) {
      expand_panel<4, Meaning::kValues>(codes, panel, k, count, out);
    } else {
      expand_panel<4, Meaning::kWhole>(codes, panel, k, count, out);
    }
  } else if (codes.e4m3) {
    expand_panel<8, Meaning::kE4M3>(codes, panel, k, count, out);
  } else {
    expand_panel<8, Meaning::kWhole>(codes, panel, k, count, out);
  }
  if (codes.factor == 1) return;
  for (int64_t i = 0; i < count * kWidth; i += hn::MaxLanes(d))
    hn::StoreU(hn::Mul(hn::Set(d, codes.factor), hn::LoadU(d, out + i)), d, out + i);
}

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_EXPAND_INL_H_
