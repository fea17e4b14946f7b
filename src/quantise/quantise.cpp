#include "quantise/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cpu/isa.h"
#include "base/small_floats.h"
#include "quantise/kernels.h"
#include "quantise/pack.h"
#include "vecton/error.h"

namespace vecton::quantise {

namespace {

const Kernels& best() {
  static const Kernels& chosen = kernels(cpu::supported_isas().back());
  return chosen;
}

// Groups that are done at a time stay in the first-level cache.
constexpr int64_t kBlock = 2048;

// The least power of two that is not below `value`, as exponent + 127; 127 for 0.
uint8_t e8m0_above(float value) {
  if (value == 0) return 127;
  int exponent = 0;
  const float fraction = std::frexp(value, &exponent);  // value = fraction * 2^exponent
  return static_cast<uint8_t>((fraction == 0.5f ? exponent - 1 : exponent) + 127);
}

void affine(const Scheme& scheme, tensor::DType dtype, std::span<const float> values,
            const Parts& out, const std::string& tensor) {
  uint8_t codes[kBlock];
  float scales[kBlock / 32], offsets[kBlock / 32];
  const int64_t width = size_of(dtype), total = static_cast<int64_t>(values.size());
  for (int64_t begin = 0; begin < total; begin += kBlock) {
    const int64_t count = std::min(kBlock, total - begin), groups = count / scheme.group,
                  first = begin / scheme.group;
    best().affine(values.data() + begin, groups, scheme.group, scheme.bits, codes, scales, offsets);
    pack_codes(codes, count, scheme.bits, out.codes + scheme.code_bytes(begin));
    const auto store = [&](const float* numbers, std::byte* to) {
      narrow(dtype, {numbers, static_cast<size_t>(groups)},
             {to + first * width, static_cast<size_t>(groups * width)}, tensor);
    };
    store(scales, out.scales);
    store(offsets, out.offsets);
  }
}

// The microscaling modes: a scale of one byte per group.
void scaled(const Scheme& scheme, tensor::DType dtype, std::span<const float> values,
            const Parts& out) {
  const Kernels& kernels = best();
  const bool eight = scheme.mode == Mode::kMxfp8, nvidia = scheme.mode == Mode::kNvfp4;
  const float largest_code = eight ? 448.0f : 6.0f;
  uint8_t codes[kBlock];
  float scales[kBlock / 16] = {};
  uint8_t stored[kBlock / 16];
  std::byte rounded[kBlock / 16 * sizeof(float)];
  const int64_t total = static_cast<int64_t>(values.size());
  for (int64_t begin = 0; begin < total; begin += kBlock) {
    const int64_t count = std::min(kBlock, total - begin), groups = count / scheme.group;
    kernels.largest(values.data() + begin, groups, scheme.group, scales);
    for (int64_t g = 0; g < groups; ++g) scales[g] /= largest_code;
    kernels.narrow(dtype, scales, groups, rounded);
    kernels.widen(dtype, rounded, groups, scales);
    if (nvidia) {
      const float one = 1;
      kernels.e4m3(scales, 1, kBlock / 16, &one, stored);
      for (int64_t g = 0; g < groups; ++g) scales[g] = base::e4m3_to_float(stored[g]);
    } else {
      for (int64_t g = 0; g < groups; ++g) {
        stored[g] = e8m0_above(scales[g]);
        scales[g] = base::e8m0_to_float(stored[g]);
      }
    }
    (eight ? kernels.e4m3 : kernels.e2m1)(values.data() + begin, groups, scheme.group, scales,
                                          codes);
    pack_codes(codes, count, scheme.bits, out.codes + scheme.code_bytes(begin));
    std::memcpy(out.scales + begin / scheme.group, stored, static_cast<size_t>(groups));
  }
}

}  // namespace

void widen(tensor::DType from, std::span<const std::byte> stored, std::span<float> out) {
  best().widen(from, stored.data(), static_cast<int64_t>(out.size()), out.data());
}

void narrow(tensor::DType to, std::span<const float> values, std::span<std::byte> out,
            const std::string& tensor) {
  if (best().narrow(to, values.data(), static_cast<int64_t>(values.size()), out.data())) return;
  throw Error(ErrorCode::kInvalidArgument,
              tensor + ": has numbers that " + std::string(to_string(to)) +
                  " can't hold: use --dtype " +
                  (to == tensor::DType::kF16 ? "bfloat16 or float32" : "float32"),
              "dtype");
}

void quantise(const Scheme& scheme, tensor::DType dtype, std::span<float> values, const Parts& out,
              const std::string& tensor) {
  if (dtype != tensor::DType::kF32) {
    std::byte rounded[kBlock * 2];
    for (size_t at = 0; at < values.size(); at += kBlock) {
      const auto block = values.subspan(at, std::min<size_t>(kBlock, values.size() - at));
      narrow(dtype, block, {rounded, block.size() * 2}, tensor);
      widen(dtype, {rounded, block.size() * 2}, block);
    }
  }
  if (!best().all_finite(values.data(), static_cast<int64_t>(values.size())))
    throw Error(ErrorCode::kInvalidArgument,
                tensor + ": has numbers that are not finite, which can't be quantised");
  if (scheme.affine())
    affine(scheme, dtype, values, out, tensor);
  else
    scaled(scheme, dtype, values, out);
}

}  // namespace vecton::quantise
