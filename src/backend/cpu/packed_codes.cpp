#include "backend/cpu/packed_codes.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/pack.h"
#include "backend/host/dequantise.h"
#include "backend/host/whole_codes.h"

namespace vecton::cpu {

namespace {

constexpr int64_t kStep = 16;  // codes of 2 bits in a word

int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

bool same(const tensor::BlockNumbers& a, const tensor::BlockNumbers& b) {
  if (!a.exists() || !b.exists()) return a.exists() == b.exists();
  return a.type == b.type && a.block_columns == b.block_columns;
}

// Takes room for one kind of numbers.
PackedNumbers place(const tensor::BlockNumbers& numbers, const PackedCodes& codes, int64_t columns,
                    int64_t width, int64_t& at) {
  PackedNumbers placed;
  if (!numbers.exists()) return placed;
  const int64_t groups = std::max<int64_t>(1, (codes.k + codes.group - 1) / codes.group);
  placed.type = numbers.type;
  placed.size = numbers.size();
  placed.every = numbers.block_columns < columns ? numbers.block_columns / codes.group : groups;
  placed.at = at = round_up(at, sizeof(float));
  at += (groups + placed.every - 1) / placed.every * width * placed.size;
  return placed;
}

// The row that column `column` of panel `panel` has; rows of the padding have no weight.
struct Source {
  const tensor::Weight* weight = nullptr;
  int64_t row = 0;
};

Source source_of(const PackedMatrix& matrix, std::span<const tensor::Weight> parts, int64_t panel,
                 int64_t column) {
  const int64_t outputs = matrix.outputs();
  int64_t row = panel * outputs + column % outputs;
  if (row >= matrix.n) return {};
  if (matrix.gated) return {&parts[static_cast<size_t>(column / outputs)], row};
  for (const tensor::Weight& part : parts) {
    if (row < part.rows) return {&part, row};
    row -= part.rows;
  }
  return {};
}

// Codes of 4 bits as a file has them, from the low bits on, to a word of a panel.
uint32_t word_of_nibbles(uint32_t x) {
  const auto spread = [](uint32_t half) {
    half = (half | half << 8) & 0x00ff00ffu;
    return (half | half << 4) & 0x0f0f0f0fu;
  };
  return spread(x & 0xffffu) | spread(x >> 16) << 4;
}

// The words of one row, of all k.
void words_of(const tensor::Weight& weight, int64_t row, const PackedCodes& packed,
              uint32_t* words) {
  const int stored = weight.codes.stored_bits();
  const int64_t per_word = packed.codes_per_word(), whole = weight.columns / per_word,
                all = packed.k / per_word;
  int64_t done = 0;
  if (stored == packed.bits && stored != 2) {
    std::memcpy(words, weight.codes.bytes.data() + row * weight.row_bytes(),
                static_cast<size_t>(whole) * sizeof(uint32_t));
    if (stored == 4) std::transform(words, words + whole, words, word_of_nibbles);
    done = whole;
  }
  std::fill(words + done, words + all, 0u);
  std::array<uint8_t, 512> codes;  // a multiple of what a word has
  for (int64_t begin = done * per_word; begin < weight.columns;
       begin += static_cast<int64_t>(codes.size())) {
    const auto count =
        static_cast<size_t>(std::min(static_cast<int64_t>(codes.size()), weight.columns - begin));
    host::read_codes(weight, row, begin, {codes.data(), count});
    for (size_t i = 0; i < count; ++i) {
      const int64_t k = begin + static_cast<int64_t>(i), in_word = k % per_word;
      words[k / per_word] |= uint32_t{codes[i]} << (in_word % 4 * 8 + in_word / 4 * packed.bits);
    }
  }
}

void pack_numbers(const tensor::Weight& weight, int64_t row, const tensor::BlockNumbers& numbers,
                  const PackedCodes& codes, const PackedNumbers& placed, int64_t width,
                  int64_t column, std::byte* panel) {
  if (!placed.exists()) return;
  const int64_t span = codes.group * placed.every;
  const int64_t blocks = (weight.columns - 1) / numbers.block_columns + 1;
  const int64_t first = row / numbers.block_rows * blocks;
  for (int64_t k = 0, i = 0; k < weight.columns; k += span, ++i) {
    std::memcpy(panel + placed.at + (i * width + column) * placed.size,
                numbers.bytes.data() + (first + k / numbers.block_columns) * placed.size,
                static_cast<size_t>(placed.size));
  }
}

float number_at(const PackedMatrix& matrix, const PackedNumbers& placed, const std::byte* panel,
                int64_t group, int64_t column) {
  if (!placed.exists()) return 1;
  tensor::BlockNumbers one;
  one.type = placed.type;
  one.bytes = {panel + placed.at + (group / placed.every * matrix.width + column) * placed.size,
               static_cast<size_t>(placed.size)};
  return host::stored_number(one, 0);
}

}  // namespace

bool same_form(const tensor::Weight& a, const tensor::Weight& b) {
  if (a.is_dense() || b.is_dense())
    return a.is_dense() && b.is_dense() && a.codes.dtype == b.codes.dtype;
  return a.codes.kind == b.codes.kind && a.codes.kind != tensor::Codes::Kind::kFloat &&
         a.codes.bits == b.codes.bits && a.codes.zero_point == b.codes.zero_point &&
         a.codes.table == b.codes.table && a.factor == b.factor && same(a.scale, b.scale) &&
         same(a.offset, b.offset) && same(a.scale_unit, b.scale_unit) &&
         same(a.offset_unit, b.offset_unit);
}

PackedCodes layout_of_codes(const tensor::Weight& weight, int64_t width) {
  constexpr int64_t kLine = 64;
  PackedCodes codes;
  const int stored = weight.codes.stored_bits();
  codes.bits = stored <= 2 ? 2 : stored <= 4 ? 4 : 8;
  codes.group = host::columns_of_group(weight);
  codes.k = round_up(weight.columns, kStep);
  codes.factor = weight.factor;
  codes.values = std::make_shared<const std::array<float, 256>>(host::code_values(weight.codes));
  const auto whole = host::whole_codes(weight.codes);
  codes.whole = whole.has_value();
  if (whole) {
    codes.zero = whole->zero;
    codes.unit = whole->unit;
    codes.lookup = whole->lookup;
    codes.bytes = whole->bytes;
  } else {
    codes.e4m3 = weight.codes.kind == tensor::Codes::Kind::kFp8E4M3;
  }
  int64_t at = 0;
  codes.scale = place(weight.scale, codes, weight.columns, width, at);
  codes.offset = place(weight.offset, codes, weight.columns, width, at);
  codes.scale_unit = place(weight.scale_unit, codes, weight.columns, width, at);
  codes.offset_unit = place(weight.offset_unit, codes, weight.columns, width, at);
  const int64_t unit = std::min<int64_t>(kLine, width * 4);
  codes.words_at = round_up(at, unit);
  codes.panel_bytes = round_up(codes.words_at + codes.k * width * codes.bits / 8, unit);
  return codes;
}

void pack_codes(const PackedMatrix& matrix, std::span<const tensor::Weight> parts, int64_t panel) {
  constexpr int64_t kBlock = 32;  // words moved at once: short pieces of rows, one of the panel
  const PackedCodes& codes = matrix.codes;
  const int64_t words = codes.k / codes.codes_per_word(), width = matrix.width;
  std::byte* out = matrix.data.get() + panel * matrix.panel_bytes();
  std::vector<uint32_t> rows(static_cast<size_t>(words * width));
  for (int64_t j = 0; j < width; ++j) {
    const Source source = source_of(matrix, parts, panel, j);
    if (!source.weight) continue;
    const tensor::Weight& weight = *source.weight;
    words_of(weight, source.row, codes, rows.data() + j * words);
    pack_numbers(weight, source.row, weight.scale, codes, codes.scale, width, j, out);
    pack_numbers(weight, source.row, weight.offset, codes, codes.offset, width, j, out);
    pack_numbers(weight, source.row, weight.scale_unit, codes, codes.scale_unit, width, j, out);
    pack_numbers(weight, source.row, weight.offset_unit, codes, codes.offset_unit, width, j, out);
  }
  auto* to = reinterpret_cast<uint32_t*>(out + codes.words_at);
  for (int64_t first = 0; first < words; first += kBlock) {
    const int64_t last = std::min(words, first + kBlock);
    for (int64_t j = 0; j < width; ++j) {
      for (int64_t i = first; i < last; ++i) to[i * width + j] = rows[j * words + i];
    }
  }
}

void unpack_codes(const PackedMatrix& matrix, int64_t id, float* out) {
  const PackedCodes& codes = matrix.codes;
  const int64_t width = matrix.width, column = id % width, per_word = codes.codes_per_word();
  const std::byte* panel = matrix.data.get() + id / width * matrix.panel_bytes();
  const auto* words = reinterpret_cast<const uint32_t*>(panel + codes.words_at);
  const uint32_t mask = (1u << codes.bits) - 1;
  for (int64_t first = 0; first < matrix.k; first += codes.group) {
    const int64_t group = first / codes.group;
    const float scale = number_at(matrix, codes.scale_unit, panel, group, column) *
                        number_at(matrix, codes.scale, panel, group, column);
    const float offset = number_at(matrix, codes.offset_unit, panel, group, column) *
                         number_at(matrix, codes.offset, panel, group, column);
    for (int64_t k = first; k < std::min(matrix.k, first + codes.group); ++k) {
      const int64_t in_word = k % per_word;
      const uint32_t code =
          words[k / per_word * width + column] >> (in_word % 4 * 8 + in_word / 4 * codes.bits) &
          mask;
      const float product = scale * (*codes.values)[code];
      const float sum = codes.offset.exists() ? product + offset : product;
      out[k] = codes.factor * sum;
    }
  }
}

}  // namespace vecton::cpu
