// Numbers within bounds, as expressions over their digits.
#include <algorithm>

#include "base/json.h"
#include "grammar/json_text.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

// A decimal without its sign: digits before the point, and behind it without zeros at the end.
struct Magnitude {
  std::string whole, fraction;
  bool is_zero() const { return whole == "0" && fraction.empty(); }
};

bool is_negative(const std::string& decimal) { return decimal.starts_with('-'); }

Magnitude magnitude_of(std::string decimal) {
  if (is_negative(decimal)) decimal.erase(0, 1);
  const size_t point = decimal.find('.');
  Magnitude m{.whole = decimal.substr(0, point), .fraction = {}};
  if (point != std::string::npos) m.fraction = decimal.substr(point + 1);
  while (m.fraction.ends_with('0')) m.fraction.pop_back();
  return m;
}

class NumberTexts {
 public:
  NumberTexts(ExpressionPool& pool, bool integer) : pool_(pool), integer_(integer) {}

  Expr digit(char low, char high) {
    return low > high
               ? kNever
               : pool_.bytes(ByteSet::range(static_cast<uint8_t>(low), static_cast<uint8_t>(high)));
  }
  Expr digits(int64_t least, int64_t most = kUnbounded) {
    return pool_.repeat(digit('0', '9'), least, most);
  }
  Expr whole() { return pool_.any_of({pool_.byte('0'), pool_.concat(digit('1', '9'), digits(0))}); }
  Expr fraction() { return pool_.concat(pool_.byte('.'), digits(1)); }
  Expr exponent() {
    ByteSet e, sign;
    e.add('e');
    e.add('E');
    sign.add('+');
    sign.add('-');
    return pool_.sequence({pool_.bytes(e), pool_.optional(pool_.bytes(sign)), digits(1)});
  }
  Expr magnitude() {
    return integer_ ? whole() : pool_.concat(whole(), pool_.optional(fraction()));
  }

  // From a bound, or above it.
  Expr from(const Magnitude& bound, bool strict) { return bounded(bound, strict, true); }
  // Up to a bound, or below it.
  Expr up_to(const Magnitude& bound, bool strict) { return bounded(bound, strict, false); }

  // All of them, with exponents too.
  Expr any() {
    const Expr minus = pool_.byte('-');
    if (integer_)
      return pool_.any_of({whole(), pool_.sequence({minus, digit('1', '9'), digits(0)})});
    return pool_.sequence({pool_.optional(minus), magnitude(), pool_.optional(exponent())});
  }

  // Between the least and the most: from 0 up, and below 0 by what is without the sign.
  Expr within(const NumberBounds& bounds) {
    std::vector<Expr> positive{magnitude()}, negative{magnitude()};
    if (integer_) negative.push_back(from({"0", ""}, true));
    if (const auto& least = bounds.least) {
      const Magnitude m = magnitude_of(least->decimal);
      if (is_negative(least->decimal) && !m.is_zero()) {
        negative.push_back(up_to(m, least->strict));
      } else {
        positive.push_back(from(m, least->strict));
        // -0 is not below 0.
        negative.push_back(m.is_zero() && !least->strict ? up_to(m, false) : kNever);
      }
    }
    if (const auto& most = bounds.most) {
      const Magnitude m = magnitude_of(most->decimal);
      if (is_negative(most->decimal) && !m.is_zero()) {
        negative.push_back(from(m, most->strict));
        positive.push_back(kNever);
      } else {
        positive.push_back(up_to(m, most->strict));
        if (m.is_zero() && most->strict) negative.push_back(from(m, true));
      }
    }
    return pool_.any_of({pool_.all_of(std::move(positive)),
                         pool_.concat(pool_.byte('-'), pool_.all_of(std::move(negative)))});
  }

  // The values of a decimal in all their spellings.
  Expr spellings(const std::string& decimal) {
    const Magnitude m = magnitude_of(decimal);
    Expr zeros = pool_.repeat(pool_.byte('0'), 0);
    Expr e = m.fraction.empty() ? pool_.optional(pool_.concat(pool_.literal(".0"), zeros))
                                : pool_.concat(pool_.literal("." + m.fraction), zeros);
    if (integer_ && m.fraction.empty()) e = kEmptyText;
    e = pool_.concat(pool_.literal(m.whole), e);
    if (m.is_zero()) return pool_.concat(pool_.optional(pool_.byte('-')), e);
    return is_negative(decimal) ? pool_.concat(pool_.byte('-'), e) : e;
  }

