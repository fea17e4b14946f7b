// Late interaction in register blocks: two vectors of query rows, one to a lane, against a block of
// document rows that are read in place and broadcast.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/max_sim_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "backend/cpu/blocks-inl.h"
#include "backend/cpu/max_sim_kernels.h"
#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {
namespace {

constexpr F32 kFloats;
constexpr int64_t kLanes = HWY_LANES(float);
constexpr int64_t kWidth = 2 * kLanes;

// Query rows come in groups of two vectors, [group][column][lane]; the last may be of one.
constexpr int64_t lanes_of(int64_t left) { return left > kLanes ? kWidth : kLanes; }

void pack(const float* q, int64_t stride, int64_t m, int64_t n, float* packed) {
  for (int64_t row = 0; row < m; row += kWidth) {
    const int64_t lanes = lanes_of(m - row);
    for (int64_t c = 0; c < n; ++c) {
      for (int64_t lane = 0; lane < lanes; ++lane)
        *packed++ = row + lane < m ? q[(row + lane) * stride + c] : 0.0f;
    }
  }
}

// What follows the block: a line per column is fetched from there.
struct Ahead {
  const char* from;
  int64_t step;
};

// The products of kRows rows of d with one group of query rows, and the larger of them and
// `maxima`.
template <int kRows, int kVectors>
HWY_NOINLINE void add_rows(const float* packed, int64_t n, const float* d, int64_t stride,
                           Ahead ahead, float* maxima) {
  VF sums[kRows][kVectors];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(kFloats);
  }
  // Every third row has a pointer of its own; the two after it are reached by the stride.
  constexpr int kPointers = (kRows + 2) / 3;
  const float* x[kPointers];
  HWY_UNROLL(8)
  for (int i = 0; i < kPointers; ++i) x[i] = d + 3 * i * stride;
  for (int64_t c = 0; c < n; ++c, packed += kVectors * kLanes) {
    __builtin_prefetch(ahead.from, 0, 3);
    ahead.from += ahead.step;
    VF q[kVectors];
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) q[v] = hn::Load(kFloats, packed + v * kLanes);
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const VF value = hn::Set(kFloats, x[r / 3][r % 3 * stride]);
      HWY_UNROLL(2)
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(q[v], value, sums[r][v]);
    }
    HWY_UNROLL(8)
    for (int i = 0; i < kPointers; ++i) ++x[i];
  }
  // As in a heap, each row into the one above it: one long chain would keep the next block waiting.
  if constexpr (kRows > 1) {
    HWY_UNROLL(16)
    for (int r = kRows - 1; r > 0; --r) {
      HWY_UNROLL(2)
      for (int v = 0; v < kVectors; ++v)
        sums[(r - 1) / 2][v] = larger(sums[(r - 1) / 2][v], sums[r][v]);
    }
  }
  HWY_UNROLL(2)
  for (int v = 0; v < kVectors; ++v) {
    const VF maximum = hn::Load(kFloats, maxima + v * kLanes);
    hn::Store(larger(maximum, sums[0][v]), kFloats, maxima + v * kLanes);
  }
}

float max_sim(const float* packed, int64_t m, int64_t n, const float* d, int64_t stride,
              int64_t rows, float* maxima) {
  std::fill_n(maxima, (m + kLanes - 1) / kLanes * kLanes, -std::numeric_limits<float>::infinity());
  for (int64_t row = 0, count; row < rows; row += count, d += count * stride) {
    count = next_block(rows - row, kBlock);
    const auto bytes = count * stride * static_cast<int64_t>(sizeof(float));
    const float* group = packed;
    for (int64_t lane = 0; lane < m; lane += kWidth) {
      // The first group fetches for all.
      const Ahead ahead = {reinterpret_cast<const char*>(d) + (lane == 0 ? bytes : 0),
                           lane == 0 ? (bytes + n - 1) / std::max<int64_t>(1, n) : 0};
      with_constant<kBlock>(count, [&]<int kRows>() HWY_ATTR {
        if (lanes_of(m - lane) == kWidth) {
          add_rows<kRows, 2>(group, n, d, stride, ahead, maxima + lane);
        } else {
          add_rows<kRows, 1>(group, n, d, stride, ahead, maxima + lane);
        }
      });
      group += n * lanes_of(m - lane);
    }
  }
  double sum = 0;
  for (int64_t lane = 0; lane < m; ++lane) sum += maxima[lane];
  return static_cast<float>(sum);
}

}  // namespace

const MaxSimKernels kMaxSimKernels = {kLanes, pack, max_sim};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::cpu {

const MaxSimKernels& max_sim_kernels(Isa isa) { VECTON_PICK_ISA(isa, kMaxSimKernels); }

}  // namespace vecton::cpu
#endif
