#include "checkpoint/weight_rows.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

int64_t bytes_of_row(const tensor::BlockNumbers& numbers, int64_t columns) {
  return ((columns - 1) / numbers.block_columns + 1) * numbers.size();
}

// The numbers of some rows, said again for every one of them.
tensor::BlockNumbers pick_numbers(const tensor::BlockNumbers& whole, std::span<const int64_t> rows,
                                  int64_t columns, std::vector<std::byte>& copy) {
  if (!whole.exists()) return whole;
  tensor::BlockNumbers part = whole;
  const int64_t size = bytes_of_row(whole, columns);
  for (const int64_t row : rows) {
    const auto from = whole.bytes.subspan(static_cast<size_t>(row / whole.block_rows * size),
                                          static_cast<size_t>(size));
    copy.insert(copy.end(), from.begin(), from.end());
  }
  part.block_rows = 1;
  part.bytes = copy;
  return part;
}

// Of rows begin .. begin + n. Blocks of several rows that the first row does not begin are said
// again for every row, in `copy`.
tensor::BlockNumbers slice_numbers(const tensor::BlockNumbers& whole, int64_t begin, int64_t n,
                                   int64_t columns, std::vector<std::byte>& copy) {
  if (!whole.exists()) return whole;
  if (begin % whole.block_rows != 0) {
    std::vector<int64_t> rows;
    for (int64_t i = begin; i < begin + n; ++i) rows.push_back(i);
    return pick_numbers(whole, rows, columns, copy);
  }
  tensor::BlockNumbers part = whole;
  const int64_t size = bytes_of_row(whole, columns), rows = (n - 1) / whole.block_rows + 1;
  part.bytes = whole.bytes.subspan(static_cast<size_t>(begin / whole.block_rows * size),
                                   static_cast<size_t>(rows * size));
  return part;
}

struct Kept {
  std::shared_ptr<const void> whole;
  std::vector<std::byte> numbers[4], codes;
};

}  // namespace

tensor::Weight row_slice(const tensor::Weight& whole, int64_t begin, int64_t n) {
  const auto kept = std::make_shared<Kept>();
  kept->whole = whole.keep;
  tensor::Weight part = whole;
  part.keep = kept;
  const auto row_bytes = static_cast<size_t>(whole.row_bytes());
  part.rows = n;
  part.scale = slice_numbers(whole.scale, begin, n, whole.columns, kept->numbers[0]);
  part.offset = slice_numbers(whole.offset, begin, n, whole.columns, kept->numbers[1]);
  part.scale_unit = slice_numbers(whole.scale_unit, begin, n, whole.columns, kept->numbers[2]);
  part.offset_unit = slice_numbers(whole.offset_unit, begin, n, whole.columns, kept->numbers[3]);
  part.codes.bytes = whole.codes.bytes.subspan(static_cast<size_t>(begin) * row_bytes,
                                               static_cast<size_t>(n) * row_bytes);
  return part;
}

tensor::Weight pick_rows(const tensor::Weight& whole, std::span<const int64_t> rows) {
  const auto kept = std::make_shared<Kept>();
  kept->whole = whole.keep;
  tensor::Weight part = whole;
  part.keep = kept;
  part.rows = static_cast<int64_t>(rows.size());
  part.scale = pick_numbers(whole.scale, rows, whole.columns, kept->numbers[0]);
  part.offset = pick_numbers(whole.offset, rows, whole.columns, kept->numbers[1]);
  part.scale_unit = pick_numbers(whole.scale_unit, rows, whole.columns, kept->numbers[2]);
  part.offset_unit = pick_numbers(whole.offset_unit, rows, whole.columns, kept->numbers[3]);
  const auto row_bytes = static_cast<size_t>(whole.row_bytes());
  for (const int64_t row : rows) {
    const auto from = whole.codes.bytes.subspan(static_cast<size_t>(row) * row_bytes, row_bytes);
    kept->codes.insert(kept->codes.end(), from.begin(), from.end());
  }
  part.codes.bytes = kept->codes;
  return part;
}

tensor::Weight transposed(const tensor::Weight& whole, int64_t count) {
  if (!whole.is_dense()) {
    throw Error(ErrorCode::kUnsupported,
                name_text(whole.name) +
                    ": expected float32, float16 or bfloat16, as its rows are "
                    "the inputs");
  }
  const auto rows = static_cast<size_t>(whole.rows / count),
             columns = static_cast<size_t>(whole.columns),
             size = static_cast<size_t>(tensor::size_of(whole.codes.dtype));
  const auto copy = std::make_shared<std::vector<std::byte>>(whole.codes.bytes.size());
  for (size_t i = 0; i < static_cast<size_t>(whole.rows); ++i) {
    const size_t matrix = i / rows, row = i % rows;
    for (size_t j = 0; j < columns; ++j) {
      std::memcpy(copy->data() + ((matrix * columns + j) * rows + row) * size,
                  whole.codes.bytes.data() + (i * columns + j) * size, size);
    }
  }
  whole.release();
  tensor::Weight made = whole;
  made.rows = count * whole.columns;
  made.columns = static_cast<int64_t>(rows);
  made.codes.bytes = *copy;
  made.keep = copy;
  made.release = [] {};
  return made;
}

}  // namespace vecton::checkpoint
