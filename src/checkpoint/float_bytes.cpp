#include "checkpoint/float_bytes.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

template <typename T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// Calls f(i, value) for every number of `bytes`.
template <typename F>
void for_each_float(tensor::DType from, std::span<const std::byte> bytes, F f) {
  const size_t width = static_cast<size_t>(tensor::size_of(from)), count = bytes.size() / width;
  const std::byte* at = bytes.data();
  if (from == tensor::DType::kF32) {
    for (size_t i = 0; i < count; ++i) f(i, load<float>(at + i * width));
  } else if (from == tensor::DType::kF16) {
    for (size_t i = 0; i < count; ++i) f(i, base::f16_to_float(load<uint16_t>(at + i * width)));
  } else {
    for (size_t i = 0; i < count; ++i) f(i, base::bf16_to_float(load<uint16_t>(at + i * width)));
  }
}

}  // namespace

std::vector<float> read_floats(tensor::DType from, std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / static_cast<size_t>(tensor::size_of(from)));
  for_each_float(from, bytes, [&](size_t i, float value) { values[i] = value; });
  return values;
}

std::vector<std::byte> convert_floats(tensor::DType from, tensor::DType to,
                                      std::span<const std::byte> bytes, const std::string& tensor) {
  if (from == to) return {bytes.begin(), bytes.end()};
  const size_t width = static_cast<size_t>(tensor::size_of(to));
  std::vector<std::byte> result(bytes.size() / static_cast<size_t>(tensor::size_of(from)) * width);
  const auto store = [&](size_t i, auto value) {
    std::memcpy(&result[i * sizeof value], &value, sizeof value);
  };
  if (to == tensor::DType::kF32) {
    for_each_float(from, bytes, [&](size_t i, float value) { store(i, value); });
  } else if (to == tensor::DType::kBF16) {
    for_each_float(from, bytes,
                   [&](size_t i, float value) { store(i, base::float_to_bf16(value)); });
  } else {
    bool overflow = false;
    for_each_float(from, bytes, [&](size_t i, float value) {
      const uint16_t half = base::float_to_f16(value);
      overflow |= (half & 0x7fffu) == 0x7c00u && std::isfinite(value);
      store(i, half);
    });
    if (overflow) {
      throw Error(ErrorCode::kInvalidArgument,
                  tensor + ": has numbers that float16 can't hold: use dtype bfloat16 or float32",
                  "dtype");
    }
  }
  return result;
}

}  // namespace vecton::checkpoint
