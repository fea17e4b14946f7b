// Where results go. Output is the plain kind (standard output, a pipe, a device); PartialFile a
// file that appears under its name only when it is whole and that an interrupted run can go on
// with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/json.h"

namespace vecton::cli {

// Buffered bytes to a descriptor. flush() and the buffer's own flushing throw Failure (kInternal)
// when the system refuses them.
class Output {
 public:
  Output() = default;  // standard output
  explicit Output(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  std::string& buffer() { return buffer_; }  // append here, then written()
  void written() {
    if (buffer_.size() >= kFlushAt) flush();
  }
  void flush();

 private:
  static constexpr size_t kFlushAt = 256 << 10;
  int fd_ = 1;
  std::string name_ = "standard output", buffer_;
};

// Prints to standard output and flushes.
void print(std::string_view text);

// Results of a long run into FILE. They are written to FILE.partial; FILE.partial.json says how
// many of them are safe and what made them. finish() gives the file its name.
class PartialFile {
 public:
  struct State {
    int64_t rows = 0;
    uint64_t input_hash = 0;  // of the input of those rows
  };

  // `job` is everything the bytes depend on but the input. With `fresh` an unfinished run is
  // forgotten; otherwise it is gone on with, and Failure (kInput) tells which part of the job
  // differs.
  PartialFile(const std::filesystem::path& file, json::object job, bool fresh);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  const State& state() const { return state_; }  // what was found
  std::string& buffer() { return output_.buffer(); }
  void written() { output_.written(); }

  // Makes everything so far safe.
  void save(const State& state);
  // Writes the first bytes again and gives the file its name.
  void finish(std::string_view head);

  const std::filesystem::path& partial_path() const { return data_; }

 private:
  void load_state();

  std::filesystem::path file_, data_, notes_;
  json::object job_;
  int fd_ = -1;
  Output output_;
  State state_;
};

// Whether results can go to `path` by a PartialFile: nothing is there, or a regular file.
bool can_replace(const std::filesystem::path& path);

// A descriptor for writing to a pipe or a device. Failure (kInput) when it can't be opened.
int open_for_writing(const std::filesystem::path& path);

}  // namespace vecton::cli
