// The types that GGUF files give their tensors: blocks of numbers, so many bytes each.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vecton::gguf {

// With the numbers of the file.
enum class TensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kIQ4_XS = 23,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
};

struct TypeLayout {
  TensorType type = TensorType::kF32;
  std::string_view name;
  int64_t block = 1;  // numbers
  int64_t bytes = 4;  // of a block
};

// Null where the type is none of those above.
const TypeLayout* find_type(uint32_t number);
const TypeLayout& layout_of(TensorType type);

// What a type is called that is not read here, "type 99" where nobody knows.
std::string type_name(uint32_t number);
// "F32, F16, Q4_0, ..."
std::string type_names();

}  // namespace vecton::gguf
