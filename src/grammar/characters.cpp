#include "grammar/characters.h"

#include <algorithm>

#include "base/utf8.h"

namespace vecton::grammar {

namespace {

using Range = CharacterSet::Range;

Expr byte_range(ExpressionPool& pool, unsigned first, unsigned last) {
  return pool.bytes(ByteSet::range(first, last));
}

// The numbers of `ranges`, which are sorted and apart, in digits: `digit(left, low, high)` writes
// one, `digits` are left, each of `bits` bits. What may follow several digits is written once.
template <typename Digit>
Expr number_ranges(ExpressionPool& pool, const std::vector<Range>& ranges, int digits, int bits,
                   const Digit& digit) {
  if (digits == 0) return kEmptyText;
  const int shift = bits * (digits - 1);
  const char32_t mask = (char32_t{1} << shift) - 1;
  // What stands behind each digit; of digits with all behind them one stands for many.
  struct Run {
    char32_t low, high;
    std::vector<Range> rest;
  };
  std::vector<Run> runs;
  const auto add = [&](char32_t low, char32_t high, Range rest) {
    if (low > high) return;
    if (runs.empty() || runs.back().low != low) runs.push_back({low, high, {}});
    runs.back().rest.push_back(rest);
  };
  for (const auto& [first, last] : ranges) {
    const char32_t low = first >> shift, high = last >> shift;
    if (low == high) {
      add(low, low, {first & mask, last & mask});
      continue;
    }
    const bool from_zero = (first & mask) == 0, to_end = (last & mask) == mask;
    if (!from_zero) add(low, low, {first & mask, mask});
    add(from_zero ? low : low + 1, to_end ? high : high - 1, {0, mask});
    if (!to_end) add(high, high, {0, last & mask});
  }
  std::vector<std::pair<Expr, std::vector<Expr>>> by_rest;
  for (const Run& run : runs) {
    const Expr behind = number_ranges(pool, run.rest, digits - 1, bits, digit),
               one = digit(digits, run.low, run.high);
    const auto it = std::find_if(by_rest.begin(), by_rest.end(),
                                 [&](const auto& known) { return known.first == behind; });
    if (it == by_rest.end()) {
      by_rest.push_back({behind, {one}});
    } else {
      it->second.push_back(one);
    }
  }
  std::vector<Expr> parts;
  for (auto& [behind, of] : by_rest)
    parts.push_back(pool.concat(pool.any_of(std::move(of)), behind));
  return pool.any_of(std::move(parts));
}

// Those of the ranges that lie within one, less `minus`.
std::vector<Range> within(const std::vector<Range>& ranges, char32_t first, char32_t last,
                          char32_t minus = 0) {
  std::vector<Range> out;
  for (const Range& range : ranges) {
    const char32_t from = std::max(first, range.first), to = std::min(last, range.second);
    if (from <= to) out.emplace_back(from - minus, to - minus);
  }
  return out;
}

Expr utf8_ranges(ExpressionPool& pool, const std::vector<Range>& ranges) {
  static constexpr Range kLengths[] = {
      {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xFFFF}, {0x10000, 0x10FFFF}};
  static constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  std::vector<Expr> parts;
  for (int length = 1; length <= 4; ++length) {
    const std::vector<Range> some =
        within(ranges, kLengths[length - 1].first, kLengths[length - 1].second);
    if (length == 1) {
      for (const auto& [first, last] : some) parts.push_back(byte_range(pool, first, last));
      continue;
    }
    parts.push_back(
        number_ranges(pool, some, length, 6, [&](int left, char32_t low, char32_t high) {
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

Expr four_hex(ExpressionPool& pool, const std::vector<Range>& ranges) {
  return pool.concat(pool.literal("\\u"),
                     number_ranges(pool, ranges, 4, 4, [&](int, char32_t low, char32_t high) {
                       return hex_digits(pool, low, high);
                     }));
}

// \uXXXX, or a pair of surrogates.
Expr unicode_escapes(ExpressionPool& pool, const std::vector<Range>& ranges) {
  const std::vector<Range> pairs = within(ranges, 0x10000, CharacterSet::kLast, 0x10000);
  return pool.any_of({four_hex(pool, within(ranges, 0, 0xFFFF)),
                      number_ranges(pool, pairs, 2, 10, [&](int left, char32_t low, char32_t high) {
                        const char32_t mark = left == 2 ? 0xD800 : 0xDC00;
                        return four_hex(pool, {{mark + low, mark + high}});
                      })});
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

static Expr characters_in_json(ExpressionPool& pool, const CharacterSet& set, Spelling spelling) {
  std::vector<Expr> parts;
  const CharacterSet special{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  parts.push_back(utf8_ranges(pool, set.minus(special).ranges()));
  const CharacterSet plain{{0x20, 0x7E}};
  const CharacterSet escaped =
      spelling == Spelling::kJsonEscapes ? set : set.minus(plain.minus(special));
  parts.push_back(unicode_escapes(pool, escaped.ranges()));
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

Expr characters(ExpressionPool& pool, const CharacterSet& set, Spelling spelling) {
  const std::vector<Range> ranges = set.ranges();
  std::vector<uint32_t> key{static_cast<uint32_t>(spelling)};
  for (const auto& [first, last] : ranges) key.insert(key.end(), {first, last});
  return pool.once(key, [&] {
    return spelling == Spelling::kUtf8 ? utf8_ranges(pool, ranges)
                                       : characters_in_json(pool, set, spelling);
  });
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
