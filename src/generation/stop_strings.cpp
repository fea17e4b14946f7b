#include "generation/stop_strings.h"

#include <algorithm>
#include <utility>

namespace vecton::generation {

StopStrings::StopStrings(std::vector<std::string> strings, bool include)
    : strings_(std::move(strings)), include_(include) {}

// The longest end of pending_ that a string begins with.
size_t StopStrings::held_back() const {
  size_t most = 0;
  const std::string_view open = std::string_view(pending_).substr(searched_from_);
  for (const std::string& string : strings_) {
    for (size_t length = std::min(string.size() - 1, open.size()); length > most; --length) {
      if (open.ends_with(std::string_view(string).substr(0, length))) most = length;
    }
  }
  return most;
}

std::string StopStrings::push(std::string_view piece, bool may_end) {
  if (found_) return {};
  if (strings_.empty()) return std::string(piece);
  pending_ += piece;
  if (!may_end) searched_from_ = pending_.size();
  size_t begin = 0, end = std::string::npos;
  for (size_t i = 0; i < strings_.size(); ++i) {
    const size_t at = pending_.find(strings_[i], searched_from_);
    if (at == std::string::npos || at + strings_[i].size() >= end) continue;
    begin = at;
    end = at + strings_[i].size();
    found_ = i;
  }
  if (found_) {
    std::string rest = pending_.substr(0, include_ ? end : begin);
    pending_.clear();
    return rest;
  }
  const size_t certain = pending_.size() - held_back();
  std::string text = pending_.substr(0, certain);
  pending_.erase(0, certain);
  searched_from_ -= std::min(searched_from_, certain);
  return text;
}

std::string StopStrings::finish() { return std::exchange(pending_, {}); }

}  // namespace vecton::generation
