#include "cli/record_reader.h"

#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "base/python_json.h"
#include "base/utf8.h"
#include "cli/arguments.h"
#include "cli/byte_source.h"
#include "cli/csv.h"
#include "cli/failure.h"
#include "vecton/error.h"

namespace vecton::cli {

namespace {

// Records of the command line, each called by `noun` and its number.
class ArgumentReader final : public RecordReader {
 public:
  ArgumentReader(std::string_view noun, std::vector<Record> records)
      : noun_(noun), records_(std::move(records)) {}

  bool next(Record& record) override {
    if (at_ == records_.size()) return false;
    record = std::move(records_[at_]);
    record.line = static_cast<int64_t>(++at_);
    return true;
  }
  std::string where(const Record& record) const override {
    return std::string(noun_) + " " + std::to_string(record.line);
  }

 private:
  std::string_view noun_;
  std::vector<Record> records_;
  size_t at_ = 0;
};

Record record_of(std::string text) {
  Record record;
  record.input = std::move(text);
  return record;
}

Image image_at(std::string path) { return {.bytes = {}, .source = std::move(path)}; }

class FileReader : public RecordReader {
 public:
  explicit FileReader(const InputOptions& options)
      : source_(options.path), skips_(options.skip_bad_lines) {}
  bool ready() const override { return source_.ready(); }
  double share() const override { return source_.share(); }
  std::string where(const Record& record) const override {
    return source_.name() + ":" + std::to_string(record.line);
  }

 protected:
  [[noreturn]] void fail(int64_t line, const std::string& what) const {
    throw Failure(ExitStatus::kInput, source_.name() + ":" + std::to_string(line) + ": " + what);
  }

  // Reads with `read` until it gives a record; what it can't read is left out where that is asked
  // for. False at the end.
  template <typename Read>
  bool next_good(Read&& read) {
    while (true) {
      try {
        if (read()) return true;
        break;
      } catch (const Failure& failure) {
        if (!skips_) throw;
        if (++skipped_ <= kNamed) std::fprintf(stderr, "vecton: skipped: %s\n", failure.what());
      }
    }
    if (skipped_ > 0) {
      std::fprintf(stderr, "vecton: %lld %s of %s could not be read and %s skipped\n",
                   static_cast<long long>(skipped_), skipped_ == 1 ? "line" : "lines",
                   source_.name().c_str(), skipped_ == 1 ? "was" : "were");
      skipped_ = 0;
    }
    return false;
  }

  // Says so, of the first, where a text is not UTF-8: such bytes become U+FFFD.
  void check_encoding(std::string_view text, int64_t line) {
    if (warned_ || utf8::is_valid(text)) return;
    warned_ = true;
    std::fprintf(stderr, "vecton: %s:%lld: is not UTF-8: bytes that are not are read as U+FFFD\n",
                 source_.name().c_str(), static_cast<long long>(line));
  }

  ByteSource source_;

 private:
  bool warned_ = false;
  static constexpr int64_t kNamed = 10;  // bad lines that are named; the others are counted
  bool skips_;
  int64_t skipped_ = 0;
};

class LineReader final : public FileReader {
 public:
  using FileReader::FileReader;
  bool next(Record& record) override {
    std::string line;
    if (!source_.read_line(line)) return false;
    check_encoding(line, source_.line());
    record = {.input = std::move(line), .line = source_.line()};
    return true;
  }
};

class JsonLineReader final : public FileReader {
 public:
  explicit JsonLineReader(const InputOptions& options)
      : FileReader(options),
        field_(options.field),
        pair_(options.pair),
        has_images_(options.has_images) {}

  bool next(Record& record) override {
    return next_good([&] { return read(record); });
  }

 private:
  bool read(Record& record) {
    std::string line;
    do {
      if (!source_.read_line(line)) return false;
    } while (line.find_first_not_of(" \t") == line.npos);
    record.line = source_.line();
    record.id.reset();
    const json::value value = parse(line);
    if (const json::string* text = value.if_string(); text && pair_.empty()) {
      record.input = std::string(*text);
      record.images.clear();
      return true;
    }
    const json::object* object = value.if_object();
    if (!object) {
      fail(record.line, pair_.empty() ? "expected an object or a string" : "expected an object");
    }
    record.images = has_images_ ? images_of(*object) : std::vector<Image>();
    const bool alone = !record.images.empty() && !object->contains(pair_.empty() ? field_ : pair_);
    record.input = alone && pair_.empty() ? std::string() : input_of(*object);
    if (!pair_.empty()) record.pair = alone ? std::string() : pair_of(*object);
    if (const json::value* id = object->if_contains("id")) {
      record.id = id_of(*id);
      record.numeric_id = id->is_number();
    }
    return true;
  }

