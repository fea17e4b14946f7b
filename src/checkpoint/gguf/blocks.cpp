#include "checkpoint/gguf/blocks.h"

#include <array>
#include <cstring>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "checkpoint/gguf/block_types.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

// The parts of a matrix, one after the other in one piece of memory.
struct Layout {
  int64_t rows = 0, columns = 0, blocks = 0;                                  // blocks of a row
  int64_t codes = 0, scale = 0, offset = 0, scale_unit = 0, offset_unit = 0;  // bytes of a row

  static Layout of(const BlockType& type, const gguf::TypeLayout& stored, int64_t rows,
                   int64_t columns) {
    const auto bytes = [&](const BlockPart& part, int64_t blocks) {
      if (!part.exists) return int64_t{0};
      return blocks * part.parts * (part.type == tensor::BlockNumbers::Type::kF16 ? 2 : 1);
    };
    Layout layout{.rows = rows, .columns = columns, .blocks = columns / stored.block};
    layout.codes = columns * type.codes.stored_bits() / 8;
    layout.scale = bytes(type.scale, layout.blocks);
    layout.offset = bytes(type.offset, layout.blocks);
    layout.scale_unit = bytes(type.scale_unit(), layout.blocks);
    layout.offset_unit = bytes(type.offset_unit(), layout.blocks);
    return layout;
  }
  int64_t total() const { return rows * (codes + scale + offset + scale_unit + offset_unit); }
};

// Codes of less than a byte as one stream of bits, the low ones first. A block's are whole bytes.
void write_codes(const uint8_t* codes, int64_t count, int bits, uint8_t* out) {
  if (bits == 8) {
    std::memcpy(out, codes, static_cast<size_t>(count));
  } else if (bits == 4) {
    for (int64_t i = 0; i < count / 2; ++i)
      out[i] = static_cast<uint8_t>(codes[2 * i] | codes[2 * i + 1] << 4);
  } else {
    // Eight codes at a time are `bits` bytes.
    for (int64_t i = 0; i < count; i += 8, out += bits) {
      uint64_t word = 0;
      for (int j = 0; j < 8; ++j) word |= uint64_t{codes[i + j]} << (j * bits);
      for (int j = 0; j < bits; ++j) out[j] = static_cast<uint8_t>(word >> (8 * j));
    }
  }
}

// Where the numbers of the next block go.
struct Cursor {
  uint8_t *codes, *scale, *offset, *scale_unit, *offset_unit;
};

void put(const BlockPart& part, uint16_t half, const std::array<uint8_t, 16>& numbers,
         uint8_t*& to) {
  if (!part.exists) return;
  const bool is_half = part.type == tensor::BlockNumbers::Type::kF16;
  const size_t size = is_half ? sizeof half : static_cast<size_t>(part.parts);
  std::memcpy(to, is_half ? static_cast<const void*>(&half) : numbers.data(), size);
  to += size;
}

tensor::BlockNumbers numbers(const BlockPart& part, int64_t block, const uint8_t* from,
                             int64_t bytes) {
  if (!part.exists) return {};
  return {.type = part.type,
          .block_columns = block / part.parts,
          .bytes = std::as_bytes(std::span(from, static_cast<size_t>(bytes)))};
}

// One matrix: what its tensor is made of, and the memory that it was last taken apart into. A table
// that is the head as well is asked for twice, and lies in memory once.
class Matrix {
 public:
  Matrix(const gguf::Tensor& tensor, std::function<int64_t(int64_t)> source_row)
      : tensor_(tensor),
        source_row_(std::move(source_row)),
        stored_(gguf::layout_of(tensor.type)),
        type_(block_type(tensor.type)) {
    const int64_t columns = tensor.shape.empty() ? 1 : tensor.shape.back();
    const int64_t rows = columns > 0 ? *shape_product(tensor.shape) / columns : 0;
    layout_ = Layout::of(type_, stored_, rows, columns);
  }

  tensor::Weight weight() const;

