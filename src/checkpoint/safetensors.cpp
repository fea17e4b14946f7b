#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/shape.h"
#include "checkpoint/unique_keys.h"
#include "vecton/error.h"

namespace vecton {

namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxRank = 64;  // NumPy's limit

constexpr std::array<std::pair<std::string_view, DType>, 13> kDTypes{{
    {"F32", DType::kF32},
    {"F16", DType::kF16},
    {"BF16", DType::kBF16},
    {"F64", DType::kF64},
    {"I64", DType::kI64},
    {"I32", DType::kI32},
    {"I16", DType::kI16},
    {"I8", DType::kI8},
    {"U8", DType::kU8},
    {"U16", DType::kU16},
    {"U32", DType::kU32},
    {"U64", DType::kU64},
    {"BOOL", DType::kBool},
}};

// One file being read: where its data is and what it is called in errors.
struct Reader {
  std::string what;
  std::span<const std::byte> data;

  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorCode::kCorrupt, what + ": " + message);
  }
  [[noreturn]] void fail(std::string_view tensor, const std::string& message) const {
    fail("tensor " + quoted_text(tensor) + ": " + message);
  }

  const json::value& member(const json::object& entry, std::string_view key,
                            std::string_view tensor) const {
    const json::value* value = entry.if_contains(key);
    if (!value) fail(tensor, "has no \"" + std::string(key) + "\"");
    return *value;
  }

  // A list of non-negative integers.
  std::vector<int64_t> integers(const json::object& entry, std::string_view key,
                                std::string_view tensor) const {
    const json::value& value = member(entry, key, tensor);
    const json::array* list = value.if_array();
    if (!list) fail(tensor, "\"" + std::string(key) + "\" is not a list");
    if (list->size() > kMaxRank)
      fail(tensor, "\"" + std::string(key) + "\" has more than 64 numbers");
    std::vector<int64_t> result;
    for (const json::value& item : *list) {
      const int64_t* number = item.if_int64();
      if (!number || *number < 0) {
        fail(tensor, "\"" + std::string(key) +
                         "\" holds something else: expected integers from 0 to 2^63-1");
      }
      result.push_back(*number);
    }
    return result;
  }

  DType dtype(const json::object& entry, std::string_view tensor) const {
    const json::string* name = member(entry, "dtype", tensor).if_string();
    if (!name) fail(tensor, "\"dtype\" is not a string");
    for (const auto& [known, type] : kDTypes) {
      if (known == std::string_view(*name)) return type;
    }
    throw Error(ErrorCode::kUnsupported, what + ": tensor " + quoted_text(tensor) + ": dtype " +
                                             quoted_text(*name) + " is not supported");
  }

  StoredTensor tensor(std::string_view name, const json::value& value) const {
    const json::object* entry = value.if_object();
    if (!entry) fail(name, "is not an object");
    StoredTensor result;
    result.name = name;
    result.source = what;
    result.dtype = dtype(*entry, name);
    result.shape = integers(*entry, "shape", name);
    const std::vector<int64_t> offsets = integers(*entry, "data_offsets", name);
    if (offsets.size() != 2 || offsets[0] > offsets[1])
      fail(name, "\"data_offsets\" are not [begin, end]");
    if (static_cast<uint64_t>(offsets[1]) > data.size()) {
      fail(name, "ends at byte " + std::to_string(offsets[1]) + " of " +
                     std::to_string(data.size()) +
                     " bytes of data: the file is cut off or its header is wrong");
    }
    const int64_t size = offsets[1] - offsets[0];
    const std::optional<int64_t> expected = shape_product(result.shape, size_of(result.dtype));
    if (expected != size) {
      fail(name, "shape " + shape_text(result.shape) + " of " +
                     std::string(to_string(result.dtype)) + " needs " +
                     (expected ? std::to_string(*expected) : "more than 2^63") + " bytes, found " +
                     std::to_string(size));
    }
    result.bytes = data.subspan(static_cast<size_t>(offsets[0]), static_cast<size_t>(size));
    return result;
  }

  void check_metadata(const json::value& value) const {
    const json::object* entries = value.if_object();
    if (!entries) fail("\"__metadata__\" is not an object");
    for (const auto& [key, text] : *entries) {
      if (!text.is_string()) fail("\"__metadata__\": " + quoted_text(key) + " is not a string");
    }
  }

  // Every byte of the data belongs to exactly one tensor.
  void check_cover(const std::map<std::string, StoredTensor>& tensors) const {
    std::vector<const StoredTensor*> order;
    for (const auto& [name, tensor] : tensors) order.push_back(&tensor);
    const auto begin_of = [](const StoredTensor* t) {
      return std::pair(t->bytes.data(), t->bytes.size());
    };
    std::sort(order.begin(), order.end(),
              [&](auto* a, auto* b) { return begin_of(a) < begin_of(b); });
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

std::map<std::string, StoredTensor> parse_safetensors(std::span<const std::byte> bytes,
                                                      const std::string& what) {
  const uint64_t length = header_length(bytes, what);
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  const Reader reader{what, bytes.subspan(kLengthBytes + length)};
  if (header.empty() || header[0] != '{') reader.fail("the header is not a JSON object");

  json::monotonic_resource memory;
  const json::value document = parse_json(header, what + ": header", &memory);
  require_unique_keys(header, what + ": header");

  std::map<std::string, StoredTensor> tensors;
  for (const auto& [key, value] : document.as_object()) {
    if (key == "__metadata__") {
      reader.check_metadata(value);
    } else {
      tensors.emplace(key, reader.tensor(key, value));
    }
  }
  reader.check_cover(tensors);
  return tensors;
}

std::map<std::string, StoredTensor> read_safetensors(const std::filesystem::path& file) {
  const auto map = std::make_shared<const MappedFile>(file);
  std::map<std::string, StoredTensor> tensors = parse_safetensors(map->bytes(), file.string());
  for (auto& [name, tensor] : tensors) tensor.file = map;
  return tensors;
}

}  // namespace vecton
