#include "backend/cpu/pack.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/half.h"
#include "vecton/error.h"

namespace vecton::cpu {

namespace {

constexpr int64_t kTaskBytes = 256 << 10;
constexpr int64_t kMaxWidth = 64;
constexpr int64_t kBlock = 32;  // k packed at once: 32 short pieces of rows, one piece of a panel

// One row of a stored matrix; null = padding.
struct Source {
  const std::byte* row = nullptr;
  DType dtype = DType::kF32;
};

// The row of the checkpoint that output column `i` of the stack comes from.
Source stacked_row(std::span<const Weight> parts, int64_t i) {
  for (const Weight& part : parts) {
    if (i < part.rows) {
      return {part.bytes.data() + i * part.columns * size_of(part.dtype), part.dtype};
    }
    i -= part.rows;
  }
  return {};
}

float read(const Source& source, int64_t k) {
  if (source.dtype == DType::kF32) {
    float value;
    std::memcpy(&value, source.row + k * 4, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, source.row + k * 2, sizeof bits);
  return source.dtype == DType::kF16 ? f16_to_float(bits) : bf16_to_float(bits);
}

// Writes rows[j][k] to panel[k][place[j]].
template <typename T, typename Read>
void transpose(const Source* rows, const int64_t* place, int64_t width, int64_t k, T* panel,
               const Read& read_value) {
  for (int64_t first = 0; first < k; first += kBlock) {
    const int64_t last = std::min(k, first + kBlock);
    for (int64_t j = 0; j < width; ++j) {
      T* out = panel + first * width + place[j];
      for (int64_t i = first; i < last; ++i, out += width) {
        *out = rows[j].row ? read_value(rows[j], i) : T{0};
      }
    }
  }
}

void pack_panel(const PackedMatrix& matrix, std::span<const Weight> parts, int64_t panel,
                bool widen) {
  Source rows[kMaxWidth];
  int64_t place[kMaxWidth];
  const int64_t width = matrix.width, lanes = width / 2, outputs = matrix.outputs();
  for (int64_t j = 0; j < width; ++j) {
    const int64_t column = panel * outputs + j % outputs;
    if (column >= matrix.n) {
      rows[j] = {};
    } else if (matrix.gated) {
      rows[j] = stacked_row(parts.subspan(j / lanes, 1), column);
    } else {
      rows[j] = stacked_row(parts, column);
    }
    place[j] = matrix.dtype == DType::kBF16 ? j % lanes * 2 + j / lanes : j;
  }
  std::byte* out = matrix.data.get() + panel * matrix.panel_bytes();
  if (widen) {
    transpose(rows, place, width, matrix.k, reinterpret_cast<float*>(out), read);
  } else if (matrix.dtype == DType::kF32) {
    transpose(rows, place, width, matrix.k, reinterpret_cast<uint32_t*>(out),
              [](const Source& source, int64_t k) {
                uint32_t bits;
                std::memcpy(&bits, source.row + k * 4, sizeof bits);
                return bits;
              });
  } else {
    transpose(rows, place, width, matrix.k, reinterpret_cast<uint16_t*>(out),
              [](const Source& source, int64_t k) {
                uint16_t bits;
                std::memcpy(&bits, source.row + k * 2, sizeof bits);
                return bits;
              });
  }
}

}  // namespace

void check_float(const Weight& weight) {
  if (is_float(weight.dtype)) return;
  throw Error(ErrorCode::kUnsupported, weight.name + ": a weight matrix of " +
                                           std::string(to_string(weight.dtype)) +
                                           "; float32, float16 and bfloat16 are served");
}

std::shared_ptr<PackedMatrix> pack(ThreadPool& pool, PanelMemory& memory,
                                   std::span<const Weight> parts, bool gated, int64_t lanes) {
  auto matrix = std::make_shared<PackedMatrix>();
  matrix->k = parts.front().columns;
  matrix->dtype = parts.front().dtype;
  matrix->gated = gated;
  matrix->width = 2 * lanes;
  bool widen = false;
  for (const Weight& part : parts) {
    check_float(part);
    matrix->n += part.rows;
    widen |= part.dtype != matrix->dtype;
  }
  if (gated) matrix->n = parts.front().rows;
  if (widen) matrix->dtype = DType::kF32;
  matrix->panels = (matrix->n + matrix->outputs() - 1) / matrix->outputs();
  matrix->bytes = matrix->panels * matrix->panel_bytes();
  matrix->data = memory.allocate(static_cast<size_t>(matrix->bytes));

  const int64_t chunk =
      std::max<int64_t>(1, kTaskBytes / std::max<int64_t>(1, matrix->panel_bytes()));
  pool.parallel_for((matrix->panels + chunk - 1) / chunk, [&](int64_t i) {
    for (int64_t p = i * chunk; p < std::min(matrix->panels, (i + 1) * chunk); ++p) {
      pack_panel(*matrix, parts, p, widen);
    }
  });
  for (const Weight& part : parts) part.release();
  return matrix;
}

}  // namespace vecton::cpu