  int64_t stored_bytes() const { return layout_.rows * layout_.blocks * stored_.bytes; }
  int64_t kept_bytes() const {
    return layout_.total() - layout_.rows * layout_.codes +
           kept_code_bytes(layout_.rows * layout_.columns, type_.codes.stored_bits());
  }

 private:
  Cursor sections(uint8_t* at) const;
  void take_apart(Cursor to) const;

  gguf::Tensor tensor_;
  std::function<int64_t(int64_t)> source_row_;
  const gguf::TypeLayout& stored_;
  const BlockType& type_;
  Layout layout_;
  mutable std::mutex mutex_;
  mutable std::weak_ptr<std::vector<uint8_t>> memory_;  // guarded by mutex_
};

Cursor Matrix::sections(uint8_t* at) const {
  const auto section = [&](int64_t row_bytes) {
    return std::exchange(at, at + layout_.rows * row_bytes);
  };
  Cursor first{};
  first.codes = section(layout_.codes);
  first.scale = section(layout_.scale);
  first.offset = section(layout_.offset);
  first.scale_unit = section(layout_.scale_unit);
  first.offset_unit = section(layout_.offset_unit);
  return first;
}

void Matrix::take_apart(Cursor to) const {
  const auto* blocks = reinterpret_cast<const uint8_t*>(tensor_.bytes.data());
  const int bits = type_.codes.stored_bits();
  const int64_t code_bytes = stored_.block * bits / 8;
  const BlockPart unit = type_.scale_unit(), offset_unit = type_.offset_unit();
  OpenBlock open;
  for (int64_t row = 0; row < layout_.rows; ++row) {
    const int64_t source = source_row_ ? source_row_(row) : row;
    const uint8_t* block = blocks + source * layout_.blocks * stored_.bytes;
    for (int64_t i = 0; i < layout_.blocks; ++i, block += stored_.bytes) {
      type_.open(block, open);
      write_codes(open.codes.data(), stored_.block, bits, to.codes);
      to.codes += code_bytes;
      put(type_.scale, open.scale, open.scales, to.scale);
      put(type_.offset, open.offset, open.offsets, to.offset);
      put(unit, open.scale, open.scales, to.scale_unit);
      put(offset_unit, open.offset, open.offsets, to.offset_unit);
    }
  }
  if (tensor_.file) tensor_.file->release(tensor_.bytes);
}

tensor::Weight Matrix::weight() const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<std::vector<uint8_t>> memory = memory_.lock();
  if (!memory) {
    memory = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(layout_.total()));
    take_apart(sections(memory->data()));
    memory_ = memory;
  }
  const Cursor first = sections(memory->data());
  const int64_t rows = layout_.rows, block = stored_.block;
  tensor::Weight weight;
  weight.name = std::string(tensor_.name);
  weight.rows = rows;
  weight.columns = layout_.columns;
  weight.codes = type_.codes;
  weight.codes.bytes =
      std::as_bytes(std::span(first.codes, static_cast<size_t>(rows * layout_.codes)));
  weight.scale = numbers(type_.scale, block, first.scale, rows * layout_.scale);
  weight.offset = numbers(type_.offset, block, first.offset, rows * layout_.offset);
  weight.scale_unit =
      numbers(type_.scale_unit(), block, first.scale_unit, rows * layout_.scale_unit);
  weight.offset_unit =
      numbers(type_.offset_unit(), block, first.offset_unit, rows * layout_.offset_unit);
  weight.keep = memory;
  return weight;
}

}  // namespace

std::shared_ptr<const QuantisedTensor> gguf_blocks(const gguf::Tensor& tensor,
                                                   std::function<int64_t(int64_t)> source_row) {
  const auto matrix = std::make_shared<const Matrix>(tensor, std::move(source_row));
  auto made = std::make_shared<QuantisedTensor>();
  made->format = "GGUF " + std::string(gguf::layout_of(tensor.type).name);
  made->bytes = matrix->stored_bytes();
  made->kept_bytes = matrix->kept_bytes();
  made->weight = [matrix] { return matrix->weight(); };
  return made;
}

}  // namespace vecton::checkpoint
