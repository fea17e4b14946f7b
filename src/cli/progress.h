// Progress bars on standard error, drawn only where that is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "vecton/options.h"

namespace vecton::cli {

// "█████░░░  62%  124 texts, 31/s", at most `width` columns wide: the bar gives way first, then the
// end of `rest`. No bar where `share` is negative.
std::string progress_line(double share, const std::string& rest, int width);
// "1:02:03", "2:03", "12 s"
std::string format_seconds(double seconds);
// "1.5 GB", "23.0 MB", "512 B"
std::string format_bytes(double bytes);
// "12,345"
std::string format_count(int64_t count);

// One line that is drawn again and again; gone when the object is.
class StatusLine {
 public:
  explicit StatusLine(bool visible) : visible_(visible) {}
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool due() const;  // time to draw again
  // A bar of `share` where it is not negative, as wide as there is room for, and `rest`.
  void draw(double share, const std::string& rest);
  void clear();

 private:
  bool visible_, drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

// How far a run over texts is: share done, count, rate, time left.
class Progress {
 public:
  // `done` texts and `share` of the input were done by an earlier run.
  Progress(bool visible, int64_t done, double share);
  // `share` of [0, 1], or negative when the size of the input is unknown.
  void update(int64_t done, double share);
  void clear() { line_.clear(); }
  double seconds() const;

 private:
  StatusLine line_;
  int64_t done_before_;
  double share_before_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A download, as the hub reports it.
class DownloadBar {
 public:
  explicit DownloadBar(bool visible) : line_(visible) {}
  void update(const DownloadProgress& progress);

 private:
  StatusLine line_;
  std::string file_;
  int64_t first_bytes_ = 0;
  std::chrono::steady_clock::time_point start_{};
};

// Bytes of a known number.
class ShareBar {
 public:
  explicit ShareBar(bool visible) : line_(visible) {}
  void update(int64_t done, int64_t total);

 private:
  StatusLine line_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace vecton::cli
