// ByteSource: a file or standard input, read in order through one buffer. Used by the readers on
// one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vecton::cli {

class ByteSource {
 public:
  // The longest line or record that is read; longer ones are an error instead of memory without
  // bound.
  static constexpr size_t kMaxRecord = 64u << 20;

  // `path` "-" is standard input. Failure (kInput) if it can't be opened.
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // The next byte, or -1 at the end. Throws Interrupted when a signal came while waiting.
  int get() {
    if (at_ == end_ && !fill()) return -1;
    return static_cast<unsigned char>(buffer_[at_++]);
  }
  // The byte that get() would give.
  int peek() {
    if (at_ == end_ && !fill()) return -1;
    return static_cast<unsigned char>(buffer_[at_]);
  }

  // Reads up to and without the next line feed (and a carriage return before it). False at the end.
  bool read_line(std::string& line);

  // Whether reading on would not have to wait for whoever writes the input.
  bool ready() const;

  const std::string& name() const { return name_; }  // for messages
  int64_t line() const { return line_; }  // number of the line that read_line() gave last
  // Share of the input that was read, or -1 when its size is unknown.
  double share() const;

 private:
  bool fill();

  std::string name_, buffer_;
  int fd_ = -1;
  size_t at_ = 0, end_ = 0;
  int64_t read_ = 0, size_ = 0, line_ = 0;
  bool at_end_ = false;
};

}  // namespace vecton::cli
