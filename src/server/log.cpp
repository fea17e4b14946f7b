#include "server/log.h"

#include <cstdio>

namespace vecton::server {

namespace {

void write(std::string_view prefix, std::string_view message) {
  std::string line(prefix);
  for (const char c : message) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void Log::info(std::string_view message) const {
  if (informs()) write("", message);
}

void Log::error(std::string_view message) const {
  if (level_ != ServerOptions::LogLevel::kOff) write("error: ", message);
}

void Log::notice(std::string_view message) const {
  if (level_ != ServerOptions::LogLevel::kOff) write("", message);
}

}  // namespace vecton::server
