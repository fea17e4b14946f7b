#include "gguf/header_reader.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>

#include "vecton/error.h"

namespace vecton::gguf {

namespace {

constexpr std::string_view kMagic = "GGUF";
// More than any model has; a list of them takes more memory than the bytes that it is made of.
constexpr uint64_t kMostKeys = 100'000, kMostTensors = 100'000, kMostDimensions = 4;
constexpr uint64_t kMostAlignment = 1 << 20;
// The least that a key and its value, a tensor and its place take.
constexpr uint64_t kKeyBytes = 8 + 4 + 1, kTensorBytes = 8 + 4 + 4 + 8;

// A name as messages show it: a hostile file writes neither control characters nor megabytes.
std::string shown(std::string_view name) {
  constexpr size_t kMost = 80;
  std::string text = "\"";
  for (const char c : name.substr(0, kMost))
    text += std::isprint(static_cast<unsigned char>(c)) ? c : '?';
  return text + (name.size() > kMost ? "...\"" : "\"");
}

// a * b, or the largest number.
uint64_t product(uint64_t a, uint64_t b) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  return b != 0 && a > kMost / b ? kMost : a * b;
}

}  // namespace

void HeaderReader::fail(const std::string& message) const {
  throw Error(ErrorCode::kCorrupt, what_ + ": " + message);
}

std::span<const std::byte> HeaderReader::take(uint64_t count, std::string_view of) {
  if (count > left()) {
    fail(std::string(of) + ": ends beyond the file, which has " + std::to_string(bytes_.size()) +
         " bytes: it is cut off or its header is wrong");
  }
  const auto taken = bytes_.subspan(at_, count);
  at_ += count;
  return taken;
}

template <class T>
T HeaderReader::number(std::string_view of) {
  T value;
  std::memcpy(&value, take(sizeof value, of).data(), sizeof value);
  return value;
}

std::string_view HeaderReader::string(std::string_view of) {
  const auto length = number<uint64_t>(of);
  const auto bytes = take(length, of);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void HeaderReader::version() {
  const auto magic = take(kMagic.size(), "the first four bytes");
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0)
    fail("is no GGUF file: it does not begin with \"GGUF\"");
  const auto version = number<uint32_t>("the version");
  if (version == 2 || version == 3) return;
  const bool swapped = (version & 0xffffu) == 0;
  throw Error(ErrorCode::kUnsupported,
              what_ + ": GGUF version " + std::to_string(version) +
                  (swapped ? " (the bytes of its numbers are in big-endian order)" : "") +
                  " is not supported; 2 and 3, little-endian, are");
}

uint64_t HeaderReader::count_of(std::string_view of, uint64_t least_bytes) {
  const auto count = number<uint64_t>(of);
  const uint64_t most = least_bytes == kKeyBytes ? kMostKeys : kMostTensors;
  if (count > most)
    fail(std::string(of) + " is " + std::to_string(count) + "; at most " + std::to_string(most) +
         " are read");
  return count;
}

ValueType HeaderReader::value_type(std::string_view key) {
  const auto type = number<uint32_t>(key);
  if (type > kLastValueType)
    fail(shown(key) + ": a value of type " + std::to_string(type) + ", which is not known");
  return static_cast<ValueType>(type);
}

Value HeaderReader::single(ValueType type, std::string_view key) {
  Value value{.type = type};
  if (type == ValueType::kString) {
    const std::string_view text = string(key);
    value.bytes = std::as_bytes(std::span(text));
  } else {
    value.bytes = take(static_cast<uint64_t>(size_of(type)), key);
  }
  return value;
}

Value HeaderReader::value(std::string_view key) {
  const ValueType type = value_type(key);
  if (type != ValueType::kArray) return single(type, key);
  Value value{.type = value_type(key), .is_array = true};
  if (value.type == ValueType::kArray) fail(shown(key) + ": an array of arrays is not read");
  value.count = number<uint64_t>(key);
  const uint64_t begin = at_;
  if (value.type == ValueType::kString) {
    if (product(value.count, sizeof(uint64_t)) > left())
      fail(shown(key) + ": " + std::to_string(value.count) + " strings in " +
           std::to_string(left()) + " bytes");
    for (uint64_t i = 0; i < value.count; ++i) string(key);
  } else {
    take(product(value.count, static_cast<uint64_t>(size_of(value.type))), key);
  }
  value.bytes = bytes_.subspan(begin, at_ - begin);
  return value;
}