  json::value parse(const std::string& line) const {
    try {
      return base::parse_python_json(line, "the line", base::BadBytes::kReplace);
    } catch (const Error& error) {
      fail(source_.line(), error.what());
    }
  }

  decltype(Prompt::input) input_of(const json::object& object) const {
    if (const json::value* text = object.if_contains(field_)) {
      if (const json::string* string = text->if_string()) return std::string(*string);
      if (text->is_array()) return ids_of(field_, text->get_array());
      fail(source_.line(), "field \"" + field_ + "\" is not a text");
    }
    const json::value* ids = object.if_contains("input_ids");
    if (ids && ids->is_array()) return ids_of("input_ids", ids->get_array());
    fail(source_.line(), "there is no field \"" + field_ + "\" (--field names another one)");
  }

  std::vector<Image> images_of(const json::object& object) const {
    const json::value* given = object.if_contains("image");
    if (!given || given->is_null()) return {};
    const json::array paths = given->is_array() ? given->get_array() : json::array{*given};
    std::vector<Image> images;
    for (const json::value& path : paths) {
      if (!path.is_string())
        fail(source_.line(), "field \"image\" holds something other than paths");
      images.push_back(image_at(std::string(path.get_string())));
    }
    return images;
  }

  std::string pair_of(const json::object& object) const {
    const json::value* text = object.if_contains(pair_);
    if (!text || !text->is_string())
      fail(source_.line(), "there is no text in the field \"" + pair_ + "\"");
    return std::string(text->get_string());
  }

  std::vector<int32_t> ids_of(const std::string& field, const json::array& array) const {
    std::vector<int32_t> ids;
    for (const json::value& value : array) {
      const int64_t* id = value.if_int64();
      if (!id || *id < 0 || *id > INT32_MAX) {
        fail(source_.line(), "field \"" + field + "\" holds something other than token ids");
      }
      ids.push_back(static_cast<int32_t>(*id));
    }
    return ids;
  }

  std::string id_of(const json::value& id) const {
    if (const json::string* string = id.if_string()) return std::string(*string);
    if (id.is_int64() || id.is_uint64()) return json::serialize(id);
    fail(source_.line(), "\"id\" is neither a string nor a whole number");
  }

  std::string field_, pair_;
  bool has_images_;
};

class CsvRecordReader final : public FileReader {
 public:
  explicit CsvRecordReader(const InputOptions& options)
      : FileReader(options), csv_(source_), has_pair_(!options.pair.empty()) {
    std::vector<std::string> header;
    int64_t line = 0;
    if (!csv_.next(header, line)) return;
    column_ = find_column(header, options.column);
    if (has_pair_) pair_column_ = find_column(header, options.pair);
  }

  bool next(Record& record) override {
    return next_good([&] { return read(record); });
  }

 private:
  bool read(Record& record) {
    if (!csv_.next(fields_, record.line)) return false;
    const size_t last = std::max(column_, has_pair_ ? pair_column_ : 0);
    if (last >= fields_.size()) {
      fail(record.line, "the record has " + std::to_string(fields_.size()) +
                            " columns; the text is in column " + std::to_string(last + 1));
    }
    if (has_pair_) record.pair = fields_[pair_column_];
    record.input = std::move(fields_[column_]);
    record.id.reset();
    return true;
  }

  size_t find_column(const std::vector<std::string>& header, const std::string& column) const {
    const auto named = std::ranges::find(header, column);
    if (named != header.end()) return static_cast<size_t>(named - header.begin());
    size_t number = 0;
    const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), number);
    if (error == std::errc() && end == column.data() + column.size() && number >= 1 &&
        number <= header.size()) {
      return number - 1;
    }
    std::string names;
    for (const std::string& name : header) names += (names.empty() ? "" : ", ") + name;
    fail(1, "there is no column \"" + column + "\"; --column names one of: " + names);
  }

  CsvReader csv_;
  std::vector<std::string> fields_;
  size_t column_ = 0, pair_column_ = 0;
  bool has_pair_;
};

std::string format_of(const InputOptions& options) {
  if (!options.format.empty()) return options.format;
  std::string ending = std::filesystem::path(options.path).extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
  if (ending == ".jsonl" || ending == ".ndjson") return "jsonl";
  if (ending == ".csv") return "csv";
  if (ending == ".txt" || ending.empty() || options.path == "-") return "txt";
  throw Failure(ExitStatus::kUsage, options.path + ": can't tell the format by the ending \"" +
                                        ending + "\"; give --input-format txt, jsonl or csv");
}

}  // namespace

