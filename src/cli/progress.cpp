#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/counted.h"
#include "cli/display_width.h"
#include "cli/terminal.h"

namespace vecton::cli {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string progress_line(double share, const std::string& rest, int width) {
  constexpr int kMost = 24, kFewest = 6, kPercent = 7;  // " 100%  "
  if (share < 0) return fit(rest, width);
  share = std::clamp(share, 0.0, 1.0);
  int cells = std::min(kMost, width - kPercent - display_width(rest));
  if (cells < kFewest) cells = 0;
  const int full = static_cast<int>(share * cells);
  std::string text;
  for (int i = 0; i < cells; ++i) text += i < full ? "█" : "░";
  return fit(text + number(" %3.0f%%  ", std::floor(share * 100)) + rest, width);
}

std::string format_seconds(double seconds) {
  const auto total = static_cast<int64_t>(seconds + 0.5);
  char text[64];
  if (total < 60) {
    std::snprintf(text, sizeof text, "%d s", static_cast<int>(total));
  } else if (total < 3600) {
    std::snprintf(text, sizeof text, "%d:%02d", static_cast<int>(total / 60),
                  static_cast<int>(total % 60));
  } else {
    std::snprintf(text, sizeof text, "%lld:%02d:%02d", static_cast<long long>(total / 3600),
                  static_cast<int>(total / 60 % 60), static_cast<int>(total % 60));
  }
  return text;
}

std::string format_bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  // What would be shown as 1000 is one of the next unit.
  while (bytes >= (unit == 0 ? 999.5 : 999.95) && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return number(unit == 0 ? "%.0f " : "%.1f ", bytes) + kUnits[unit];
}

std::string format_count(int64_t count) {
  std::string text = std::to_string(count);
  for (auto at = static_cast<int>(text.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3) {
    text.insert(static_cast<size_t>(at), 1, ',');
  }
  return text;
}

bool StatusLine::due() const {
  return visible_ && (!drawn_ || Clock::now() - last_ > std::chrono::milliseconds(100));
}

void StatusLine::draw(double share, const std::string& rest) {
  if (!visible_) return;
  std::fprintf(stderr, "\r\x1b[K%s", progress_line(share, rest, terminal_width() - 1).c_str());
  std::fflush(stderr);
  last_ = Clock::now();
  drawn_ = true;
}

void StatusLine::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

Progress::Progress(bool visible, int64_t done, double share)
    : line_(visible), done_before_(done), share_before_(share) {}

double Progress::seconds() const { return seconds_since(start_); }

void Progress::update(int64_t done, double share) {
  if (!line_.due()) return;
  const double seconds = std::max(1e-9, this->seconds());
  std::string text = base::counted(done, "text") + ", " +
                     number("%.0f/s", static_cast<double>(done - done_before_) / seconds);
  const double gained = share - std::max(0.0, share_before_);
  if (share >= 0 && gained > 0) {
    text += ", " + format_seconds(seconds * (1 - share) / gained) + " left";
  }
  line_.draw(share, text);
}

void DownloadBar::update(const DownloadProgress& progress) {
  if (progress.file != file_) {
    file_ = progress.file;
    first_bytes_ = progress.file_bytes;
    start_ = Clock::now();
  }
  if (!line_.due()) return;
  const auto bytes = static_cast<double>(progress.file_bytes);
  const auto size = static_cast<double>(progress.file_size);
  const double rate = static_cast<double>(progress.file_bytes - first_bytes_) /
                      std::max(1e-3, seconds_since(start_));
  std::string text = progress.file + " (" + std::to_string(progress.files_done + 1) + " of " +
                     std::to_string(std::max(progress.files_total, progress.files_done + 1)) +
                     ")  " + format_bytes(bytes) + (size > 0 ? " of " + format_bytes(size) : "") +
                     ", " + format_bytes(rate) + "/s";
  if (size > bytes && rate > 0) text += ", " + format_seconds((size - bytes) / rate) + " left";
  line_.draw(size > 0 ? bytes / size : -1, text);
}

void ShareBar::update(int64_t done, int64_t total) {
  if (!line_.due() || total <= 0) return;
  const auto bytes = static_cast<double>(done), all = static_cast<double>(total);
  const double rate = bytes / std::max(1e-3, seconds_since(start_));
  std::string text =
      format_bytes(bytes) + " of " + format_bytes(all) + ", " + format_bytes(rate) + "/s";
  if (rate > 0) text += ", " + format_seconds((all - bytes) / rate) + " left";
  line_.draw(bytes / all, text);
}

}  // namespace vecton::cli
