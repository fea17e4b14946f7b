// See float_text.h. For 1e-4 <= |x| < 100, x no power of two, the shortest decimals are found in
// double arithmetic that is exact: x has 24 bits and 10^p, p <= 12, another 28 behind its twos, so
// that t = |x| * 10^p and its distance to what lies half a step of float32 away are doubles.
//
// p is chosen so that a step (the distance of neighbouring floats) times 10^p is 1 or more and less
// than ten. Then at most one multiple of ten gives x back, the one nearest to t: it is the answer,
// less its zeros at the end. Else the integer nearest to t is, a tie to the even one, as
// std::to_chars has it. What lies half a step away is never an integer itself (it has more twos in
// its denominator than 10^p has), so that it does not matter to whom it would be rounded.
//
// All other values are written by base::write_float().
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "server/float_text_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "server/float_text.h"

#ifndef VECTON_SERVER_FLOAT_TEXT_ONCE
#define VECTON_SERVER_FLOAT_TEXT_ONCE
namespace vecton::server {
namespace {

// The digits of 0 to 999, and how many are left without the zeros at their end.
struct ThreeDigits {
  char text[3];
  uint8_t count;
};

constexpr std::array<ThreeDigits, 1000> kThreeDigits = [] {
  std::array<ThreeDigits, 1000> out{};
  for (int i = 0; i < 1000; ++i) {
    out[static_cast<size_t>(i)] = {
        {static_cast<char>('0' + i / 100), static_cast<char>('0' + i / 10 % 10),
         static_cast<char>('0' + i % 10)},
        static_cast<uint8_t>(i % 10    ? 3
                             : i % 100 ? 2
                             : i       ? 1
                                       : 0)};
  }
  return out;
}();

// Null where `value` is not finite.
inline char* write_one(char* out, float value) {
  if (!std::isfinite(value)) return nullptr;
  out = base::write_float(out, value);
  *out++ = ',';
  return out;
}

}  // namespace
}  // namespace vecton::server
#endif

HWY_BEFORE_NAMESPACE();
namespace vecton::server::HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBlock = 16;

using F64 = hn::ScalableTag<double>;
using I64 = hn::RebindToSigned<F64>;
using F32 = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<F32>;
using HalfF32 = hn::Rebind<float, F64>;
using HalfI32 = hn::Rebind<int32_t, F64>;
using VD = hn::Vec<F64>;
constexpr F64 kDoubles;
constexpr I64 kDoubleBits;
constexpr F32 kFloats;
constexpr I32 kIntegers;

// Nine digits of each value, in threes, and where its point stands.
struct Block {
  alignas(64) int32_t first[kBlock], second[kBlock], third[kBlock];
  alignas(
      64) int32_t zeros[kBlock];  // behind the point, before the digits; below 0: digits before it
  alignas(64) int32_t ordinary[kBlock];  // -1: what is above holds; 0: another way has to be taken
};

// `otherwise`, or `value` where `size` is `from` or more.
VD from(VD size, double from, double value, VD otherwise) {
  return hn::IfThenElse(hn::Ge(size, hn::Set(kDoubles, from)), hn::Set(kDoubles, value), otherwise);
}

// The power of ten that makes a step of float32 1 or more, and below 10.
VD power_of(VD size) {
  VD power = hn::Set(kDoubles, 1e12);
  power = from(size, 0x1p-13, 1e11, power);
  power = from(size, 0x1p-10, 1e10, power);
  power = from(size, 0x1p-6, 1e9, power);
  power = from(size, 0x1p-3, 1e8, power);
  power = from(size, 0x1p0, 1e7, power);
  return from(size, 0x1p4, 1e6, power);
}

