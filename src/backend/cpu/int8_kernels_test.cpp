// Every table of kernels that this machine can run, against the definition, to the bit.
#include "backend/cpu/int8_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "backend/cpu/amx_emulator.h"
#include "backend/cpu/pack.h"
#include "backend/host/int8.h"

namespace vecton::cpu {
namespace {

constexpr int64_t kBlock = host::kInt8Block;

// Columns of a panel.
int64_t width_of(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return 2;
    case Isa::kNeon:
      return 8;
    case Isa::kAvx2:
      return 16;
    case Isa::kAvx512:
      return 32;
  }
  return 0;
}

// Random rows of codes and scales, as the definition has them and as a panel.
struct Panel {
  int64_t width, blocks;
  std::vector<int8_t> codes;  // by column
  std::vector<float> scales;
  std::vector<std::byte> memory;
  uint32_t* words;
  float* numbers;

  Panel(std::mt19937& random, int64_t columns, int64_t count)
      : width(columns),
        blocks(count),
        codes(static_cast<size_t>(width * blocks * kBlock)),
        scales(static_cast<size_t>(width * blocks)),
        memory(static_cast<size_t>(width * blocks * (kBlock + 4) + 64)) {
    for (int8_t& code : codes) code = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
    for (float& scale : scales) scale = static_cast<float>(random() % 1000 + 1) * 0x1p-20f;
    const auto from = reinterpret_cast<uintptr_t>(memory.data());
    words = reinterpret_cast<uint32_t*>(memory.data() + (64 - from % 64) % 64);
    numbers = reinterpret_cast<float*>(words + width * blocks * kBlock / 4);
    auto* bytes = reinterpret_cast<uint8_t*>(words);
    for (int64_t c = 0; c < width; ++c) {
      for (int64_t k = 0; k < blocks * kBlock; ++k)
        bytes[(k / 4 * width + c) * 4 + k % 4] =
            static_cast<uint8_t>(codes[c * blocks * kBlock + k] + 128);
      for (int64_t b = 0; b < blocks; ++b) numbers[b * width + c] = scales[c * blocks + b];
    }
  }
};

struct Rows {
  std::vector<int8_t> codes;
  std::vector<Int8Rows::Block> blocks;
  Int8Rows rows;

  Rows(const Int8Kernels& kernels, const std::vector<float>& x, int64_t k) {
    const auto count = static_cast<int64_t>(x.size()) / k;
    rows.row_blocks = host::int8_blocks(k);
    rows.row_bytes = rows.row_blocks * kBlock * kernels.code_bytes;
    codes.resize(static_cast<size_t>(count * rows.row_bytes));
    blocks.resize(static_cast<size_t>(count * rows.row_blocks));
    rows.codes = codes.data();
    rows.blocks = blocks.data();
    kernels.to_int8(x.data(), k, k, rows, 0, count);
  }
};

void check(const Int8Kernels& kernels, Isa isa, int64_t k, const std::vector<float>& x) {
  SCOPED_TRACE(std::string(kernels.name) + ", k " + std::to_string(k));
  std::mt19937 random(static_cast<uint32_t>(k));
  const int64_t count = static_cast<int64_t>(x.size()) / k, blocks = host::int8_blocks(k);
  const Panel panel(random, width_of(isa), blocks);
  const Rows rows(kernels, x, k);
  for (int64_t first = 0, m = 1; m <= kernels.tile_rows; first += m++) {
    ASSERT_LE(first + m, count);
    alignas(64) float sums[Int8Kernels::kMostRows * 32] = {};
    const int64_t half = blocks / 2;  // in two calls
    kernels.tiles[static_cast<size_t>(m)](
        {&rows.rows, first, 0, half, panel.words, panel.numbers, sums});
    kernels.tiles[static_cast<size_t>(m)]({&rows.rows, first, half, blocks - half,
                                           panel.words + half * kBlock / 4 * panel.width,
                                           panel.numbers + half * panel.width, sums});
    for (int64_t r = 0; r < m; ++r) {
      std::vector<int8_t> codes(static_cast<size_t>(blocks * kBlock));
      std::vector<float> scales(static_cast<size_t>(blocks));
      host::to_int8(x.data() + (first + r) * k, k, codes.data(), scales.data());
      for (int64_t c = 0; c < panel.width; ++c) {
        const float expected =
            host::dot_int8(codes.data(), scales.data(), panel.codes.data() + c * blocks * kBlock,
                           panel.scales.data() + c * blocks, blocks);
        const float actual = sums[r * panel.width + c];
        if (std::isnan(expected) && std::isnan(actual)) continue;
        ASSERT_EQ(std::bit_cast<uint32_t>(actual), std::bit_cast<uint32_t>(expected))
            << "row " << r << " of " << m << ", column " << c << ": " << actual << ", expected "
            << expected;
      }
    }
  }
}

std::vector<float> random_rows(int64_t count, int64_t k) {
  std::mt19937 random(static_cast<uint32_t>(7 * k));
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(count * k));
  for (float& value : x) value = normal(random);
  return x;
}

