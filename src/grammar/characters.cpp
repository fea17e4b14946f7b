#include "grammar/characters.h"

#include <algorithm>

#include "base/utf8.h"

namespace vecton::grammar {

namespace {

using Range = CharacterSet::Range;

Expr byte_range(ExpressionPool& pool, unsigned first, unsigned last) {
  return pool.bytes(ByteSet::range(first, last));
}

// Numbers from `first` to `last` in digits: `digit(low, high)` writes one, `digits` are left, each
// of `bits` bits.
template <typename Digit>
Expr number_range(ExpressionPool& pool, char32_t first, char32_t last, int digits, int bits,
                  const Digit& digit) {
  if (digits == 0) return kEmptyText;
  const int shift = bits * (digits - 1);
  const char32_t mask = (char32_t{1} << shift) - 1;
  const char32_t low = first >> shift, high = last >> shift;
  if (low == high || ((first & mask) == 0 && (last & mask) == mask))
    return pool.concat(digit(digits, low, high),
                       number_range(pool, first & mask, last & mask, digits - 1, bits, digit));
  std::vector<Expr> parts;
  char32_t from = low, to = high;
  if ((first & mask) != 0) {
    parts.push_back(pool.concat(digit(digits, low, low),
                                number_range(pool, first & mask, mask, digits - 1, bits, digit)));
    ++from;
  }
  if ((last & mask) != mask) {
    parts.push_back(pool.concat(digit(digits, high, high),
                                number_range(pool, 0, last & mask, digits - 1, bits, digit)));
    --to;
  }
  if (from <= to)
    parts.push_back(
        pool.concat(digit(digits, from, to), number_range(pool, 0, mask, digits - 1, bits, digit)));
  return pool.any_of(std::move(parts));
}

Expr utf8_range(ExpressionPool& pool, char32_t first, char32_t last) {
  static constexpr Range kLengths[] = {
      {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xFFFF}, {0x10000, 0x10FFFF}};
  static constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  std::vector<Expr> parts;
  for (int length = 1; length <= 4; ++length) {
    const char32_t from = std::max(first, kLengths[length - 1].first);
    const char32_t to = std::min(last, kLengths[length - 1].second);
    if (from > to) continue;
    if (length == 1) {
      parts.push_back(byte_range(pool, from, to));
      continue;
    }
    parts.push_back(
        number_range(pool, from, to, length, 6, [&](int left, char32_t low, char32_t high) {
          const unsigned mark = left == length ? kLead[length - 1] : 0x80u;
          return byte_range(pool, mark | low, mark | high);
        }));
  }
  return pool.any_of(std::move(parts));
}

Expr hex_digits(ExpressionPool& pool, unsigned low, unsigned high) {
  ByteSet set;
  for (unsigned d = low; d <= high; ++d) {
    set.add(static_cast<uint8_t>(d < 10 ? '0' + d : 'a' + d - 10));
    set.add(static_cast<uint8_t>(d < 10 ? '0' + d : 'A' + d - 10));
  }
  return pool.bytes(set);
}

Expr four_hex(ExpressionPool& pool, char32_t first, char32_t last) {
  return pool.concat(pool.literal("\\u"),
                     number_range(pool, first, last, 4, 4, [&](int, char32_t low, char32_t high) {
                       return hex_digits(pool, low, high);
                     }));
}

// \uXXXX, or a pair of surrogates.
Expr unicode_escape(ExpressionPool& pool, char32_t first, char32_t last) {
  std::vector<Expr> parts;
  if (first <= 0xFFFF) parts.push_back(four_hex(pool, first, std::min<char32_t>(last, 0xFFFF)));
  if (last > 0xFFFF) {
    const char32_t from = std::max<char32_t>(first, 0x10000) - 0x10000, to = last - 0x10000;
    parts.push_back(number_range(pool, from, to, 2, 10, [&](int left, char32_t low, char32_t high) {
      const char32_t mark = left == 2 ? 0xD800 : 0xDC00;
      return four_hex(pool, mark + low, mark + high);
    }));
  }
  return pool.any_of(std::move(parts));
}

}  // namespace

CharacterSet::CharacterSet(std::initializer_list<Range> ranges) {
  for (const auto& [first, last] : ranges) add(first, last);
}

void CharacterSet::add(char32_t first, char32_t last) {
  if (first <= last) ranges_.emplace_back(first, last);
}

void CharacterSet::add(const CharacterSet& other) {
  const std::vector<Range> more = other.ranges_;
  ranges_.insert(ranges_.end(), more.begin(), more.end());
}

void CharacterSet::add_other_case() {
  const std::vector<Range> now = ranges_;
  for (const auto& [first, last] : now) {
    for (char32_t c = std::max<char32_t>(first, 'A'); c <= std::min<char32_t>(last, 'z'); ++c) {
      if ((c >= 'A' && c <= 'Z') || c >= 'a') add(c ^ 0x20, c ^ 0x20);
    }
  }
}

std::vector<Range> CharacterSet::ranges() const {
  std::vector<Range> sorted = ranges_, joined, out;
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [first, last] : sorted) {
    if (!joined.empty() && first <= joined.back().second + 1) {
      joined.back().second = std::max(joined.back().second, last);
    } else {
      joined.emplace_back(first, last);
    }
  }
  for (const auto& [first, last] : joined) {
    if (first < 0xD800) out.emplace_back(first, std::min<char32_t>(last, 0xD7FF));
    if (last > 0xDFFF) out.emplace_back(std::max<char32_t>(first, 0xE000), last);
  }
  return out;
}