 private:
  // Those with the same beginning as `n` whose next digit is above (below), then anything as long.
  Expr other_whole(const std::string& n, bool above) {
    const auto k = static_cast<int64_t>(n.size());
    Expr as_long = kNever;  // what follows the first i digits of n
    for (int64_t i = k; i-- > 0;) {
      const char c = n[static_cast<size_t>(i)];
      const char low = above ? static_cast<char>(c + 1) : (i == 0 && k > 1) ? '1' : '0';
      const char high = above ? '9' : static_cast<char>(c - 1);
      as_long = pool_.any_of({pool_.concat(digit(low, high), digits(k - i - 1, k - i - 1)),
                              pool_.concat(pool_.byte(static_cast<uint8_t>(c)), as_long)});
    }
    if (above) return pool_.any_of({pool_.concat(digit('1', '9'), digits(k)), as_long});
    if (k == 1) return as_long;
    return pool_.any_of(
        {pool_.byte('0'), pool_.concat(digit('1', '9'), digits(0, k - 2)), as_long});
  }

  Expr bounded(Magnitude bound, bool strict, bool least) {
    if (integer_ && !bound.fraction.empty()) {
      strict = least;  // above 1.5 is above 1; below 1.5 is up to 1
      bound.fraction.clear();
    }
    const Expr same = pool_.literal(bound.whole);
    if (integer_) return pool_.any_of({other_whole(bound.whole, least), strict ? kNever : same});
    const Expr other = pool_.concat(other_whole(bound.whole, least), pool_.optional(fraction()));
    return pool_.any_of(
        {other, pool_.concat(same, bounded_fraction(bound.fraction, strict, least))});
  }

  Expr bounded_fraction(const std::string& f, bool strict, bool least) {
    const Expr nonzero = pool_.sequence({digits(0), digit('1', '9'), digits(0)});
    const Expr point = pool_.byte('.');
    if (f.empty()) {
      if (least) return strict ? pool_.concat(point, nonzero) : pool_.optional(fraction());
      return strict ? kNever
                    : pool_.optional(pool_.concat(point, pool_.repeat(pool_.byte('0'), 1)));
    }
    std::vector<Expr> parts;
    for (size_t i = 0; i < f.size(); ++i) {
      const Expr head = pool_.literal(f.substr(0, i));
      const Expr other =
          least ? digit(static_cast<char>(f[i] + 1), '9') : digit('0', static_cast<char>(f[i] - 1));
      parts.push_back(pool_.sequence({head, other, digits(0)}));
      if (!least && i > 0) parts.push_back(head);
    }
    if (least) {
      parts.push_back(pool_.concat(pool_.literal(f), strict ? nonzero : digits(0)));
    } else if (!strict) {
      parts.push_back(pool_.concat(pool_.literal(f), pool_.repeat(pool_.byte('0'), 0)));
    }
    const Expr some = pool_.concat(point, pool_.any_of(std::move(parts)));
    return least ? some : pool_.optional(some);
  }

  ExpressionPool& pool_;
  const bool integer_;
};

// The digits of a multipleOf without its point, and how many stood behind it.
std::pair<uint64_t, int> divisor_of(const std::string& decimal) {
  const Magnitude m = magnitude_of(decimal);
  const std::string all = m.whole + m.fraction;
  uint64_t value = 0;
  for (const char c : all) {
    value = value * 10 + static_cast<uint64_t>(c - '0');
    if (value > 1'000'000'000)
      throw Error(ErrorCode::kUnsupported,
                  "multipleOf " + decimal + " is not taken: it has to have at most 9 digits");
  }
  return {value, static_cast<int>(m.fraction.size())};
}

}  // namespace

Expr JsonText::number(const NumberBounds& bounds) {
  std::string key = std::string(bounds.integer ? "i" : "n") + (bounds.fraction ? "f" : "");
  for (const auto* bound : {&bounds.least, &bounds.most}) {
    key += '|';
    if (*bound) key += (*bound)->decimal + ((*bound)->strict ? "<" : "");
  }
  for (const auto* list : {&bounds.divisors, &bounds.others, &bounds.excluded}) {
    key += '|';
    for (const std::string& value : *list) key += value + ",";
  }
  const auto [it, added] = numbers_.try_emplace(std::move(key), kNever);
  if (added) it->second = make_number(bounds);
  return it->second;
}

Expr JsonText::make_number(const NumberBounds& bounds) {
  NumberTexts texts(pool_, bounds.integer);
  if (bounds.are_none()) return texts.any();
  const Expr sign = pool_.optional(pool_.byte('-'));
  const auto multiples = [&](const std::string& text) {
    const auto [divisor, decimals] = divisor_of(text);
    return pool_.concat(sign, pool_.multiple_of(divisor, decimals));
  };
  Expr e = texts.within(bounds);
  for (const std::string& text : bounds.divisors) e = pool_.all_of({e, multiples(text)});
  for (const std::string& text : bounds.others)
    e = pool_.all_of({e, pool_.complement(multiples(text))});
  for (const std::string& value : bounds.excluded)
    e = pool_.all_of({e, pool_.complement(texts.spellings(value))});
  if (bounds.fraction) {
    const Expr zeros = pool_.concat(pool_.byte('.'), pool_.repeat(pool_.byte('0'), 1));
    const Expr integers = pool_.sequence({sign, texts.whole(), pool_.optional(zeros)});
    e = pool_.all_of({e, pool_.complement(integers)});
  }
  return e;
}

}  // namespace vecton::grammar
