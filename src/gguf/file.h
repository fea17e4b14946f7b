// File: a GGUF file, or the parts of one that was split: its metadata and where its tensors lie.
// Everything that a header says of sizes, offsets and counts has been checked against the bytes
// that there are. Immutable, for any thread.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "gguf/types.h"
#include "gguf/value.h"
#include "vecton/error.h"

namespace vecton::gguf {

struct Tensor {
  std::string_view name;
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;  // the slowest dimension first: [rows, columns]
  std::span<const std::byte> bytes;
  std::shared_ptr<const base::MappedFile> file;  // that the bytes lie in; null in tests of bytes
  std::string source;                            // what the file is called in messages
};

class File {
 public:
  // Maps the file and, where it is the first of several ("x-00001-of-00003.gguf"), the others.
  // Errors (kCorrupt, kUnsupported) name the file and the key or the tensor.
  static File open(const std::filesystem::path& path);
  // One file's bytes; they must outlive it.
  static File parse(std::span<const std::byte> bytes, const std::string& what);

  const std::string& what() const { return what_; }  // the (first) file, for messages

  const Value* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // The keys, sorted.
  const std::vector<std::pair<std::string_view, Value>>& metadata() const { return metadata_; }

  // Typed; without the key or a fallback, or with another type, an error that names the key.
  int64_t integer(std::string_view key, int64_t least, int64_t most) const;
  int64_t integer_or(std::string_view key, int64_t fallback, int64_t least, int64_t most) const;
  double number(std::string_view key) const;  // finite
  double number_or(std::string_view key, double fallback) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  std::string_view text(std::string_view key) const;
  std::string_view text_or(std::string_view key, std::string_view fallback) const;
  // Arrays; empty where the key is missing.
  std::vector<int64_t> integers(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;
  std::vector<std::string_view> texts(std::string_view key) const;

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const Tensor* tensor(std::string_view name) const;

  [[noreturn]] void fail(std::string_view key, const std::string& message,
                         ErrorCode code = ErrorCode::kCorrupt) const;

 private:
  friend class HeaderReader;
  void join(File part);  // of a split file
  void sort_tensors();

  std::string what_;
  std::shared_ptr<const base::MappedFile> map_;  // that the keys lie in
  std::vector<std::pair<std::string_view, Value>> metadata_;
  std::vector<Tensor> tensors_;
  std::map<std::string_view, size_t> by_name_;
};

// Whether the path is a file that ends in ".gguf" or begins as GGUF files do.
bool is_gguf(const std::filesystem::path& path);

// "model-00002-of-00003.gguf": the second of three.
struct SplitName {
  std::string prefix;  // "model"
  int64_t number = 0, count = 0;
};
std::optional<SplitName> split_name(std::string_view file_name);
std::string name_of_part(const SplitName& name, int64_t number);

}  // namespace vecton::gguf
