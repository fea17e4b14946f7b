// Weights of codes as the linear kernels read them: packed as in the file, 2, 4 or 8 bits each.
//
// A panel of `width` columns is [scales][offsets][scale units][offset units][codes]: what is needed
// first comes first, so that one stream of fetches ahead serves all. A 32-bit word
// of a column holds the codes of as many neighbouring k as fit: byte b has those of k = b, 4 + b,
// ... from its low bits on, so that a shift and a mask give four bytes of four neighbouring k, as
// instructions for 8-bit dot products take them. Words lie [k / codes per word][width]; of each
// kind of numbers there is one per group of k (or several groups) and column, [group][width].
// k is padded to a multiple of 16 with codes that no kernel multiplies by anything but 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "tensor/weight.h"

namespace vecton::cpu {

struct PackedMatrix;

struct PackedNumbers {
  tensor::BlockNumbers::Type type = tensor::BlockNumbers::Type::kF32;
  int64_t size = 0;   // of one, in bytes; 0 = there are none
  int64_t every = 1;  // groups that share a number
  int64_t at = 0;     // bytes from the panel's start

  bool exists() const { return size != 0; }
};

struct PackedCodes {
  int bits = 0;          // 2, 4, 8; 0 = no codes
  int64_t group = 0;     // k, a multiple of 16 up to 128, within which all numbers are the same
  int64_t k = 0;         // padded
  int64_t words_at = 0;  // bytes from a panel's start to its codes
  int64_t panel_bytes = 0;
  PackedNumbers scale, offset, scale_unit, offset_unit;
  float factor = 1;

  // What a code stands for: unit * (code - zero), the code itself or what `bytes` has in its place;
  // or a number of `values`, of which those of 8 bits are E4M3.
  int zero = 0;
  float unit = 1;
  bool lookup = false;
  std::array<uint8_t, 16> bytes{};
  std::shared_ptr<const std::array<float, 256>> values;  // always there
  bool whole = true;                                     // not of `values`
  bool e4m3 = false;
  bool integers = false;  // multiplied by integer_kernels.h, whatever the rows
  bool turned = false;    // made of floats for ops::Compute::kInt8: backend/host/int8.h

  bool exists() const { return bits != 0; }
  int64_t codes_per_word() const { return 32 / bits; }
};

// What is fetched while the words of a panel are multiplied, a share for each row of words: what
// follows it in memory at some distance, numbers as well as codes.
struct FetchAhead {
  const std::byte* at;
  int64_t step;  // bytes for each share: a row of words, or what its maker counts by

  FetchAhead(const std::byte* at, int64_t step) : at(at), step(step) {}
  FetchAhead(const PackedCodes& codes, const std::byte* panel, int64_t k) {
    const int64_t kDistance = codes.bits == 8 ? 8192 : 12288;  // measured
    const int64_t rows = codes.k / codes.codes_per_word();
    step = (codes.panel_bytes + rows - 1) / rows;
    at = panel + kDistance + k / codes.codes_per_word() * step;
  }

  void fetch_share() {
    for (int64_t line = 0; line < step; line += 64) __builtin_prefetch(at + line);
    at += step;
  }
};

// May they lie in one matrix?
bool same_form(const tensor::Weight& a, const tensor::Weight& b);

// Throws kUnsupported, naming the weight, for blocks that no kernel reads.
PackedCodes layout_of_codes(const tensor::Weight& weight, int64_t width);

// Fills panel `panel` of a matrix whose memory is there.
void pack_codes(const PackedMatrix& matrix, std::span<const tensor::Weight> parts, int64_t panel);

// Row `id` of the weight that a matrix (not gated) was made of: k numbers.
void unpack_codes(const PackedMatrix& matrix, int64_t id, float* out);

}  // namespace vecton::cpu
