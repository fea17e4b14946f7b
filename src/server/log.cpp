#include "server/log.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "base/call_stack.h"
#include "base/json_text.h"

namespace vecton::server {

namespace {

constexpr auto kGatherPause = std::chrono::milliseconds(100);  // between writes of gathered lines
constexpr size_t kMostPath = 200;                              // bytes of a request's path
constexpr size_t kMostGathered = 1 << 20;  // bytes; who logs more waits for the file to take them
constexpr int kFatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// The weights are read from mapped files: what is gone from one can't be read any more.
constexpr char kChangedFile[] =
    "SIGBUS: a file of the model was changed while it was served, or its disk failed. Put a new "
    "model beside the old one, never into its files";

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

std::string_view name_of(int number) {
  switch (number) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGILL:
      return "SIGILL";
    case SIGFPE:
      return "SIGFPE";
    case SIGABRT:
      return "SIGABRT";
    default:
      return kChangedFile;  // SIGBUS
  }
}

constexpr const char kInfoLevel[] = "INFO", kErrorLevel[] = "ERROR";

// A member of a JSON object, with a comma before it.
void add_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":");
  base::append_json_string(out, value);
}
void add_member(std::string& out, std::string_view name, int64_t value) {
  out.append(",\"").append(name).append("\":").append(std::to_string(value));
}

std::string in_milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", seconds * 1e3);
  return text;
}

std::string message_of(const AnsweredRequest& request) {
  std::string text(request.method);
  return text.append(" ").append(request.path.substr(0, kMostPath));
}

std::string text_of(const AnsweredRequest& request) {
  std::string text(request.peer);
  text.append(" \"").append(message_of(request)).append("\" ");
  text.append(std::to_string(request.status)).append(" ");
  text.append(in_milliseconds(request.seconds)).append(" ms");
  if (request.inputs) {
    text.append(", ").append(std::to_string(request.inputs)).append(" inputs, ");
    text.append(std::to_string(request.tokens)).append(" tokens");
  }
  if (!request.key_name.empty()) text.append(", ").append(request.key_name);
  return text.append(", ").append(request.id);
}

std::string fields_of(const AnsweredRequest& request) {
  std::string fields;
  add_member(fields, "request_id", request.id);
  if (!request.trace_id.empty()) add_member(fields, "trace_id", request.trace_id);
  add_member(fields, "client", request.peer);
  add_member(fields, "method", request.method);
  add_member(fields, "path", request.path.substr(0, kMostPath));
  add_member(fields, "status", int64_t{request.status});
  fields.append(",\"duration_ms\":").append(in_milliseconds(request.seconds));
  if (!request.model.empty()) add_member(fields, "model", request.model);
  if (request.inputs) {
    add_member(fields, "inputs", request.inputs);
    add_member(fields, "tokens", request.tokens);
  }
  if (!request.key_name.empty()) add_member(fields, "key", request.key_name);
  return fields;
}

}  // namespace

Log::Log(ServerOptions::LogLevel level, Format format, int file)
    : level_(level), format_(format), file_(file) {
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
  if (informs()) gather(message, {});
}

void Log::info(const AnsweredRequest& request) const {
  if (!informs()) return;
  if (format_ == Format::kJson) return gather(message_of(request), fields_of(request));
  gather(text_of(request), {});
}

void Log::gather(std::string_view message, std::string_view fields) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return gathered_.size() < kMostGathered; });
  const bool first = gathered_.empty();
  append(kInfoLevel, message, fields);
  if (first || gathered_.size() >= kMostGathered) changed_.notify_all();
}

void Log::error(std::string_view message, std::string_view id) const {
  if (level_ == ServerOptions::LogLevel::kOff) return;
  std::string fields;
  if (!id.empty()) add_member(fields, "request_id", id);
  std::unique_lock lock(mutex_);
  append(kErrorLevel, message, fields);
  write_all(lock);
}

void Log::notice(std::string_view message) const {
  if (level_ == ServerOptions::LogLevel::kOff) return;
  std::unique_lock lock(mutex_);
  append(kInfoLevel, message);
  write_all(lock);
}

void Log::flush() const {
  std::unique_lock lock(mutex_);
  write_all(lock);
}

// "2026-11-27T06:00:00.123Z message", or a JSON object with the fields that TEI's log has.
void Log::append(const char* level, std::string_view message, std::string_view fields) const {
  if (format_ == Format::kJson) {
    gathered_ += "{\"timestamp\":\"";
    append_time();
    gathered_.append("\",\"level\":\"").append(level).append("\"");
    add_member(gathered_, "message", message);
    gathered_.append(fields).append("}\n");
    return;
  }
  append_time();
  gathered_ += level == kErrorLevel ? " error: " : " ";
  for (const char c : message)
    gathered_ += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  gathered_ += '\n';
}

// The date is spelled once a second.
void Log::append_time() const {
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
  std::snprintf(part, sizeof part, ".%03dZ", static_cast<int>(now % 1000));
  gathered_ += second_text_;
  gathered_ += part;
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
    changed_.wait_for(lock, kGatherPause,
                      [this] { return ended_ || gathered_.size() >= kMostGathered; });
    write_all(lock);
  }
  write_all(lock);
}

void Log::flush_on_crash() const {
  base::prepare_call_stack();
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
    const bool json = log->format_ == Format::kJson;
    write_bytes(log->file_, json ? "{\"level\":\"ERROR\",\"message\":\"" : "error: ");
    write_bytes(log->file_, name_of(number));
    write_bytes(log->file_, ", in the calls");
    base::visit_call_stack([&](std::string_view place) {
      write_bytes(log->file_, " ");
      write_bytes(log->file_, place);
    });
    write_bytes(log->file_, json ? "\"}\n" : "\n");
    if (locked) log->mutex_.unlock();
  }
  ::raise(number);
}

}  // namespace vecton::server
