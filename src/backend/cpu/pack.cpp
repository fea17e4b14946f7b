#include "backend/cpu/pack.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/half.h"

namespace vecton::cpu {

namespace {

constexpr int64_t kTaskBytes = 256 << 10;
constexpr int64_t kMaxWidth = 64;
constexpr int64_t kBlock = 32;  // k packed at once: 32 short pieces of rows, one piece of a panel

// A row of the checkpoint; the padding has rows of zeros, with a step of 0.
struct Row {
  const std::byte* at = nullptr;
  int64_t step = 0;  // bytes from one number to the next
  tensor::DType dtype = tensor::DType::kF32;
};

constexpr std::byte kZeros[4] = {};

// The row that output column `i` of the stack comes from.
Row stacked_row(std::span<const tensor::Weight> parts, int64_t i) {
  for (const tensor::Weight& part : parts) {
    const int64_t size = tensor::size_of(part.codes.dtype);
    if (i < part.rows)
      return {part.codes.bytes.data() + i * part.columns * size, size, part.codes.dtype};
    i -= part.rows;
  }
  return {kZeros, 0, tensor::DType::kF32};
}

// The bytes of a file have no alignment.
template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float widen(const Row& row, int64_t k) {
  const std::byte* at = row.at + k * row.step;
  switch (row.dtype) {
    case tensor::DType::kF16:
      return base::f16_to_float(load<uint16_t>(at));
    case tensor::DType::kBF16:
      return base::bf16_to_float(load<uint16_t>(at));
    default:
      return load<float>(at);
  }
}

// Fills a panel of `words` 32-bit words per k from word(j, k).
template <typename Word>
void fill(std::byte* panel, int64_t words, int64_t k, const Word& word) {
  auto* out = reinterpret_cast<uint32_t*>(panel);
  for (int64_t first = 0; first < k; first += kBlock) {
    const int64_t last = std::min(k, first + kBlock);
    for (int64_t j = 0; j < words; ++j) {
      for (int64_t i = first; i < last; ++i) out[i * words + j] = word(j, i);
    }
  }
}

void pack_panel(const PackedMatrix& matrix, std::span<const tensor::Weight> parts, int64_t panel) {
  Row rows[kMaxWidth];  // in the order of the panel's columns
  const int64_t width = matrix.width, lanes = width / 2, outputs = matrix.outputs();
  for (int64_t j = 0; j < width; ++j) {
    const int64_t place = matrix.dtype == tensor::DType::kBF16 ? j % lanes * 2 + j / lanes : j;
    const int64_t column = panel * outputs + j % outputs;
    if (column >= matrix.n) {
      rows[place] = stacked_row({}, 0);
    } else {
      rows[place] = stacked_row(matrix.gated ? parts.subspan(j / lanes, 1) : parts, column);
    }
  }
  std::byte* out = matrix.data.get() + panel * matrix.panel_bytes();
  if (matrix.dtype == tensor::DType::kF32) {
    fill(out, width, matrix.k,
         [&](int64_t j, int64_t k) { return std::bit_cast<uint32_t>(widen(rows[j], k)); });
  } else {
    fill(out, lanes, matrix.k, [&](int64_t j, int64_t k) {
      const Row &low = rows[2 * j], &high = rows[2 * j + 1];
      return uint32_t{load<uint16_t>(low.at + k * low.step)} |
             uint32_t{load<uint16_t>(high.at + k * high.step)} << 16;
    });
  }
}

}  // namespace

std::shared_ptr<PackedMatrix> pack(base::ThreadPool& pool, PanelMemory& memory,
                                   std::span<const tensor::Weight> parts, bool gated,
                                   int64_t lanes) {
  auto matrix = std::make_shared<PackedMatrix>();
  matrix->k = parts.front().columns;
  matrix->dtype = parts.front().codes.dtype;
  matrix->gated = gated;
  matrix->width = 2 * lanes;
  bool mixed = false;
  for (const tensor::Weight& part : parts) {
    matrix->n += part.rows;
    mixed |= part.codes.dtype != matrix->dtype;
  }
  if (gated) matrix->n = parts.front().rows;
  if (mixed) matrix->dtype = tensor::DType::kF32;
  if (!parts.front().is_dense()) matrix->codes = layout_of_codes(parts.front(), matrix->width);
  matrix->panels = (matrix->n + matrix->outputs() - 1) / matrix->outputs();
  matrix->bytes = matrix->panels * matrix->panel_bytes();
  matrix->data = memory.allocate(static_cast<size_t>(matrix->bytes));

  const int64_t chunk =
      std::max<int64_t>(1, kTaskBytes / std::max<int64_t>(1, matrix->panel_bytes()));
  pool.parallel_for((matrix->panels + chunk - 1) / chunk, [&](int64_t i) {
    for (int64_t p = i * chunk; p < std::min(matrix->panels, (i + 1) * chunk); ++p) {
      if (matrix->codes.exists()) {
        pack_codes(*matrix, parts, p);
      } else {
        pack_panel(*matrix, parts, p);
      }
    }
  });
  for (const tensor::Weight& part : parts) part.release();
  return matrix;
}

}  // namespace vecton::cpu