// Those for AMX too where the machine has the instructions beside it.
template <class F>
void for_every_table(const F& f) {
  for (const Isa isa : supported_isas()) {
    const AmxWhereThereIsNone amx(isa);
    for (const Int8Kernels* kernels : int8_kernels_of(isa, amx.products(byte_products(isa)))) {
      f(*kernels, isa);
      if (kernels->done) kernels->done();
    }
  }
}

TEST(Int8Kernels, BitsOfTheDefinition) {
  for_every_table([](const Int8Kernels& kernels, Isa isa) {
    for (const int64_t k : {1, 31, 63, 64, 65, 128, 200, 384, 1000}) {
      std::vector<float> x = random_rows(78, k);
      for (size_t i = 0; i < x.size(); i += 37) x[i] *= 100;  // one that stands out
      check(kernels, isa, k, x);
    }
  });
}

// Sums that would not fit 16 bits, ties, and numbers far from 1.
TEST(Int8Kernels, Corners) {
  for_every_table([](const Int8Kernels& kernels, Isa isa) {
    constexpr int64_t kK = 128;
    std::vector<float> x(78 * kK);
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t row = i / kK, column = i % kK;
      const float kinds[] = {1.0f,
                             column == 0 ? 127.0f : 0.0f,
                             column % 2 == 0 ? 1.0f : -1.0f,
                             0.0f,
                             static_cast<float>(column % 5) * 1e-35f,
                             static_cast<float>(column % 7) * 1e35f,
                             static_cast<float>(column % 3) - 1,
                             column % 64 == 0 ? 0.5f : 0.0f};
      x[i] = kinds[row % 8];
    }
    check(kernels, isa, kK, x);
  });
}

TEST(Int8Kernels, WhatIsNotFiniteStaysSo) {
  const float bad[] = {std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity(),
                       std::numeric_limits<float>::quiet_NaN(), 3e38f};
  for_every_table([&](const Int8Kernels& kernels, Isa isa) {
    constexpr int64_t kK = 200;
    std::vector<float> x = random_rows(78, kK);
    for (int64_t row = 0; row < 78; row += 3) {
      const int64_t at = row * kK + row * 31 % kK;
      x[static_cast<size_t>(at)] = x[static_cast<size_t>(at / kK * kK + kK / 2)] = bad[row / 3 % 4];
    }
    check(kernels, isa, kK, x);
    const Rows rows(kernels, {bad[0], 1, 2, 3}, 4);
    EXPECT_TRUE(std::isnan(rows.blocks[0].scale)) << kernels.name;
  });
}

// A weight of random codes with scales, and offsets, of groups.
struct GridOfCodes {
  tensor::Codes::Kind kind;
  int bits, zero_point;
  int64_t group;
  bool offsets;
};

struct RandomWeight {
  std::vector<uint8_t> codes;
  std::vector<float> scales, offsets;
  tensor::Weight weight;

  RandomWeight(std::mt19937& random, const GridOfCodes& form, int64_t rows, int64_t columns) {
    weight.name = "test.weight";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes.kind = form.kind;
    weight.codes.bits = form.bits;
    weight.codes.zero_point = form.zero_point;
    codes.resize(static_cast<size_t>(rows * weight.row_bytes()));
    for (uint8_t& code : codes) code = static_cast<uint8_t>(random());
    const auto groups = static_cast<size_t>(rows * ((columns + form.group - 1) / form.group));
    for (size_t i = 0; i < groups; ++i) {
      scales.push_back(static_cast<float>(random() % 1000 + 1) * 0x1p-20f);
      offsets.push_back(static_cast<float>(random() % 1000) * -0x1p-14f);
    }
    weight.codes.bytes = std::as_bytes(std::span(codes));
    weight.scale.block_columns = weight.offset.block_columns = form.group;
    weight.scale.bytes = std::as_bytes(std::span(scales));
    if (form.offsets) weight.offset.bytes = std::as_bytes(std::span(offsets));
  }
};

