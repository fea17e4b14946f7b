#include "tokenizer/text.h"

#include <algorithm>

#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {
constexpr size_t kMostGrowth = 64,
                 kGrowthFree = 1 << 16;  // no real rule makes a text this much longer
}

void Text::assign(std::string_view bytes, uint32_t shift, bool tracked) {
  bytes_.assign(bytes);
  tracked_ = tracked;
  start_ = shift;
  limit_ = kGrowthFree + kMostGrowth * bytes.size();
  origins_.clear();
  if (!tracked) return;
  origins_.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = unicode::length_at(bytes, at);
    const Span origin{static_cast<uint32_t>(shift + at),
                      static_cast<uint32_t>(shift + at + length)};
    origins_.insert(origins_.end(), length, origin);
    at += length;
  }
}

void Text::assign(const Text& whole, Span part) {
  bytes_.clear();
  origins_.clear();
  tracked_ = whole.tracked_;
  start_ = whole.origin(part).begin;
  limit_ = whole.limit_;
  append(whole, part);
}

Text Text::empty_like() const {
  Text text;
  text.tracked_ = tracked_;
  text.start_ = start_;
  text.limit_ = limit_;
  return text;
}

void Text::check_size() const {
  if (bytes_.size() > limit_) {
    throw Error(ErrorCode::kInvalidArgument,
                "the tokenizer's rules make the text more than 64 times longer");
  }
}

Span Text::origin(Span part) const {
  if (!tracked_ || part.begin >= part.end || part.end > origins_.size()) return part;
  return {origins_[part.begin].begin, origins_[part.end - 1].end};
}

void Text::append(const Text& other, Span part) {
  bytes_.append(other.bytes_, part.begin, part.end - part.begin);
  if (tracked_) {
    origins_.insert(origins_.end(), other.origins_.begin() + part.begin,
                    other.origins_.begin() + part.end);
  }
}

void Text::append(std::string_view bytes, Span origin) {
  bytes_.append(bytes);
  check_size();
  if (tracked_) origins_.insert(origins_.end(), bytes.size(), origin);
}

void Text::rewrite(Span part, const std::vector<unicode::Change>& changes, size_t skip) {
  std::string bytes;
  std::vector<Span> origins;
  bytes.reserve(part.end - part.begin);
  size_t at = part.begin;  // the next byte of the part that nothing stands for yet
  const auto pass = [&](size_t characters) {
    for (; characters > 0 && at < part.end; --characters) at += unicode::length_at(bytes_, at);
  };
  pass(skip);
  for (const unicode::Change& change : changes) {
    if (tracked_) {
      // An inserted character shares the origin of the one before it.
      Span origin{start_, start_};
      if (change.change > 0) {
        if (at > 0) origin = origins_[at - 1];
      } else if (at < origins_.size()) {
        origin = origins_[at];
      }
      origins.insert(origins.end(), unicode::length(change.c), origin);
    }
    if (change.change <= 0) pass(1 + static_cast<size_t>(-change.change));
    unicode::append(bytes, change.c);
  }
  bytes_.replace(part.begin, part.end - part.begin, bytes);
  check_size();
  if (tracked_) {
    const auto hole = origins_.erase(origins_.begin() + part.begin, origins_.begin() + part.end);
    origins_.insert(hole, origins.begin(), origins.end());
  }
}

}  // namespace vecton::tokenizer
