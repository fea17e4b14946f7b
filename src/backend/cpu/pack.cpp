#include "backend/cpu/pack.h"

#include <algorithm>
#include <bit>

#include "backend/host/int8.h"
#include "backend/host/stored_float.h"
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

using host::load;

float widen(const Row& row, int64_t k) {
  return host::stored_float(row.dtype, row.at + k * row.step);
}

// The number as bfloat16; the one after the last is 0.
uint32_t rounded(const Row& row, int64_t k, int64_t count) {
  if (k >= count) return 0;
  if (row.dtype == tensor::DType::kBF16) return load<uint16_t>(row.at + k * row.step);
  return base::float_to_bf16(widen(row, k));
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
    const bool interleaved = matrix.dtype == tensor::DType::kBF16 && !matrix.pairs;
    const int64_t place = interleaved ? j % lanes * 2 + j / lanes : j;
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
  } else if (matrix.pairs) {
    fill(out, width, matrix.steps(), [&](int64_t j, int64_t pair) {
      return rounded(rows[j], 2 * pair, matrix.k) | rounded(rows[j], 2 * pair + 1, matrix.k) << 16;
    });
  } else if (matrix.compute == ops::Compute::kBFloat16) {
    fill(out, lanes, matrix.k, [&](int64_t j, int64_t k) {
      return rounded(rows[2 * j], k, matrix.k) | rounded(rows[2 * j + 1], k, matrix.k) << 16;
    });
  } else {
    fill(out, lanes, matrix.k, [&](int64_t j, int64_t k) {
      const Row &low = rows[2 * j], &high = rows[2 * j + 1];
      return uint32_t{load<uint16_t>(low.at + k * low.step)} |
             uint32_t{load<uint16_t>(high.at + k * high.step)} << 16;
    });
  }
}

// A weight of the codes and scales that are multiplied in kInt8, whole blocks of them.
tensor::Weight as_int8(base::ThreadPool& pool, const tensor::Weight& weight) {
  struct Memory {
    std::vector<uint8_t> codes;
    std::vector<float> scales;
  };
  const int64_t blocks = host::int8_blocks(weight.columns), columns = blocks * host::kInt8Block;
  auto made = std::make_shared<Memory>(Memory{std::vector<uint8_t>(weight.rows * columns),
                                              std::vector<float>(weight.rows * blocks)});
  const int64_t task = std::max<int64_t>(1, kTaskBytes / columns);
  pool.parallel_for((weight.rows + task - 1) / task, [&](int64_t t) {
    for (int64_t i = t * task; i < std::min(weight.rows, (t + 1) * task); ++i) {
      uint8_t* codes = made->codes.data() + i * columns;
      host::weight_to_int8(weight, i, reinterpret_cast<int8_t*>(codes),
                           made->scales.data() + i * blocks);
      std::transform(codes, codes + columns, codes, [](uint8_t code) -> uint8_t {
        return code ^ 0x80;  // 128 more
      });
    }
  });
  tensor::Weight result;
  result.name = weight.name;
  result.rows = weight.rows;
  result.columns = columns;
  result.codes.kind = tensor::Codes::Kind::kUint;
  result.codes.bits = 8;
  result.codes.zero_point = 128;
  result.codes.bytes = std::as_bytes(std::span(made->codes));
  result.scale.block_columns = host::kInt8Block;
  result.scale.bytes = std::as_bytes(std::span(made->scales));
  result.keep = std::move(made);
  result.release = weight.release;
  return result;
}

std::shared_ptr<PackedMatrix> pack_as_int8(base::ThreadPool& pool, PanelMemory& memory,
                                           std::span<const tensor::Weight> parts, bool gated,
                                           int64_t lanes) {
  std::vector<tensor::Weight> codes;
  for (const tensor::Weight& part : parts) codes.push_back(as_int8(pool, part));
  auto matrix = pack(pool, memory, codes, {.gated = gated}, lanes);
  matrix->compute = ops::Compute::kInt8;
  matrix->codes.turned = true;
  matrix->k = parts.front().columns;
  return matrix;
}

}  // namespace

std::shared_ptr<PackedMatrix> pack(base::ThreadPool& pool, PanelMemory& memory,
                                   std::span<const tensor::Weight> parts, const PanelForm& form,
                                   int64_t lanes) {
  if (form.compute == ops::Compute::kInt8 && !host::has_grid(parts.front()))
    return pack_as_int8(pool, memory, parts, form.gated, lanes);
  auto matrix = std::make_shared<PackedMatrix>();
  matrix->compute = form.compute;
  matrix->pairs = form.pairs;
  matrix->matrices = form.matrices;
  matrix->k = parts.front().columns;
  matrix->dtype = parts.front().codes.dtype;
  matrix->gated = form.gated;
  matrix->width = 2 * lanes;
  bool mixed = false;
  for (const tensor::Weight& part : parts) {
    matrix->n += part.rows;
    mixed |= part.codes.dtype != matrix->dtype;
  }
  if (form.gated) matrix->n = parts.front().rows;
  if (mixed) matrix->dtype = tensor::DType::kF32;
  if (form.compute == ops::Compute::kBFloat16) matrix->dtype = tensor::DType::kBF16;
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
