// The instructions of AMX that the kernels use: matrices in eight registers of up to 16 rows of 64
// bytes, "tiles". x86-64 alone.
//
// Called by int8_kernels.cpp and linear_kernels.cpp where isa.h says that the machine has them. As
// instructions: no compiler option is asked for, and no compiler knows of the registers. A tile of
// A has rows of x, one of B words of a panel as they lie there (a row for each four bytes of a row
// of A), one of C sums of 32 bits. Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 1 chapter 18, and volume 2.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vecton::cpu {

class Amx {
 public:
  // Tiles: sums of the first rows of A with the left and the right B, of other rows, or of the same
  // with another B.
  static constexpr int kLeftSums = 0, kRightSums = 1, kOtherLeftSums = 2, kOtherRightSums = 3;
  static constexpr int kRows = 4, kOtherRows = 5, kLeft = 6, kRight = 7;
  static constexpr int64_t kRowBytes = 64, kMostRows = 16;

  // Of A `rows` and `other_rows` rows (16 at most, or none) of `row_bytes` (a multiple of 4, 64 at
  // most), and what goes with them. Tiles lose what they hold where that changes.
  static void configure(int rows, int other_rows, int64_t row_bytes) {
    const auto shape =
        static_cast<uint32_t>(rows << 16 | other_rows << 8) | static_cast<uint32_t>(row_bytes);
    if (shape_ == shape) return;
    shape_ = shape;
    alignas(64) uint8_t layout[64] = {};
    layout[0] = 1;  // the palette
    const auto set = [&](int tile, int64_t tile_rows, int64_t bytes) {
      if (tile_rows == 0) return;
      layout[16 + 2 * tile] = static_cast<uint8_t>(bytes);
      layout[48 + tile] = static_cast<uint8_t>(tile_rows);
    };
    set(kLeftSums, rows, kRowBytes);
    set(kRightSums, rows, kRowBytes);
    set(kOtherLeftSums, other_rows, kRowBytes);
    set(kOtherRightSums, other_rows, kRowBytes);
    set(kRows, rows, row_bytes);
    set(kOtherRows, other_rows, row_bytes);
    set(kLeft, row_bytes / 4, kRowBytes);
    set(kRight, row_bytes / 4, kRowBytes);
    asm volatile("ldtilecfg (%0)" : : "r"(layout) : "memory");
  }

  // Registers that hold something are saved at every change of threads.
  static void release() {
    if (shape_ == 0) return;
    shape_ = 0;
    asm volatile("tilerelease");
  }

  template <int kTile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }

  // Rows `stride` bytes apart.
  template <int kTile>
  static void load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%1,%2,1), %%tmm%c0" : : "i"(kTile), "r"(from), "r"(stride) : "memory");
  }
  template <int kTile>
  static void store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c0, (%1,%2,1)" : : "i"(kTile), "r"(to), "r"(stride) : "memory");
  }

  // Sums of products of signed bytes of A with unsigned ones of B, exact.
  template <int kSums, int kA, int kB>
  static void add_bytes() {
    asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kA), "i"(kB));
  }
  // Of bfloat16: the even and the odd k of a row of A are added up by themselves, from 0, and then
  // to C. What is subnormal is taken for 0.
  template <int kSums, int kA, int kB>
  static void add_bfloat16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kA), "i"(kB));
  }

 private:
  static inline thread_local uint32_t shape_ = 0;  // 0: released
};

}  // namespace vecton::cpu