CharacterSet CharacterSet::inverted() const {
  CharacterSet out;
  char32_t at = 0;
  for (const auto& [first, last] : ranges()) {
    if (first > at) out.add(at, first - 1);
    at = last + 1;
  }
  out.add(at, kLast);
  return out;
}

CharacterSet CharacterSet::minus(const CharacterSet& other) const {
  CharacterSet out = inverted();
  out.add(other);
  return out.inverted();
}

bool CharacterSet::has(char32_t c) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const Range& r) { return r.first <= c && c <= r.second; });
}

Expr characters(ExpressionPool& pool, const CharacterSet& set, Spelling spelling) {
  std::vector<Expr> parts;
  if (spelling == Spelling::kUtf8) {
    for (const auto& [first, last] : set.ranges()) parts.push_back(utf8_range(pool, first, last));
    return pool.any_of(std::move(parts));
  }
  const CharacterSet special{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  for (const auto& [first, last] : set.minus(special).ranges())
    parts.push_back(utf8_range(pool, first, last));
  const CharacterSet plain{{0x20, 0x7E}};
  const CharacterSet escaped =
      spelling == Spelling::kJsonEscapes ? set : set.minus(plain.minus(special));
  for (const auto& [first, last] : escaped.ranges())
    parts.push_back(unicode_escape(pool, first, last));
  static constexpr std::pair<char32_t, char> kShort[] = {
      {'"', '"'}, {'\\', '\\'}, {8, 'b'}, {12, 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
  ByteSet short_escapes;
  for (const auto& [c, letter] : kShort) {
    if (set.has(c)) short_escapes.add(static_cast<uint8_t>(letter));
  }
  if (spelling == Spelling::kJsonEscapes && set.has('/')) short_escapes.add('/');
  parts.push_back(pool.concat(pool.byte('\\'), pool.bytes(short_escapes)));
  return pool.any_of(std::move(parts));
}

Expr text(ExpressionPool& pool, std::string_view plain, Spelling spelling) {
  if (spelling == Spelling::kUtf8) return pool.literal(plain);
  std::vector<Expr> parts;
  for (size_t at = 0; at < plain.size();) {
    const utf8::Character c = utf8::decode(plain, at);
    at += c.bytes;
    // What JSON writes in one way alone, and most names are made of.
    const bool itself = spelling == Spelling::kJson && c.code >= 0x20 && c.code < 0x7F &&
                        c.code != '"' && c.code != '\\';
    parts.push_back(itself ? pool.byte(static_cast<uint8_t>(c.code))
                           : characters(pool, {{c.code, c.code}}, spelling));
  }
  Expr e = kEmptyText;
  for (size_t i = parts.size(); i-- > 0;) e = pool.concat(parts[i], e);
  return e;
}

}  // namespace vecton::grammar
