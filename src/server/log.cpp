#include "server/log.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace vecton::server {

namespace {

constexpr auto kPause = std::chrono::milliseconds(100);  // between writes of gathered lines
constexpr size_t kMostGathered = 1 << 20;  // bytes; who logs more waits for the file to take them
constexpr int kFatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// The weights are read from mapped files: what is gone from one can't be read any more.
constexpr std::string_view kChangedFile =
    "error: SIGBUS: a file of the model was changed while it was served, or its disk failed. Put a "
    "new model beside the old one, never into its files\n";

std::atomic<const Log*> crash_log{nullptr};

void write_bytes(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd ready{.fd = file, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
      continue;
    }
    if (written <= 0) return;  // nobody is there to be told
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

Log::Log(ServerOptions::LogLevel level, int file) : level_(level), file_(file) {
  if (informs()) writer_ = std::thread([this] { write_gathered(); });
}

Log::~Log() {
  const Log* self = this;
  crash_log.compare_exchange_strong(self, nullptr);
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void Log::info(std::string_view message) const {
  if (!informs()) return;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return gathered_.size() < kMostGathered; });
  const bool first = gathered_.empty();
  append("", message);
  if (first || gathered_.size() >= kMostGathered) changed_.notify_all();
}

void Log::error(std::string_view message) const {
  if (level_ == ServerOptions::LogLevel::kOff) return;
  std::unique_lock lock(mutex_);
  append("error: ", message);
  write_all(lock);
}

void Log::notice(std::string_view message) const {
  if (level_ == ServerOptions::LogLevel::kOff) return;
  std::unique_lock lock(mutex_);
  append("", message);
  write_all(lock);
}

void Log::flush() const {
  std::unique_lock lock(mutex_);
  write_all(lock);
}

// "2026-11-27T06:00:00.123Z message": the date is spelled once a second.
void Log::append(std::string_view prefix, std::string_view message) const {
  using namespace std::chrono;
  const int64_t now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  if (now / 1000 != second_) {
    second_ = now / 1000;
    const auto time = static_cast<std::time_t>(second_);
    std::tm utc{};
    gmtime_r(&time, &utc);
    char text[40];
    second_text_.assign(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc));
  }
  char part[8];
  std::snprintf(part, sizeof part, ".%03dZ ", static_cast<int>(now % 1000));
  gathered_ += second_text_;
  gathered_ += part;
  gathered_ += prefix;
  for (const char c : message)
    gathered_ += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  gathered_ += '\n';
}

// Lines keep their order: one thread writes at a time, the others wait for it.
void Log::write_all(std::unique_lock<std::mutex>& lock) const {
  changed_.wait(lock, [this] { return !busy_; });
  if (gathered_.empty()) return;
  writing_.swap(gathered_);
  busy_ = true;
  lock.unlock();
  write_bytes(file_, writing_);
  lock.lock();
  writing_.clear();
  busy_ = false;
  changed_.notify_all();
}

void Log::write_gathered() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    changed_.wait(lock, [this] { return ended_ || !gathered_.empty(); });
    changed_.wait_for(lock, kPause, [this] { return ended_ || gathered_.size() >= kMostGathered; });
    write_all(lock);
  }
  write_all(lock);
}

void Log::flush_on_crash() const {
  crash_log = this;
  for (const int number : kFatal) {
    struct sigaction action {};
    action.sa_handler = on_crash;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // the next one is the system's
    ::sigaction(number, &action, nullptr);
  }
}

// The process is broken: lines are taken without the lock if it is held, which may lose or double
// one, and the signal is raised again for what would have happened without us.
void Log::on_crash(int number) {
  if (const Log* log = crash_log.exchange(nullptr)) {
    const bool locked = log->mutex_.try_lock();
    if (log->busy_) write_bytes(log->file_, log->writing_);
    write_bytes(log->file_, log->gathered_);
    if (number == SIGBUS) write_bytes(log->file_, kChangedFile);
    if (locked) log->mutex_.unlock();
  }
  ::raise(number);
}

}  // namespace vecton::server