void check_grid(const Int8Kernels& kernels, Isa isa, const GridOfCodes& form, int64_t k) {
  SCOPED_TRACE(std::string(kernels.name) + ", " + std::to_string(form.bits) + " bits, groups of " +
               std::to_string(form.group) + ", k " + std::to_string(k));
  std::mt19937 random(static_cast<uint32_t>(k));
  const int64_t width = width_of(isa), count = kernels.tile_rows * (kernels.tile_rows + 1) / 2;
  const RandomWeight made(random, form, width, k);
  base::ThreadPool pool(1);
  PanelMemory memory;
  const auto matrix =
      pack(pool, memory, {&made.weight, 1}, {.compute = ops::Compute::kInt8}, width / 2);
  const PackedCodes& codes = matrix->codes;
  std::vector<float> x = random_rows(count, k);
  for (int64_t i = 0; i < count; ++i) {  // rows on one side of 0
    for (int64_t j = 0; i % 3 > 0 && j < k; ++j) {
      float& value = x[static_cast<size_t>(i * k + j)];
      value = (i % 3 == 1 ? 1.0f : -1.0f) * std::abs(value);
    }
  }
  Int8Rows rows;
  rows.row_blocks = (codes.k + codes.group - 1) / codes.group;
  rows.row_bytes = codes.k * kernels.code_bytes;
  std::vector<int8_t> x_codes(static_cast<size_t>(count * rows.row_bytes));
  std::vector<Int8Rows::Block> blocks(static_cast<size_t>(count * rows.row_blocks));
  rows.codes = x_codes.data();
  rows.blocks = blocks.data();
  kernels.to_grid(codes, x.data(), k, k, rows, 0, count);
  alignas(64) uint32_t words[512 / 4 * 32];
  alignas(64) int32_t code_sums[512 / 16 * 32];
  alignas(64) float numbers[512 / 16 * 64] = {};
  ASSERT_LE(codes.k, 512);
  std::vector<host::GridWeight> columns;
  for (int64_t c = 0; c < width; ++c) {
    columns.push_back(host::grid_weight(made.weight, c));
    for (size_t g = 0; g < columns.back().scales.size(); ++g) {
      numbers[static_cast<int64_t>(g) * 2 * width + c] = columns.back().scales[g];
      if (form.offsets)
        numbers[(static_cast<int64_t>(g) * 2 + 1) * width + c] = columns.back().offsets[g];
    }
  }
  const uint32_t* bytes = kernels.expand(codes, matrix->data.get(), 0, codes.k, words, code_sums);
  const FetchAhead ahead(codes, matrix->data.get(), 0);
  for (int64_t first = 0, m = 1; m <= kernels.tile_rows; first += m++) {
    alignas(64) float sums[Int8Kernels::kMostRows * 32] = {};
    kernels.grid_tiles[static_cast<size_t>(m)]({&rows, first, 0, codes.k, codes.group, bytes,
                                                numbers, form.offsets, code_sums, sums, nullptr,
                                                ahead});
    if (m <= Int8Kernels::kFewRows && kernels.few_rows_of(codes)[1] != nullptr) {
      alignas(64) float others[Int8Kernels::kMostRows * 32] = {};
      kernels.few_rows_of(codes)[static_cast<size_t>(m)](
          {&rows, first, 0, codes.k, codes.group,
           reinterpret_cast<const uint32_t*>(matrix->data.get() + codes.words_at), numbers,
           form.offsets, nullptr, others, codes.bytes.data(), ahead});
      EXPECT_TRUE(std::equal(sums, sums + m * width, others)) << m << " rows";
    }
    for (int64_t r = 0; r < m; ++r) {
      const host::GridRow row = host::to_grid(x.data() + (first + r) * k, k, codes.group);
      for (int64_t c = 0; c < width; ++c) {
        const float expected = host::dot_grid(row, columns[static_cast<size_t>(c)]);
        const float actual = sums[r * width + c];
        ASSERT_EQ(std::bit_cast<uint32_t>(actual), std::bit_cast<uint32_t>(expected))
            << "row " << r << " of " << m << ", column " << c << ": " << actual << ", expected "
            << expected;
      }
    }
  }
}

TEST(Int8Kernels, BitsOfTheDefinitionOnAGrid) {
  using Kind = tensor::Codes::Kind;
  const GridOfCodes forms[] = {{Kind::kUint, 8, 128, 32, false}, {Kind::kUint, 8, 0, 64, true},
                               {Kind::kUint, 4, 8, 32, false},   {Kind::kUint, 4, 0, 64, true},
                               {Kind::kUint, 2, 1, 256, false},  {Kind::kUint, 2, 0, 16, true},
                               {Kind::kUint, 8, 255, 256, true}, {Kind::kFp4E2M1, 4, 0, 32, false}};
  for_every_table([&](const Int8Kernels& kernels, Isa isa) {
    for (const GridOfCodes& form : forms) {
      for (const int64_t k : {256, 500, 77}) {
        if (k == 77 && form.group > 64) continue;
        check_grid(kernels, isa, form, k);
        if (::testing::Test::HasFailure()) return;
      }
    }
  });
}

}  // namespace
}  // namespace vecton::cpu
