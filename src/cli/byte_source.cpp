#include "cli/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/failure.h"
#include "cli/interrupt.h"

namespace vecton::cli {

namespace {
constexpr size_t kBuffer = 256 << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
}  // namespace

ByteSource::ByteSource(const std::string& path)
    : name_(path == "-" ? "standard input" : path), buffer_(kBuffer, '\0') {
  fd_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) throw Failure(ExitStatus::kInput, path + ": " + std::strerror(errno));
  struct stat info {};
  if (fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) size_ = info.st_size;
}

ByteSource::~ByteSource() {
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

bool ByteSource::fill() {
  if (at_end_) return false;
  ssize_t got = 0;
  InterruptGuard::wait_readable(fd_);
  while ((got = ::read(fd_, buffer_.data(), buffer_.size())) < 0) {
    if (errno != EINTR) {
      throw Failure(ExitStatus::kInput, name_ + ": " + std::strerror(errno));
    }
    InterruptGuard::check();
  }
  const std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
  if (read_ == 0 && (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff")))
    throw Failure(ExitStatus::kInput, name_ + ": is UTF-16: save it as UTF-8");
  at_ = read_ == 0 && bytes.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  end_ = bytes.size();
  read_ += got;
  at_end_ = got == 0;
  return at_ < end_ || fill();
}

bool ByteSource::read_line(std::string& line) {
  line.clear();
  if (peek() < 0) return false;
  ++line_;
  while (at_ < end_ || fill()) {
    const std::string_view rest(buffer_.data() + at_, end_ - at_);
    const size_t feed = rest.find('\n');
    line += rest.substr(0, feed);
    if (line.size() > kMaxRecord) {
      throw Failure(ExitStatus::kInput,
                    name_ + ":" + std::to_string(line_) + ": the line is longer than 64 MiB");
    }
    if (feed != rest.npos) {
      at_ += feed + 1;
      break;
    }
    at_ = end_;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

bool ByteSource::ready() const {
  if (at_ < end_ || at_end_ || size_ > 0) return true;
  pollfd wait{fd_, POLLIN, 0};
  return ::poll(&wait, 1, 0) != 0;
}

double ByteSource::share() const {
  if (size_ <= 0) return -1;
  const auto consumed = static_cast<double>(read_ - static_cast<int64_t>(end_ - at_));
  return std::min(1.0, consumed / static_cast<double>(size_));
}

}  // namespace vecton::cli
