// Safetensors: named tensors of one mapped file. Format: 8 bytes little-endian header length, JSON
// header, data. https://huggingface.co/docs/safetensors
// Called by Weights; functions of their arguments, for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "tensor/dtype.h"

namespace vecton::checkpoint {

struct QuantisedTensor;

struct StoredTensor {
  std::string name;
  std::string source;  // what the file is called in messages
  tensor::DType dtype = tensor::DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  // little-endian, row-major; not always aligned to the dtype
  std::shared_ptr<const base::MappedFile> file;  // that the bytes lie in
  // Instead of `file`: bytes that lie in the file in another order.
  std::shared_ptr<const std::vector<std::byte>> copy;
  // Instead of `bytes`: those of its numbers, of its dtype, that are made when they are asked for.
  std::function<std::vector<std::byte>()> compute = {};
  // A matrix of codes and scales: what several tensors of the file say together. `bytes` are those
  // of its codes, as stored; dtype is float32.
  std::shared_ptr<const QuantisedTensor> quantised = {};
};

// By name.
using Tensors = std::map<std::string, StoredTensor>;

// Parses the header of bytes laid out as a safetensors file; nothing outside `bytes` is ever
// referred to. Errors (kCorrupt, kUnsupported for an unknown dtype) name `what` and the tensor.
Tensors parse_safetensors(std::span<const std::byte> bytes, const std::string& what);

// Maps a file.
Tensors read_safetensors(const std::filesystem::path& file);

}  // namespace vecton::checkpoint
