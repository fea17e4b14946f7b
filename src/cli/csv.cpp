#include "cli/csv.h"

#include "cli/failure.h"

namespace vecton::cli {

void CsvReader::fail(const std::string& what) const {
  throw Failure(ExitStatus::kInput, source_.name() + ":" + std::to_string(begin_) + ": " + what);
}

void CsvReader::take(std::string& field, int byte) {
  if (++size_ > ByteSource::kMaxRecord) fail("the record is longer than 64 MiB");
  if (byte == '\n') ++line_;
  field += static_cast<char>(byte);
}

void CsvReader::read_quoted(std::string& field) {
  source_.get();  // the opening quote
  for (;;) {
    const int byte = source_.get();
    if (byte < 0) fail("a quote is opened and never closed");
    if (byte == '"') {
      if (source_.peek() != '"') break;
      source_.get();
    }
    take(field, byte);
  }
  const int after = source_.peek();
  if (after >= 0 && after != ',' && after != '\r' && after != '\n') {
    fail("text follows a closing quote; quotes inside a quoted field are written twice");
  }
}

void CsvReader::read_field(std::string& field) {
  if (source_.peek() == '"') {
    read_quoted(field);
    return;
  }
  for (int byte = source_.peek(); byte >= 0 && byte != ',' && byte != '\n'; byte = source_.peek()) {
    source_.get();
    if (byte == '\r' && (source_.peek() == '\n' || source_.peek() < 0)) return;
    take(field, byte);
  }
}

bool CsvReader::next(std::vector<std::string>& fields, int64_t& line) {
  fields.clear();
  size_ = 0;
  while (source_.peek() == '\n' || source_.peek() == '\r') {
    if (source_.get() == '\n') ++line_;
  }
  if (source_.peek() < 0) return false;
  line = begin_ = line_;
  for (;;) {
    read_field(fields.emplace_back());
    int byte = source_.get();
    if (byte == '\r' && source_.peek() == '\n') byte = source_.get();
    if (byte == ',') continue;
    if (byte == '\n') ++line_;
    return true;
  }
}

void append_csv_field(std::string& out, std::string_view field) {
  if (field.find_first_of(",\"\r\n") == field.npos) {
    out += field;
    return;
  }
  out += '"';
  for (char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace vecton::cli
