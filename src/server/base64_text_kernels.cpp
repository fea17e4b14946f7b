// See base64_text.h. Three bytes make a lane of 32 bits, whose four groups of six bits are moved to
// a byte each; which character one is follows from the ranges that it lies above.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "server/base64_text_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cstdint>

#include "server/base64_text.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::server::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR
size_t write_base64_impl(char*, std::string_view) { return 0; }
#else
namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::CappedTag<uint8_t, 32>;
using Digits = hn::RebindToSigned<Bytes>;
using Lanes = hn::RepartitionToWide<hn::RepartitionToWide<Bytes> >;
constexpr Bytes kBytes;
constexpr Digits kDigits;
constexpr Lanes kLanes;

// Big-endian lanes of the bytes 0 to 2, 3 to 5, ...; their highest bytes are shifted out.
alignas(16) constexpr uint8_t kOrder[16] = {2, 1, 0, 0, 5, 4, 3, 3, 8, 7, 6, 6, 11, 10, 9, 9};

// `step` where a digit is above `last`.
hn::Vec<Digits> above(hn::Vec<Digits> digit, int8_t last, int8_t step) {
  return hn::And(hn::VecFromMask(kDigits, hn::Gt(digit, hn::Set(kDigits, last))),
                 hn::Set(kDigits, step));
}

// 12 bytes to each block of 16 characters, and four that are not looked at.
template <class D>
hn::Vec<D> read(D d, const uint8_t* from) {
  if constexpr (hn::MaxLanes(d) == 32) {
    const hn::Half<D> half;
    return hn::Combine(d, hn::LoadU(half, from + 12), hn::LoadU(half, from));
  } else {
    return hn::LoadU(d, from);
  }
}

size_t write_base64_impl(char* out, std::string_view bytes) {
  const auto order = hn::LoadDup128(kBytes, kOrder);
  const auto first = hn::Set(kLanes, 0x3F), second = hn::Set(kLanes, 0x3F00),
             third = hn::Set(kLanes, 0x3F0000), fourth = hn::Set(kLanes, 0x3F000000);
  constexpr size_t kOut = hn::MaxLanes(kBytes), kIn = kOut / 4 * 3, kReads = kIn + 4;
  size_t at = 0;
  for (; at + kReads <= bytes.size(); at += kIn, out += kOut) {
    const auto bits = read(kBytes, reinterpret_cast<const uint8_t*>(bytes.data() + at));
    const auto group = hn::BitCast(kLanes, hn::TableLookupBytes(bits, order));
    const auto digits = hn::Or(hn::Or(hn::And(hn::ShiftRight<18>(group), first),
                                      hn::And(hn::ShiftRight<4>(group), second)),
                               hn::Or(hn::And(hn::ShiftLeft<10>(group), third),
                                      hn::And(hn::ShiftLeft<24>(group), fourth)));
    const auto digit = hn::BitCast(kDigits, digits);
    // A to Z, a to z, 0 to 9, +, /.
    const auto distance = hn::Add(
        hn::Add(hn::Set(kDigits, 'A'), above(digit, 25, 'a' - 'A' - 26)),
        hn::Add(above(digit, 51, '0' - 'a' - 26),
                hn::Add(above(digit, 61, '+' - '0' - 10), above(digit, 62, '/' - '+' - 1))));
    hn::StoreU(hn::BitCast(kBytes, hn::Add(digit, distance)), kBytes,
               reinterpret_cast<uint8_t*>(out));
  }
  return at;
}
#endif

constexpr WriteBase64 kWriteBase64 = write_base64_impl;

}  // namespace
}  // namespace vecton::server::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::server {
WriteBase64 write_base64(cpu::Isa isa) { VECTON_PICK_ISA(isa, kWriteBase64); }
}  // namespace vecton::server
#endif
