// Precompiled: SentencePiece's character map, a double-array trie (Darts) from character sequences
// to what replaces them.
//
// Layout after base64: the trie's size in bytes as 4 bytes little-endian, the trie's 32-bit units,
// and the replacements, each ended by a zero byte. A unit holds a label, an offset to its children
// and, behind a leaf, the position of a replacement.
#include <array>
#include <cstring>
#include <optional>

#include "base/base64.h"
#include "base/utf8.h"
#include "tokenizer/normalizer.h"

namespace vecton::tokenizer {

namespace {

class Precompiled : public Normalizer {
 public:
  explicit Precompiled(const Field& field) {
    const Field map = field["precompiled_charsmap"];
    const std::optional<std::string> decoded = base::decode_base64(map.string());
    if (!decoded) map.fail(ErrorCode::kCorrupt, "is not base64");
    const std::string& blob = *decoded;
    uint32_t size = 0;
    if (blob.size() >= sizeof size) std::memcpy(&size, blob.data(), sizeof size);
    if (blob.size() < sizeof size || size % 4 != 0 || size > blob.size() - sizeof size) {
      map.fail(ErrorCode::kCorrupt, "is not a character map: its trie does not fit");
    }
    units_.resize(size / 4);
    if (size > 0) std::memcpy(units_.data(), blob.data() + sizeof size, size);
    replacements_ = blob.substr(sizeof size + size);
    if (!utf8::is_valid(replacements_))
      map.fail(ErrorCode::kCorrupt, "has replacements that are not UTF-8");
    for (int c = 0; c < 128; ++c) {
      const char byte = static_cast<char>(c);
      plain_[c] = !replacement({&byte, 1});
    }
  }

  void apply(Text& text) const override {
    const std::string& bytes = text.bytes();
    if (is_plain(bytes)) return;
    std::vector<unicode::Change> changes;
    changes.reserve(bytes.size());
    for (size_t at = 0; at < bytes.size();) {
      const size_t end = grapheme_end(bytes, at);
      const std::string_view grapheme = std::string_view(bytes).substr(at, end - at);
      // The reference tries short graphemes whole before it tries their characters.
      if (grapheme.size() < 6 && replace(grapheme, changes)) {
        at = end;
        continue;
      }
      while (at < end) {
        const size_t length = unicode::length_at(bytes, at);
        size_t next = at;
        const char32_t c = unicode::next(bytes, next);
        if (!replace(std::string_view(bytes).substr(at, length), changes))
          changes.push_back({c, 0});
        at = next;
      }
    }
    text.rewrite(changes);
  }

 private:
  bool is_plain(std::string_view bytes) const {
    char last = 0;
    for (const char c : bytes) {
      if (static_cast<unsigned char>(c) >= 0x80 || !plain_[static_cast<unsigned char>(c)])
        return false;
      if (c == '\n' && last == '\r') return false;  // one grapheme
      last = c;
    }
    return true;
  }

  static size_t grapheme_end(std::string_view bytes, size_t at) {
    char32_t last = unicode::next(bytes, at);
    while (at < bytes.size()) {
      size_t next = at;
      const char32_t c = unicode::next(bytes, next);
      if (!unicode::in_one_grapheme(last, c)) break;
      last = c;
      at = next;
    }
    return at;
  }

  bool replace(std::string_view part, std::vector<unicode::Change>& changes) const {
    const std::optional<std::string_view> found = replacement(part);
    if (!found) return false;
    // New characters stand for the old ones one by one; of more, the rest is inserted; of fewer,
    // the last stands for the rest.
    auto left = static_cast<int32_t>(utf8::count(part));
    for (size_t at = 0; at < found->size(); --left) {
      changes.push_back({unicode::next(*found, at), left > 0 ? 0 : 1});
    }
    if (left > 0 && !changes.empty()) changes.back().change -= left;
    return true;
  }

  // What the shortest key that starts `part` is replaced by.
  std::optional<std::string_view> replacement(std::string_view part) const {
    const auto offset = [](uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); };
    if (units_.empty()) return {};
    size_t node = offset(units_[0]);
    for (const char c : part) {
      const uint32_t label = static_cast<unsigned char>(c);
      node ^= label;
      if (label == 0 || node >= units_.size()) return {};
      const uint32_t unit = units_[node];
      if ((unit & (1u << 31 | 0xFF)) != label) return {};
      node ^= offset(unit);
      if (unit >> 8 & 1) {
        if (node >= units_.size()) return {};
        const size_t begin = units_[node] & 0x7FFFFFFF;
        if (begin >= replacements_.size()) return "";
        if (!utf8::begins_character(replacements_[begin])) return {};
        return std::string_view(replacements_.data() + begin);  // ends at its zero
      }
    }
    return {};
  }

  std::vector<uint32_t> units_;
  std::string replacements_;
  std::array<bool, 128> plain_;  // ASCII that stays as it is
};

}  // namespace

std::unique_ptr<const Normalizer> make_precompiled_normalizer(const Field& field) {
  return std::make_unique<Precompiled>(field);
}

}  // namespace vecton::tokenizer
