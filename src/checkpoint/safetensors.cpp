#include "checkpoint/safetensors.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "checkpoint/name_text.h"
#include "checkpoint/safetensors_header.h"
#include "checkpoint/shape.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr size_t kLengthBytes = 8;

// One file being read: where its data is and what it is called in errors.
struct Reader {
  const std::string& what;
  std::span<const std::byte> data;

  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorCode::kCorrupt, what + ": " + message);
  }
  [[noreturn]] void fail(std::string_view tensor, const std::string& message) const {
    fail("tensor " + quoted_text(tensor) + ": " + message);
  }

  StoredTensor tensor(const std::string& name, const HeaderTensor& header) const {
    if (static_cast<uint64_t>(header.end) > data.size()) {
      fail(name, "ends at byte " + std::to_string(header.end) + " of " +
                     std::to_string(data.size()) +
                     " bytes of data: the file is cut off or its header is wrong");
    }
    const int64_t size = header.end - header.begin;
    const std::optional<int64_t> expected =
        shape_product(header.shape, tensor::size_of(header.dtype));
    if (expected != size) {
      fail(name, "shape " + shape_text(header.shape) + " of " +
                     std::string(tensor::to_string(header.dtype)) + " needs " +
                     (expected ? std::to_string(*expected) : "more than 2^63") + " bytes, found " +
                     std::to_string(size));
    }
    return {.name = name,
            .source = what,
            .dtype = header.dtype,
            .shape = header.shape,
            .bytes = data.subspan(static_cast<size_t>(header.begin), static_cast<size_t>(size)),
            .file = nullptr,
            .copy = nullptr};
  }

  // Every byte of the data belongs to exactly one tensor.
  void check_cover(const Tensors& tensors) const {
    std::vector<const StoredTensor*> order;
    for (const auto& [name, tensor] : tensors) order.push_back(&tensor);
    const auto place = [](const StoredTensor* t) {
      return std::pair(t->bytes.data(), t->bytes.size());
    };
    std::ranges::sort(order, {}, place);
    const std::byte* at = data.data();
    for (const StoredTensor* tensor : order) {
      if (tensor->bytes.data() < at) fail(tensor->name, "overlaps another tensor");
      if (tensor->bytes.data() > at)
        fail(tensor->name, "does not begin where the tensor before it ends");
      at += tensor->bytes.size();
    }
    const auto rest = data.data() + data.size() - at;
    if (rest != 0) fail(std::to_string(rest) + " bytes at the end belong to no tensor");
  }
};

uint64_t header_length(std::span<const std::byte> bytes, const std::string& what) {
  const auto fail = [&](const std::string& message) {
    throw Error(ErrorCode::kCorrupt, what + ": " + message);
  };
  if (bytes.size() < kLengthBytes)
    fail("too short for a safetensors file (" + std::to_string(bytes.size()) + " bytes)");
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i)
    length |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  if (length > kMaxHeaderBytes) {
    fail("header of " + std::to_string(length) + " bytes: at most " +
         std::to_string(kMaxHeaderBytes) + " are allowed (is this a safetensors file?)");
  }
  if (length > bytes.size() - kLengthBytes) {
    fail("header of " + std::to_string(length) + " bytes in a file of " +
         std::to_string(bytes.size()) + ": the file is cut off");
  }
  return length;
}

}  // namespace

Tensors parse_safetensors(std::span<const std::byte> bytes, const std::string& what) {
  const uint64_t length = header_length(bytes, what);
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  const Reader reader{what, bytes.subspan(kLengthBytes + length)};
  Tensors tensors;
  for (const auto& [name, tensor] : read_safetensors_header(header, what))
    tensors.emplace(name, reader.tensor(name, tensor));
  reader.check_cover(tensors);
  return tensors;
}

Tensors read_safetensors(const std::filesystem::path& file) {
  const auto map = std::make_shared<const base::MappedFile>(file);
  Tensors tensors = parse_safetensors(map->bytes(), file.string());
  for (auto& [name, tensor] : tensors) tensor.file = map;
  return tensors;
}

}  // namespace vecton::checkpoint
