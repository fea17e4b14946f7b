// Keys: the metadata of one architecture, which of it was read, and what nobody may overlook.
// Used by gguf_config() alone.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "gguf/file.h"

namespace vecton::checkpoint {

class GgufKeys {
 public:
  GgufKeys(const gguf::File& file, std::string_view architecture)
      : file(file), prefix_(std::string(architecture) + ".") {}

  const gguf::File& file;

  // Keys without "llama."; reading marks them.
  bool has(std::string_view key) const { return file.has(full(key)); }
  bool is_array(std::string_view key) const;
  int64_t integer(std::string_view key);
  int64_t integer_or(std::string_view key, int64_t fallback);
  int64_t count_or(std::string_view key, int64_t fallback);  // 0 as well
  double number(std::string_view key) { return file.number(mark(key)); }
  double number_or(std::string_view key, double fallback) {
    return file.number_or(mark(key), fallback);
  }
  bool boolean_or(std::string_view key, bool fallback) {
    return file.boolean_or(mark(key), fallback);
  }
  std::vector<std::string_view> texts(std::string_view key) { return file.texts(mark(key)); }
  std::string text_or(std::string_view key, std::string_view fallback) {
    return std::string(file.text_or(mark(key), fallback));
  }
  // A number, or an array with one for each of `count` layers.
  std::vector<int64_t> integers_of_layers(std::string_view key, int64_t count);
  void ignore(std::string_view key) { mark(key); }
  [[noreturn]] void fail(std::string_view key, const std::string& message,
                         ErrorCode code = ErrorCode::kCorrupt) const {
    file.fail(full(key), message, code);
  }

  // Rows of a tensor; an error where it is missing or no matrix.
  int64_t rows(std::string_view tensor) const;

  // Refuses what changes the result and nobody read; the other unread keys are put into `config`
  // under their own names, where they are reported.
  void check_read(json::object& config) const;

 private:
  std::string full(std::string_view key) const { return prefix_ + std::string(key); }
  std::string mark(std::string_view key) { return *read_.insert(full(key)).first; }

  std::string prefix_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace vecton::checkpoint
