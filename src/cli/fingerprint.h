// Short hashes that tell whether an unfinished run still has the model and the input it began with.
// Not for security.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/record_reader.h"

namespace vecton::cli {

// FNV-1a, 64 bits.
class Hash {
 public:
  void add(std::string_view bytes);
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

// Of records one after the other.
class RecordHash {
 public:
  void add(const Record& record);
  uint64_t value() const { return hash_.value(); }

 private:
  Hash hash_;
};

// Of the names, sizes and times of the files that a model is read from, by folder or one by one.
// Failure (kInput) names what can't be looked at.
uint64_t fingerprint(const std::vector<std::filesystem::path>& sources);

// 16 hexadecimal digits.
std::string hex(uint64_t value);

}  // namespace vecton::cli
