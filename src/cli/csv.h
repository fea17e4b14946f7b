// CSV as RFC 4180 has it: quoted fields may hold commas, line ends and doubled quotes. Lines may
// end in LF alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/byte_source.h"

namespace vecton::cli {

// Reads the next record; false at the end. `line` becomes the number of the line it begins on (the
// first is 1). Failure (kInput, with the line) for a quote that is never closed, text after a
// closing quote, or a record that is too long. Lines without any character are skipped.
class CsvReader {
 public:
  explicit CsvReader(ByteSource& source) : source_(source) {}
  bool next(std::vector<std::string>& fields, int64_t& line);

 private:
  void read_field(std::string& field);
  void read_quoted(std::string& field);
  void take(std::string& field, int byte);
  [[noreturn]] void fail(const std::string& what) const;

  ByteSource& source_;
  int64_t line_ = 1;   // of the next byte
  int64_t begin_ = 1;  // of the record being read
  size_t size_ = 0;    // bytes of the record being read
};

// Appends a field, quoted where it has to be.
void append_csv_field(std::string& out, std::string_view field);

}  // namespace vecton::cli
