// Where the numbers of a tensor lie in its storage: `strides` numbers apart along each dimension of
// `shape`. Called by torch_file.cpp; functions of their arguments, for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace vecton::checkpoint {

// Row by row without gaps; the stride of a dimension of 1 says nothing. `shape` has no more numbers
// than an int64_t counts.
bool is_contiguous(std::span<const int64_t> shape, std::span<const int64_t> strides);

// How far the last number lies from the first; nothing where it is not within 0 .. limit, or the
// strides are not those of the shape. No dimension is 0.
std::optional<int64_t> reach_of(std::span<const int64_t> shape, std::span<const int64_t> strides,
                                int64_t limit);

// The numbers of `width` bytes from the beginning of `storage` on, row by row. `storage` reaches to
// the last.
std::vector<std::byte> gathered(std::span<const int64_t> shape, std::span<const int64_t> strides,
                                size_t width, std::span<const std::byte> storage);

}  // namespace vecton::checkpoint
