// Log: lines on stderr, each written whole. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "vecton/server.h"

namespace vecton::server {

class Log {
 public:
  explicit Log(ServerOptions::LogLevel level) : level_(level) {}

  bool informs() const { return level_ == ServerOptions::LogLevel::kInfo; }
  void info(std::string_view message) const;
  void error(std::string_view message) const;
  // Said at every level but kOff: what whoever started the server waits for.
  void notice(std::string_view message) const;

 private:
  ServerOptions::LogLevel level_;
};

}  // namespace vecton::server
