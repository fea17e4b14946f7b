// Log: lines on stderr, each with its time and written whole; text, or a JSON object a line.
// Thread-safe.
//
// Lines of requests gather in memory and are written together, some times in a second, by a thread
// of the log's own: a system call for each would cost more than a light model's answer. Notices and
// errors are written before the call returns, with all that came before them. Nothing is left
// behind at the end of the process: the destructor, flush() and a signal that kills the process
// write what has gathered.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "server/server.h"

namespace vecton::server {

// A request that was answered.
struct AnsweredRequest {
  std::string_view peer, method, path, id;
  std::string_view key_name, model, trace_id;  // empty where there is none
  int status;
  double seconds;
  int64_t inputs, tokens;
};

class Log {
 public:
  using Format = ServerOptions::LogFormat;

  explicit Log(ServerOptions::LogLevel level, Format format = Format::kText, int file = 2);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool informs() const { return level_ == ServerOptions::LogLevel::kInfo; }
  void info(std::string_view message) const;
  void info(const AnsweredRequest& request) const;
  // `id` of the request that it happened to; empty where it was none.
  void error(std::string_view message, std::string_view id = {}) const;
  // Said at every level but kOff: what whoever started the server waits for.
  void notice(std::string_view message) const;
  // Writes what has gathered.
  void flush() const;

  // From now on a signal that kills the process (SIGSEGV, SIGABRT ...) writes this log's lines
  // first, if it can, and one that says which signal it was and in which calls.
  void flush_on_crash() const;

 private:
  // A line of `fields`, JSON's with a comma before each, and of the message; with mutex_ held.
  void append(const char* level, std::string_view message, std::string_view fields = {}) const;
  void append_time() const;
  void gather(std::string_view message, std::string_view fields) const;
  void write_all(std::unique_lock<std::mutex>& lock) const;
  void write_gathered();
  static void on_crash(int number);

  const ServerOptions::LogLevel level_;
  const Format format_;
  const int file_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  mutable std::string gathered_, writing_;
  mutable bool busy_ = false;  // writing_ is on its way
  mutable int64_t second_ = -1;
  mutable std::string second_text_;  // "2026-11-27T06:00:00" of second_
  bool ended_ = false;
  std::thread writer_;
};

}  // namespace vecton::server
