// What a Weight means, number by number: the formula of tensor/weight.h, with its roundings.
// Backends prepare from it, and gather rows of packed tables with it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tensor/weight.h"

namespace vecton::host {

// Throws where the bytes are fewer than the shape needs (kCorrupt), or the form is one that no
// backend on the host reads (kUnsupported).
void check_weight(const tensor::Weight& weight);

// Number `i` of what is stored, as float32.
float stored_number(const tensor::BlockNumbers& numbers, int64_t i);

// The number of the block of element [row, column]; 1 where there is none.
float block_number(const tensor::Weight& weight, const tensor::BlockNumbers& numbers, int64_t row,
                   int64_t column);

// What of a code stands for which number: up to 256 values of codes of up to 8 bits.
std::array<float, 256> code_values(const tensor::Codes& codes);

// Codes [begin, begin + out.size()) of a row, as they are stored. Not of floats.
void read_codes(const tensor::Weight& weight, int64_t row, int64_t begin, std::span<uint8_t> out);

// The row's numbers [0, columns).
void dequantise_row(const tensor::Weight& weight, int64_t row, float* out);
// As those of `dtype` (float32, bfloat16, float16) that are nearest. Throws (kUnsupported) where it
// has none so large.
void rounded_row(const tensor::Weight& weight, int64_t row, tensor::DType dtype, float* out);

}  // namespace vecton::host
