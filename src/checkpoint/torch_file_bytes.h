// Bytes of a torch file, read field by field. Called by torch_file_*.cpp; one reader, one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

// Text of a file in quotes, whatever its bytes are.
inline std::string quoted_bytes(std::string_view text) {
  std::string ascii(text.substr(0, 300));
  std::ranges::replace_if(
      ascii, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return quoted_text(ascii);
}

class ByteReader {
 public:
  // `what` begins every message.
  ByteReader(std::span<const std::byte> bytes, std::string what)
      : bytes_(bytes), what_(std::move(what)) {}

  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }

  std::span<const std::byte> take(uint64_t count) {
    if (count > left()) {
      fail("needs " + std::to_string(count) + " bytes at byte " + std::to_string(at_) + ", found " +
           std::to_string(left()));
    }
    const auto part = bytes_.subspan(at_, static_cast<size_t>(count));
    at_ += part.size();
    return part;
  }
  std::string_view text(uint64_t count) {
    const auto part = take(count);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  void skip(uint64_t count) { take(count); }
  // Up to the next line feed, which is left out.
  std::string_view line() {
    const auto rest = bytes_.subspan(at_);
    const auto end = std::ranges::find(rest, std::byte{'\n'});
    if (end == rest.end()) fail("the line at byte " + std::to_string(at_) + " has no end");
    const std::string_view line = text(static_cast<uint64_t>(end - rest.begin()));
    skip(1);
    return line;
  }

  // Little-endian, of at most 8 bytes.
  uint64_t number(size_t width) {
    uint64_t value = 0;
    size_t shift = 0;
    for (const std::byte byte : take(width)) {
      value |= std::to_integer<uint64_t>(byte) << shift;
      shift += 8;
    }
    return value;
  }

  [[noreturn]] void fail(const std::string& message, ErrorCode code = ErrorCode::kCorrupt) const {
    throw Error(code, what_ + ": " + message);
  }

 private:
  std::span<const std::byte> bytes_;
  std::string what_;
  size_t at_ = 0;
};

}  // namespace vecton::checkpoint
