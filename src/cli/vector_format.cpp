#include "cli/vector_format.h"

#include <algorithm>
#include <filesystem>

#include "cli/answers.h"
#include "cli/array_header.h"
#include "cli/csv.h"
#include "cli/failure.h"
#include "cli/json_text.h"

namespace vecton::cli {

namespace {

const std::string* text_of(const Record& record) { return std::get_if<std::string>(&record.input); }

class JsonLines final : public VectorFormat {
 public:
  explicit JsonLines(bool with_text) : with_text_(with_text) {}

  void append(std::string& out, int64_t index, const Record& record,
              std::span<const float> values) const override {
    append_json_head(out, index, record, with_text_);
    out += ", \"embedding\": ";
    append_json_array(out, values);
    out += "}\n";
  }

 private:
  bool with_text_;
};

class Csv final : public VectorFormat {
 public:
  explicit Csv(bool with_text) : with_text_(with_text) {}

  std::string head(int64_t, int64_t columns) const override {
    std::string line = with_text_ ? "index,text" : "index";
    for (int64_t i = 0; i < columns; ++i) line += ",embedding_" + std::to_string(i);
    return line + "\n";
  }

  void append(std::string& out, int64_t index, const Record& record,
              std::span<const float> values) const override {
    append_number(out, index);
    if (with_text_) {
      out += ',';
      if (const std::string* text = text_of(record)) append_csv_field(out, *text);
    }
    for (float value : values) {
      out += ',';
      append_number(out, value);
    }
    out += '\n';
  }

 private:
  bool with_text_;
};

class Array : public VectorFormat {
 public:
  bool needs_file() const override { return true; }
  void append(std::string& out, int64_t, const Record&,
              std::span<const float> values) const override {
    out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
};

class Npy final : public Array {
 public:
  std::string head(int64_t rows, int64_t columns) const override {
    return npy_header(rows, columns);
  }
};

class Safetensors final : public Array {
 public:
  explicit Safetensors(std::string model) : model_(std::move(model)) {}
  std::string head(int64_t rows, int64_t columns) const override {
    return safetensors_header("embeddings", rows, columns, {{"model", model_}});
  }

 private:
  std::string model_;
};

}  // namespace

std::unique_ptr<VectorFormat> vector_format(const FormatOptions& options) {
  if (options.format == "csv") return std::make_unique<Csv>(options.with_text);
  if (options.format == "npy") return std::make_unique<Npy>();
  if (options.format == "safetensors") return std::make_unique<Safetensors>(options.model);
  return std::make_unique<JsonLines>(options.with_text);
}

std::string vector_format_name(const std::string& format, const std::string& path) {
  if (!format.empty()) return format;
  std::string ending = std::filesystem::path(path).extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
  if (ending.empty() || ending == ".jsonl" || ending == ".ndjson") return "jsonl";
  if (ending == ".csv" || ending == ".npy" || ending == ".safetensors") return ending.substr(1);
  throw Failure(ExitStatus::kUsage, path + ": can't tell the format by the ending \"" + ending +
                                        "\"; give --output-format jsonl, npy, safetensors or csv");
}

}  // namespace vecton::cli
