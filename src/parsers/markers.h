// Markers: finds any of a few texts in a stream of bytes, holding back no more than what may be the
// beginning of one.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::parsers {

class Markers {
 public:
  // None may be the beginning of another.
  explicit Markers(std::vector<std::string> texts);

  // Which marker ends with `c`. What is surely no part of one is appended to `passed`.
  std::optional<size_t> put(char c, std::string& passed);
  // Gives what is held, in the end.
  std::string flush();

  const std::string& text(size_t which) const { return texts_[which]; }

 private:
  std::vector<std::string> texts_;
  std::string held_;
  std::array<bool, 256> first_{};  // bytes that a marker begins with
};

// The one list behind the other.
std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b);

}  // namespace vecton::parsers
