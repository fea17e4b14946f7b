#include "parsers/markers.h"

#include <utility>

namespace vecton::parsers {

Markers::Markers(std::vector<std::string> texts) : texts_(std::move(texts)) {
  for (const std::string& text : texts_) first_[static_cast<unsigned char>(text.front())] = true;
}

std::optional<size_t> Markers::put(char c, std::string& passed) {
  if (held_.empty() && !first_[static_cast<unsigned char>(c)]) {
    passed += c;
    return {};
  }
  held_ += c;
  while (!held_.empty()) {
    bool beginning = false;
    for (size_t i = 0; i < texts_.size(); ++i) {
      if (!texts_[i].starts_with(held_)) continue;
      if (texts_[i].size() == held_.size()) {
        held_.clear();
        return i;
      }
      beginning = true;
    }
    if (beginning) return {};
    passed += held_.front();
    held_.erase(0, 1);
  }
  return {};
}

std::string Markers::flush() { return std::exchange(held_, {}); }

std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace vecton::parsers
