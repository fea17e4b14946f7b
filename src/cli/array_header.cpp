#include "cli/array_header.h"

#include <bit>
#include <span>

#include "cli/json_text.h"

namespace vecton::cli {

namespace {

static_assert(std::endian::native == std::endian::little, "array files are little-endian");

constexpr size_t kAlignment = 64;  // bytes, of the first value

using Metadata = std::vector<std::pair<std::string, std::string>>;

void append_metadata(std::string& out, const Metadata& metadata) {
  out += "\"__metadata__\":{";
  for (size_t i = 0; i < metadata.size(); ++i) {
    if (i > 0) out += ',';
    base::append_json_string(out, metadata[i].first);
    out += ':';
    base::append_json_string(out, metadata[i].second);
  }
  out += '}';
}

// Appends the entry of one tensor; `offset` moves past it.
void append_tensor(std::string& out, const TensorEntry& tensor, int64_t& offset) {
  int64_t bytes = sizeof(float);
  for (int64_t extent : tensor.shape) bytes *= extent;
  base::append_json_string(out, tensor.name);
  out += ":{\"dtype\":\"F32\",\"shape\":";
  append_json_array(out, std::span<const int64_t>(tensor.shape));
  out +=
      ",\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(offset + bytes) + "]}";
  offset += bytes;
}

std::string tensors_json(const std::vector<TensorEntry>& tensors, const Metadata& metadata) {
  std::string text = "{";
  append_metadata(text, metadata);
  int64_t offset = 0;
  for (const TensorEntry& tensor : tensors) {
    text += ',';
    append_tensor(text, tensor, offset);
  }
  return text + "}";
}

// Length field, then the JSON padded with spaces so that the data begin at `size` or the next
// aligned byte.
std::string with_length(std::string text, size_t size) {
  const size_t whole = (std::max(size, text.size() + 8) + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(whole - 8, ' ');
  std::string header(8, '\0');
  for (size_t i = 0; i < 8; ++i) header[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
  return header + text;
}

}  // namespace

std::string npy_header(int64_t rows, int64_t columns) {
  constexpr size_t kSize = 128;
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) +
                     ", " + std::to_string(columns) + "), }";
  std::string header("\x93NUMPY\x01\x00", 8);
  text.resize(kSize - header.size() - 2 - 1, ' ');
  text += '\n';
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

std::string safetensors_header(const std::string& name, int64_t rows, int64_t columns,
                               const Metadata& metadata) {
  constexpr size_t kDigits = 48;  // what longer numbers of rows and bytes may add
  const std::string empty = tensors_json({{name, {0, columns}}}, metadata);
  return with_length(tensors_json({{name, {rows, columns}}}, metadata), 8 + empty.size() + kDigits);
}

std::string safetensors_header(const std::vector<TensorEntry>& tensors, const Metadata& metadata) {
  return with_length(tensors_json(tensors, metadata), 0);
}

}  // namespace vecton::cli
