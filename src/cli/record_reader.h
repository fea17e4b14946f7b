// RecordReader: the texts that a command works on, one after the other, from arguments or a file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vecton/request.h"

namespace CLI {
class App;
}

namespace vecton::cli {

struct Record {
  decltype(Prompt::input) input;      // a text, or token ids
  std::optional<std::string> id;      // a JSON line's "id"
  bool numeric_id = false;            // it was a whole number there, and is one in JSON again
  int64_t line = 0;                   // where it begins; 1 is the first
  std::optional<std::string> pair{};  // a second text, where one is asked for
  std::vector<Image> images{};        // before the text
  double share = -1;  // of the input up to its end, or -1 when the input's size is unknown

  size_t bytes() const;  // roughly what it holds in memory
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // False at the end. Failure (kInput, naming file and line) for what can't be read.
  virtual bool next(Record& record) = 0;
  // Whether next() would not have to wait for whoever writes the input.
  virtual bool ready() const { return true; }
  // Share of the input that was read, or -1 when its size is unknown.
  virtual double share() const { return -1; }
  // "texts.csv:12", for messages about a record.
  virtual std::string where(const Record& record) const = 0;
};

struct InputOptions {
  std::string path;    // "-" is standard input
  std::string format;  // txt, jsonl or csv; empty = by the name's ending
  std::string field = "text", column = "text";
  bool skip_bad_lines = false;  // what can't be read is left out and counted on stderr
  std::string pair;  // field or column of a second text that every record has; empty = none
  // Pictures beside the texts of the command line: one for each text, or several for one text that
  // each of them gets. A JSON line's are in its field "image": a path, or a list of them.
  bool has_images = false;
  std::vector<std::string> images{};
};

// Adds --input, --input-format, --field, --column and --skip-bad-lines.
void add_input_options(CLI::App& app, InputOptions& options);
// Adds --text, another way to give `texts`, and --image.
void add_image_options(CLI::App& app, InputOptions& options, std::vector<std::string>& texts);

// What a record's text is on a terminal.
std::string shown_text(const Record& record);

// Over texts of the command line, with the images that InputOptions says.
std::unique_ptr<RecordReader> read_arguments(std::vector<std::string> texts,
                                             std::vector<std::string> images = {});
// Over texts of the command line, and then pictures, each a document of its own.
std::unique_ptr<RecordReader> read_document_arguments(std::vector<std::string> texts,
                                                      const std::vector<std::string>& images);
// Over a file: txt has a text per line; jsonl an object per line with a text in `field` or token
// ids in "input_ids", or a bare string; csv a header and the text in `column` (a name, or a number
// from 1).
std::unique_ptr<RecordReader> read_file(const InputOptions& options);
// Whichever was given. Failure (kUsage) when both or none were.
std::unique_ptr<RecordReader> read_input(std::vector<std::string> texts,
                                         const InputOptions& options);

}  // namespace vecton::cli
