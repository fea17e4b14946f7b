#include "ops/packed.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace vecton::bench {

namespace {

using Kind = tensor::Codes::Kind;
using Type = tensor::BlockNumbers::Type;

struct Form {
  const char* name;
  Kind kind;
  int bits, zero_point;
  int64_t block;
  Type scale;
  std::optional<Type> offset, unit;
};

// After the checkpoints that have them.
constexpr Form kForms[] = {
    {"mlx8", Kind::kUint, 8, 0, 64, Type::kBF16, Type::kBF16, {}},
    {"mlx4", Kind::kUint, 4, 0, 64, Type::kBF16, Type::kBF16, {}},
    {"mlx2", Kind::kUint, 2, 0, 64, Type::kBF16, Type::kBF16, {}},
    {"q8_0", Kind::kUint, 8, 128, 32, Type::kF16, {}, {}},
    {"q4_0", Kind::kUint, 4, 8, 32, Type::kF16, {}, {}},
    {"q4_k", Kind::kUint, 4, 0, 32, Type::kU8, Type::kU8, Type::kF16},
    {"q6_k", Kind::kUint, 6, 32, 16, Type::kI8, {}, Type::kF16},
    {"mxfp4", Kind::kFp4E2M1, 0, 0, 32, Type::kE8M0, {}, {}},
    {"nvfp4", Kind::kFp4E2M1, 0, 0, 16, Type::kE4M3, {}, {}},
    {"mxfp8", Kind::kFp8E4M3, 0, 0, 32, Type::kE8M0, {}, {}},
    {"fp8", Kind::kFp8E4M3, 0, 0, 128, Type::kF32, {}, {}},
};

const Form* form_named(const std::string& name) {
  const auto* const form =
      std::ranges::find_if(kForms, [&](const Form& f) { return f.name == name; });
  return form == std::end(kForms) ? nullptr : form;
}

// About 2^-9.
std::vector<std::byte> pattern_of(Type type) {
  switch (type) {
    case Type::kF32:
      return {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0x3b}};
    case Type::kF16:
      return {std::byte{0}, std::byte{0x18}};
    case Type::kBF16:
      return {std::byte{0}, std::byte{0x3b}};
    case Type::kE8M0:
      return {std::byte{118}};
    default:
      return {std::byte{1}};
  }
}

}  // namespace

std::string packed_names() {
  std::string names;
  for (const Form& form : kForms) names += (names.empty() ? "" : ", ") + std::string(form.name);
  return names;
}

bool is_packed(const std::string& name) { return form_named(name) != nullptr; }

tensor::Weight packed_weight(const std::string& name, int64_t n, int64_t k) {
  const Form& form = *form_named(name);
  using Bytes = std::vector<std::byte>;
  auto kept = std::make_shared<std::vector<Bytes>>();
  kept->reserve(5);
  tensor::Weight weight;
  weight.name = name;
  weight.rows = n;
  weight.columns = k;
  weight.codes.kind = form.kind;
  weight.codes.bits = form.bits;
  weight.codes.zero_point = form.zero_point;
  Bytes& codes = kept->emplace_back(static_cast<size_t>(n * weight.row_bytes()));
  std::mt19937 random(1);
  for (std::byte& byte : codes) byte = static_cast<std::byte>(random() >> 9 & 0x77);
  weight.codes.bytes = codes;
  const auto numbers = [&](std::optional<Type> type, int64_t block) {
    tensor::BlockNumbers made;
    if (!type) return made;
    made.type = *type;
    made.block_columns = block;
    const Bytes pattern = pattern_of(*type);
    Bytes& bytes = kept->emplace_back();
    for (int64_t i = 0; i < n * ((k + block - 1) / block); ++i)
      bytes.insert(bytes.end(), pattern.begin(), pattern.end());
    made.bytes = bytes;
    return made;
  };
  weight.scale = numbers(form.scale, form.block);
  weight.offset = numbers(form.offset, form.block);
  weight.scale_unit = numbers(form.unit, 256);
  if (form.offset) weight.offset_unit = numbers(form.unit, 256);
  weight.keep = kept;
  return weight;
}

int64_t bytes_of(const tensor::Weight& weight) {
  return static_cast<int64_t>(weight.codes.bytes.size() + weight.scale.bytes.size() +
                              weight.offset.bytes.size() + weight.scale_unit.bytes.size() +
                              weight.offset_unit.bytes.size());
}

}  // namespace vecton::bench