size_t Record::bytes() const {
  const auto* text = std::get_if<std::string>(&input);
  return sizeof *this + (pair ? pair->size() : 0) +
         (text ? text->size() : std::get<1>(input).size() * sizeof(int32_t));
}

std::string shown_text(const Record& record) {
  const auto* text = std::get_if<std::string>(&record.input);
  if (text && text->empty() && !record.images.empty()) return record.images.front().source;
  return text ? *text : std::to_string(std::get<1>(record.input).size()) + " token ids";
}

void add_input_options(CLI::App& app, InputOptions& options) {
  app.add_option(
         "-i,--input", options.path,
         "File of texts; - is standard input. txt: a text per line; jsonl: an object with a "
         "text, or a string, per line; csv: a header and records")
      ->type_name("FILE");
  app.add_option("--input-format", options.format, "Format of the input [by the file's ending]")
      ->type_name("FORMAT")
      ->check(one_of({"txt", "jsonl", "csv"}));
  app.add_option("--field", options.field, "Field of a JSON line that holds the text [text]")
      ->type_name("NAME");
  app.add_option("--column", options.column,
                 "Column of a CSV file that holds the text: a name, or a number from 1 [text]")
      ->type_name("NAME");
  app.add_flag("--skip-bad-lines", options.skip_bad_lines,
               "Go on after a line of JSON, or a record of CSV, that can't be read, and count them "
               "[an error]");
}

void add_image_options(CLI::App& app, InputOptions& options, std::vector<std::string>& texts) {
  options.has_images = true;
  app.add_option_function<std::vector<std::string>>(
         "--text",
         [&texts](const std::vector<std::string>& more) {
           texts.insert(texts.end(), more.begin(), more.end());
         },
         "A text; again for more")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_option("--image", options.images,
                 "A picture, beside a text or alone; again for more. With several texts there must "
                 "be as many, and one text goes with each")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

std::unique_ptr<RecordReader> read_arguments(std::vector<std::string> texts,
                                             std::vector<std::string> images) {
  if (texts.empty()) texts.resize(images.size());
  if (texts.size() == 1 && images.size() > 1) texts.resize(images.size(), std::string(texts[0]));
  if (!images.empty() && texts.size() != images.size()) {
    throw Failure(ExitStatus::kUsage, "Mismatched multimodal batch sizes: got " +
                                          std::to_string(texts.size()) + " text item(s) and " +
                                          std::to_string(images.size()) +
                                          " image item(s): give one text, or one for each --image");
  }
  std::vector<Record> records;
  records.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    records.push_back(record_of(std::move(texts[i])));
    if (!images.empty()) records.back().images = {image_at(std::move(images[i]))};
  }
  return std::make_unique<ArgumentReader>("text", std::move(records));
}

std::unique_ptr<RecordReader> read_document_arguments(std::vector<std::string> texts,
                                                      const std::vector<std::string>& images) {
  std::vector<Record> records;
  records.reserve(texts.size() + images.size());
  for (std::string& text : texts) records.push_back(record_of(std::move(text)));
  for (const std::string& image : images) {
    records.push_back(record_of({}));
    records.back().images = {image_at(image)};
  }
  return std::make_unique<ArgumentReader>("document", std::move(records));
}

std::unique_ptr<RecordReader> read_file(const InputOptions& options) {
  const std::string format = format_of(options);
  if (format == "jsonl") return std::make_unique<JsonLineReader>(options);
  if (format == "csv") return std::make_unique<CsvRecordReader>(options);
  if (!options.pair.empty()) {
    throw Failure(ExitStatus::kUsage,
                  options.path + ": a line of a txt file is one text; pairs come as jsonl or csv");
  }
  return std::make_unique<LineReader>(options);
}

std::unique_ptr<RecordReader> read_input(std::vector<std::string> texts,
                                         const InputOptions& options) {
  if ((!texts.empty() || !options.images.empty()) && !options.path.empty()) {
    throw Failure(ExitStatus::kUsage, "give texts as arguments or --input, not both");
  }
  if (!texts.empty() || !options.images.empty())
    return read_arguments(std::move(texts), options.images);
  if (!options.path.empty()) return read_file(options);
  if (isatty(STDIN_FILENO) == 0) {
    InputOptions piped = options;
    piped.path = "-";
    return read_file(piped);
  }
  throw Failure(ExitStatus::kUsage, "there is nothing to read: give texts, or --input FILE");
}

}  // namespace vecton::cli
