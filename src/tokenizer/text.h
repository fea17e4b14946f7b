// Text: a piece of input on its way through the pipeline, and where each of its bytes came from.
//
// Normalizers and pre-tokenizers rewrite it in place. Origins are kept only when somebody will ask
// for them (offsets, or a step that must know whether a word starts the input): `tracked`. One Text
// belongs to one call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unicode.h"

namespace vecton::tokenizer {

// A half-open range of bytes.
struct Span {
  uint32_t begin = 0, end = 0;
  bool operator==(const Span&) const = default;
};

class Text {
 public:
  // `bytes` is valid UTF-8 that starts at `shift` of the input.
  void assign(std::string_view bytes, uint32_t shift, bool tracked);
  void assign(const Text& whole, Span part);

  const std::string& bytes() const { return bytes_; }
  bool tracked() const { return tracked_; }
  bool empty() const { return bytes_.empty(); }
  // The range of the input that a part came from.
  Span origin(Span part) const;

  // Replaces the text, keeping no origins: for fast paths when !tracked().
  std::string& raw() { return bytes_; }

  // Replaces the part by new characters. `skip` characters of the part go first; each Change then
  // says what its character stands for (unicode.h). Characters of the part that nothing stands for
  // are dropped.
  void rewrite(Span part, const std::vector<unicode::Change>& changes, size_t skip = 0);
  void rewrite(const std::vector<unicode::Change>& changes, size_t skip = 0) {
    rewrite({0, static_cast<uint32_t>(bytes_.size())}, changes, skip);
  }

  // Keeps the characters for which `keep` holds.
  template <typename Keep>
  void filter(Keep&& keep);
  // Puts `to(c)` in the place of each character.
  template <typename To>
  void map(To&& to);

  // Appends a part of another text, or new characters that stand at `origin`.
  void append(const Text& other, Span part);
  void append(std::string_view bytes, Span origin);
  // An empty text that is tracked, and may grow, as this one.
  Text empty_like() const;

 private:
  void check_size() const;

  std::string bytes_;
  std::vector<Span> origins_;  // of each byte, when tracked
  uint32_t start_ = 0;         // where in the input the text starts
  bool tracked_ = false;
  size_t limit_ = 0;  // rules that would blow the text up further are refused
};

template <typename Keep>
void Text::filter(Keep&& keep) {
  std::vector<unicode::Change> changes;
  size_t skip = 0;
  bool dropped = false;
  for (size_t at = 0; at < bytes_.size();) {
    const char32_t c = unicode::next(bytes_, at);
    if (keep(c)) {
      changes.push_back({c, 0});
    } else {
      dropped = true;
      if (changes.empty()) {
        ++skip;
      } else {
        --changes.back().change;
      }
    }
  }
  if (dropped) rewrite(changes, skip);
}

template <typename To>
void Text::map(To&& to) {
  std::vector<unicode::Change> changes;
  for (size_t at = 0; at < bytes_.size();) changes.push_back({to(unicode::next(bytes_, at)), 0});
  rewrite(changes);
}

}  // namespace vecton::tokenizer
