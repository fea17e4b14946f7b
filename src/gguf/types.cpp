#include "gguf/types.h"

#include <algorithm>

namespace vecton::gguf {

namespace {

constexpr TypeLayout kTypes[] = {
    {TensorType::kF32, "F32", 1, 4},           {TensorType::kF16, "F16", 1, 2},
    {TensorType::kBF16, "BF16", 1, 2},         {TensorType::kQ4_0, "Q4_0", 32, 18},
    {TensorType::kQ4_1, "Q4_1", 32, 20},       {TensorType::kQ5_0, "Q5_0", 32, 22},
    {TensorType::kQ5_1, "Q5_1", 32, 24},       {TensorType::kQ8_0, "Q8_0", 32, 34},
    {TensorType::kQ2_K, "Q2_K", 256, 84},      {TensorType::kQ3_K, "Q3_K", 256, 110},
    {TensorType::kQ4_K, "Q4_K", 256, 144},     {TensorType::kQ5_K, "Q5_K", 256, 176},
    {TensorType::kQ6_K, "Q6_K", 256, 210},     {TensorType::kIQ4_NL, "IQ4_NL", 32, 18},
    {TensorType::kIQ4_XS, "IQ4_XS", 256, 136}, {TensorType::kMXFP4, "MXFP4", 32, 17},
    {TensorType::kTQ1_0, "TQ1_0", 256, 54},    {TensorType::kTQ2_0, "TQ2_0", 256, 66},
};

struct OtherType {
  uint32_t number;
  std::string_view name;
};
constexpr OtherType kOthers[] = {
    {4, "Q4_2"},    {5, "Q4_3"},      {9, "Q8_1"},      {15, "Q8_K"},     {16, "IQ2_XXS"},
    {17, "IQ2_XS"}, {18, "IQ3_XXS"},  {19, "IQ1_S"},    {21, "IQ3_S"},    {22, "IQ2_S"},
    {24, "I8"},     {25, "I16"},      {26, "I32"},      {27, "I64"},      {28, "F64"},
    {29, "IQ1_M"},  {31, "Q4_0_4_4"}, {32, "Q4_0_4_8"}, {33, "Q4_0_8_8"}, {40, "NVFP4"},
};

}  // namespace

const TypeLayout* find_type(uint32_t number) {
  const auto* found = std::ranges::find(
      kTypes, number, [](const TypeLayout& layout) { return static_cast<uint32_t>(layout.type); });
  return found == std::end(kTypes) ? nullptr : found;
}

const TypeLayout& layout_of(TensorType type) {
  return *std::ranges::find(kTypes, type, &TypeLayout::type);
}

std::string type_name(uint32_t number) {
  if (const TypeLayout* known = find_type(number)) return std::string(known->name);
  const auto* other = std::ranges::find(kOthers, number, &OtherType::number);
  return other == std::end(kOthers) ? "type " + std::to_string(number) : std::string(other->name);
}

std::string type_names() {
  std::string names;
  for (const TypeLayout& layout : kTypes)
    names += (names.empty() ? "" : ", ") + std::string(layout.name);
  return names;
}

}  // namespace vecton::gguf