void HeaderReader::metadata(uint64_t count, File& file) {
  file.metadata_.reserve(std::min(count, left() / kKeyBytes));
  for (uint64_t i = 0; i < count; ++i) {
    const std::string_view key = string("key " + std::to_string(i) + " of the metadata");
    file.metadata_.emplace_back(key, value(key));
  }
  std::ranges::sort(file.metadata_, {}, [](const auto& entry) { return entry.first; });
  const auto twice =
      std::ranges::adjacent_find(file.metadata_, {}, [](const auto& entry) { return entry.first; });
  if (twice != file.metadata_.end()) fail(shown(twice->first) + ": the key is there twice");
}

void HeaderReader::tensor(File& file, std::vector<Place>& places) {
  Tensor tensor{.name = string("tensor " + std::to_string(file.tensors_.size()))};
  tensor.source = what_;
  const std::string name = "tensor " + shown(tensor.name);
  const auto dimensions = number<uint32_t>(name);
  if (dimensions > kMostDimensions)
    fail(name + ": " + std::to_string(dimensions) + " dimensions; at most 4 are read");
  uint64_t numbers = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto size = number<uint64_t>(name);
    numbers = product(numbers, size);
    if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) ||
        numbers == std::numeric_limits<uint64_t>::max())
      fail(name + ": its dimensions are impossibly large");
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(size));
  }
  const auto type = number<uint32_t>(name);
  const TypeLayout* layout = find_type(type);
  if (!layout) {
    throw Error(ErrorCode::kUnsupported, what_ + ": " + name + ": " + type_name(type) +
                                             " is not supported; accepted are " + type_names());
  }
  tensor.type = layout->type;
  const auto block = static_cast<uint64_t>(layout->block);
  const int64_t columns = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (columns % layout->block != 0) {
    fail(name + ": rows of " + std::to_string(columns) + " numbers; " + std::string(layout->name) +
         " has blocks of " + std::to_string(block));
  }
  const auto offset = number<uint64_t>(name);
  // The size, with the data's place once that is known.
  const uint64_t size = product(numbers / block, static_cast<uint64_t>(layout->bytes));
  if (size > bytes_.size()) {
    fail(name + ": needs " + std::to_string(size) + " bytes, the file has " +
         std::to_string(bytes_.size()));
  }
  tensor.bytes = bytes_.first(size);
  places.push_back({file.tensors_.size(), offset});
  file.tensors_.push_back(std::move(tensor));
}

// The data begins at the next multiple of the alignment; no tensor reaches into another.
void HeaderReader::place(File& file, std::span<const Place> places) {
  const auto alignment =
      static_cast<uint64_t>(file.integer_or("general.alignment", 32, 1, kMostAlignment));
  const uint64_t begin = (at_ + alignment - 1) / alignment * alignment;
  std::vector<Place> order(places.begin(), places.end());
  std::ranges::sort(order, {}, &Place::offset);
  uint64_t end = 0;
  for (const Place& place : order) {
    Tensor& tensor = file.tensors_[place.tensor];
    const std::string name = "tensor " + shown(tensor.name);
    const uint64_t size = tensor.bytes.size();
    if (place.offset % alignment != 0)
      fail(name + ": its offset " + std::to_string(place.offset) + " is no multiple of " +
           std::to_string(alignment));
    if (place.offset < end) fail(name + ": overlaps another tensor");
    if (begin > bytes_.size() || place.offset > bytes_.size() - begin ||
        size > bytes_.size() - begin - place.offset) {
      fail(name + ": ends beyond the file, which has " + std::to_string(bytes_.size()) +
           " bytes: it is cut off or its header is wrong");
    }
    tensor.bytes = bytes_.subspan(begin + place.offset, size);
    end = place.offset + size;
  }
}

File HeaderReader::read() {
  File file;
  file.what_ = what_;
  version();
  const uint64_t tensors = count_of("the number of tensors", kTensorBytes);
  const uint64_t keys = count_of("the number of keys", kKeyBytes);
  metadata(keys, file);
  std::vector<Place> places;
  file.tensors_.reserve(std::min(tensors, left() / kTensorBytes));
  for (uint64_t i = 0; i < tensors; ++i) tensor(file, places);
  place(file, places);
  return file;
}

}  // namespace vecton::gguf