void digits(const float* values, Block& block) {
  for (size_t i = 0; i < kBlock; i += hn::Lanes(kDoubles)) {
    const VD size = hn::Abs(hn::PromoteTo(kDoubles, hn::LoadU(HalfF32(), values + i)));
    const VD power = power_of(size);
    const VD exponent = hn::BitCast(
        kDoubles,
        hn::And(hn::BitCast(kDoubleBits, size), hn::Set(kDoubleBits, int64_t{0x7FF0000000000000})));
    const VD half_step = hn::Mul(exponent, hn::Mul(power, hn::Set(kDoubles, 0x1p-24)));
    const VD scaled = hn::Mul(size, power);
    const VD tens =
        hn::Mul(hn::Round(hn::Mul(scaled, hn::Set(kDoubles, 0.1))), hn::Set(kDoubles, 10));
    VD number =
        hn::IfThenElse(hn::Lt(hn::Abs(hn::Sub(tens, scaled)), half_step), tens, hn::Round(scaled));
    // Seven to nine digits to nine.
    const auto below8 = hn::Lt(number, hn::Set(kDoubles, 1e7));
    const auto below9 = hn::Lt(number, hn::Set(kDoubles, 1e8));
    number = hn::Mul(number, hn::IfThenElse(below8, hn::Set(kDoubles, 100),
                                            hn::IfThenElse(below9, hn::Set(kDoubles, 10),
                                                           hn::Set(kDoubles, 1))));
    const VD first = hn::Floor(hn::Mul(number, hn::Set(kDoubles, 1e-6)));
    const VD rest = hn::Sub(number, hn::Mul(first, hn::Set(kDoubles, 1e6)));
    const VD second = hn::Floor(hn::Mul(rest, hn::Set(kDoubles, 1e-3)));
    const VD third = hn::Sub(rest, hn::Mul(second, hn::Set(kDoubles, 1e3)));
    hn::Store(hn::DemoteTo(HalfI32(), first), HalfI32(), block.first + i);
    hn::Store(hn::DemoteTo(HalfI32(), second), HalfI32(), block.second + i);
    hn::Store(hn::DemoteTo(HalfI32(), third), HalfI32(), block.third + i);
  }
  for (size_t i = 0; i < kBlock; i += hn::Lanes(kFloats)) {
    const auto size = hn::Abs(hn::LoadU(kFloats, values + i));
    // The texts of the floats nearest to these are theirs.
    const auto at_least = [&](float value) {
      return hn::VecFromMask(kIntegers,
                             hn::RebindMask(kIntegers, hn::Ge(size, hn::Set(kFloats, value))));
    };
    const auto zeros =
        hn::Add(hn::Set(kIntegers, 3),
                hn::Add(hn::Add(at_least(0.001F), at_least(0.01F)),
                        hn::Add(hn::Add(at_least(0.1F), at_least(1)), at_least(10))));
    const auto mantissa = hn::And(hn::BitCast(kIntegers, size), hn::Set(kIntegers, 0x7FFFFF));
    const auto in_range =
        hn::And(hn::Ge(size, hn::Set(kFloats, 1e-4F)), hn::Lt(size, hn::Set(kFloats, 100)));
    const auto ordinary =
        hn::AndNot(hn::Eq(mantissa, hn::Zero(kIntegers)), hn::RebindMask(kIntegers, in_range));
    hn::Store(zeros, kIntegers, block.zeros + i);
    hn::Store(hn::VecFromMask(kIntegers, ordinary), kIntegers, block.ordinary + i);
  }
}

char* write_block(char* out, const float* values) {
  Block block;
  digits(values, block);
  for (size_t i = 0; i < kBlock; ++i) {
    if (!block.ordinary[i]) {
      out = write_one(out, values[i]);
      if (!out) return nullptr;
      continue;
    }
    const ThreeDigits& a = kThreeDigits[static_cast<size_t>(block.first[i])];
    const ThreeDigits& b = kThreeDigits[static_cast<size_t>(block.second[i])];
    const ThreeDigits& c = kThreeDigits[static_cast<size_t>(block.third[i])];
    const int count = c.count ? 6 + c.count : b.count ? 3 + b.count : a.count;
    const int zeros = block.zeros[i];
    *out = '-';
    char* text = out + (std::bit_cast<uint32_t>(values[i]) >> 31);
    if (zeros >= 0) {
      // "1e-04" is shorter than "0.0001".
      if (zeros == 3 && count == 1) {
        out = write_one(out, values[i]);
        continue;
      }
      std::memcpy(text, "0.000", 5);
      char* at = text + 2 + zeros;
      std::memcpy(at, &a, 4);
      std::memcpy(at + 3, &b, 4);
      std::memcpy(at + 6, &c, 4);
      out = at + count;
    } else {
      // An integer ends in ".0".
      if (count <= -zeros) {
        out = write_one(out, values[i]);
        continue;
      }
      char* at = text + 1;
      std::memcpy(at, &a, 4);
      std::memcpy(at + 3, &b, 4);
      std::memcpy(at + 6, &c, 4);
      text[0] = text[1];
      if (zeros == -2) text[1] = text[2];
      text[-zeros] = '.';
      out = at + count;
    }
    *out++ = ',';
  }
  return out;
}
#endif

char* write_all(char* out, std::span<const float> values) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + kBlock <= values.size(); i += kBlock) {
    out = write_block(out, values.data() + i);
    if (!out) return nullptr;
  }
#endif
  for (; i < values.size(); ++i) {
    out = write_one(out, values[i]);
    if (!out) return nullptr;
  }
  return out;
}

}  // namespace

const WriteFloats kWriteFloats = write_all;

}  // namespace vecton::server::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::server {

WriteFloats write_floats(cpu::Isa isa) { VECTON_PICK_ISA(isa, kWriteFloats); }

}  // namespace vecton::server
#endif
