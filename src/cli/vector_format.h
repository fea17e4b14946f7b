// VectorFormat: how vectors become bytes of a file, row by row. Immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "cli/record_reader.h"

namespace vecton::cli {

class VectorFormat {
 public:
  virtual ~VectorFormat() = default;
  // The file's opening bytes: as many for any number of rows.
  virtual std::string head(int64_t rows, int64_t columns) const { return ""; }
  // Appends row `index`.
  virtual void append(std::string& out, int64_t index, const Record& record,
                      std::span<const float> values) const = 0;
  // Whether head() changes with the rows, so that the file must be one that can be written twice.
  virtual bool needs_file() const { return false; }
};

struct FormatOptions {
  std::string format;      // jsonl, csv, npy or safetensors
  bool with_text = false;  // jsonl and csv: the text beside the vector
  std::string model;       // safetensors: noted in the metadata
};

std::unique_ptr<VectorFormat> vector_format(const FormatOptions& options);

// `format`, or what the ending of `path` says ("" and "-": jsonl). Failure (kUsage) for an unknown
// ending.
std::string vector_format_name(const std::string& format, const std::string& path);

}  // namespace vecton::cli
