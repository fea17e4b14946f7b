#include "grammar/expression.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

void add(ByteSet& set, const ByteSet& other) { set = set | other; }

// multiple_of: a = the divisor, b = remainder << 8 | places: decimals still to come, with kWhole
// before the point.
constexpr int64_t kWhole = 128;

// States that are looked at to know whether an expression has any text, and work of derivatives.
constexpr size_t kMaxSearched = 20'000;
constexpr size_t kMaxWork = 6'000'000;

uint64_t times10(uint64_t remainder, uint64_t digit, uint64_t divisor) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(remainder) * 10 + digit) % divisor);
}

}  // namespace

ExpressionPool::ExpressionPool() {
  nodes_.push_back({Kind::kNever, false, false, true, false, 0, 0, 0, 0, {}});
  nodes_.push_back({Kind::kEmptyText, true, false, true, false, 0, 0, 0, 0, {}});
  hashes_.assign(nodes_.size(), 0);
  interned_.assign(256, kNever);
  begin_use();
}

Expr ExpressionPool::intern(Node node) {
  size_t hash = static_cast<size_t>(node.kind);
  const auto mix = [&](int64_t v) {
    hash = (hash ^ static_cast<size_t>(v)) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  };
  mix(node.a);
  mix(node.b);
  mix(node.part);
  for (const Expr part : node.parts) mix(part);
  const auto low = static_cast<uint32_t>(hash);
  size_t mask = interned_.size() - 1, at = hash & mask;
  for (; interned_[at] != kNever; at = (at + 1) & mask) {
    const Expr known = interned_[at];
    const Node& other = nodes_[known];
    if (hashes_[known] == low && other.kind == node.kind && other.a == node.a &&
        other.b == node.b && other.part == node.part && other.parts == node.parts)
      return known;
  }
  if (nodes_.size() >= kMaxExpressions || node.descent > kMaxDescent)
    throw Error(ErrorCode::kInvalidArgument,
                "the structure asked for is too complex: its regular parts take more than " +
                    std::to_string(kMaxExpressions) + " states, or nest deeper than " +
                    std::to_string(kMaxDescent));
  nodes_.push_back(std::move(node));
  hashes_.push_back(low);
  const auto e = static_cast<Expr>(nodes_.size() - 1);
  interned_[at] = e;
  if (2 * nodes_.size() < interned_.size()) return e;
  interned_.assign(2 * interned_.size(), kNever);
  mask = interned_.size() - 1;
  for (Expr other = kEmptyText + 1; other <= e; ++other) {
    at = hashes_[other] & mask;
    while (interned_[at] != kNever) at = (at + 1) & mask;
    interned_[at] = other;
  }
  return e;
}

Expr ExpressionPool::bytes(const ByteSet& set) {
  if (set.empty()) return kNever;
  const auto [it, added] = set_numbers_.emplace(set, static_cast<int>(sets_.size()));
  if (added) sets_.push_back(set);
  return intern({Kind::kBytes, false, false, true, false, 0, it->second, 0, 0, {}});
}

Expr ExpressionPool::literal(std::string_view text) {
  Expr e = kEmptyText;
  for (size_t i = text.size(); i-- > 0;) e = concat(byte(static_cast<uint8_t>(text[i])), e);
  return e;
}

Expr ExpressionPool::trie(const std::vector<std::string_view>& texts, size_t begin, size_t end,
                          size_t depth) {
  // What all have in common.
  size_t same = depth;
  while (same < texts[begin].size() && texts[end - 1].size() > same &&
         texts[begin][same] == texts[end - 1][same])
    ++same;
  const Expr head = literal(texts[begin].substr(depth, same - depth));
  std::vector<Expr> branches;
  size_t at = begin;
  while (at < end && texts[at].size() == same) ++at;
  if (at > begin) branches.push_back(kEmptyText);
  while (at < end) {
    size_t next = at;
    while (next < end && texts[next][same] == texts[at][same]) ++next;
    branches.push_back(trie(texts, at, next, same));
    at = next;
  }
  return concat(head, any_of(std::move(branches)));
}

Expr ExpressionPool::any_literal(std::vector<std::string_view> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  // A chain of prefixes ("a", "aa", "aaa") nests as deep as it is long.
  if (texts.empty()) return kNever;
  size_t longest = 0;
  for (const std::string_view text : texts) longest = std::max(longest, text.size());
  if (longest > 256) {
    std::vector<Expr> parts;
    for (const std::string_view text : texts) parts.push_back(literal(text));
    return any_of(std::move(parts));
  }
  return trie(texts, 0, texts.size(), 0);
}

Expr ExpressionPool::concat(Expr first, Expr second) {
  if (first == kNever || second == kNever) return kNever;
  if (first == kEmptyText) return second;
  if (second == kEmptyText) return first;
  // Chains lean to the right.
  std::vector<Expr> heads;
  while (nodes_[first].kind == Kind::kConcat) {
    heads.push_back(nodes_[first].part);
    first = static_cast<Expr>(nodes_[first].a);
  }
  heads.push_back(first);
  for (size_t i = heads.size(); i-- > 0;) {
    const Node &x = nodes_[heads[i]], &y = nodes_[second];
    const int descent = 1 + (x.nullable ? std::max(x.descent, y.descent) : x.descent);
    second = intern({Kind::kConcat,
                     x.nullable && y.nullable,
                     x.may_be_vacant || y.may_be_vacant,
                     x.finite && y.finite,
                     !x.may_be_vacant && y.endless,
                     descent,
                     second,
                     0,
                     heads[i],
                     {}});
  }
  return second;
}

Expr ExpressionPool::sequence(std::initializer_list<Expr> parts) {
  Expr e = kEmptyText;
  for (const Expr* part = parts.end(); part != parts.begin();) e = concat(*--part, e);
  return e;
}

void ExpressionPool::flatten(Kind kind, const std::vector<Expr>& parts,
                             std::vector<Expr>& out) const {
  for (const Expr part : parts) {
    if (nodes_[part].kind == kind) {
      out.insert(out.end(), nodes_[part].parts.begin(), nodes_[part].parts.end());
    } else {
      out.push_back(part);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

std::optional<ExpressionPool::Counted> ExpressionPool::counted(Expr e) const {
  Counted out{kEmptyText, kNever, kEmptyText, 0, 0};
  const auto repeats = [&](Expr part) { return nodes_[part].kind == Kind::kRepeat; };
  if (nodes_[e].kind == Kind::kConcat && !repeats(nodes_[e].part)) {
    out.head = nodes_[e].part;
    e = static_cast<Expr>(nodes_[e].a);
  }
  if (nodes_[e].kind == Kind::kConcat && repeats(nodes_[e].part)) {
    out.rest = static_cast<Expr>(nodes_[e].a);
    e = nodes_[e].part;
  }
  if (!repeats(e)) return std::nullopt;
  out.body = nodes_[e].part;
  out.least = nodes_[e].a;
  out.most = nodes_[e].b;
  return out;
}

void ExpressionPool::merge_counts(std::vector<Expr>& parts) {
  std::vector<Counted> counts;
  std::vector<Expr> others;
  for (const Expr part : parts) {
    if (const std::optional<Counted> found = counted(part)) {
      counts.push_back(*found);
    } else {
      others.push_back(part);
    }
  }
  if (counts.size() < 2) return;
  std::sort(counts.begin(), counts.end(), [](const Counted& x, const Counted& y) {
    return std::tuple(x.head, x.body, x.rest, x.least) <
           std::tuple(y.head, y.body, y.rest, y.least);
  });
  std::vector<Counted> merged;
  for (const Counted& next : counts) {
    Counted* last = merged.empty() ? nullptr : &merged.back();
    const bool same = last && last->head == next.head && last->body == next.body &&
                      last->rest == next.rest &&
                      (last->most == kUnbounded || next.least <= last->most + 1);
    if (!same) {
      merged.push_back(next);
    } else if (last->most != kUnbounded) {
      last->most = next.most == kUnbounded ? kUnbounded : std::max(last->most, next.most);
    }
  }
  if (merged.size() == counts.size()) return;
  for (const auto& [head, body, rest, least, most] : merged)
    others.push_back(concat(head, concat(repeat(body, least, most), rest)));
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  parts = std::move(others);
}

Expr ExpressionPool::any_of(std::vector<Expr> parts) {
  std::vector<Expr> flat, kept;
  flatten(Kind::kAnyOf, parts, flat);
  ByteSet set;
  bool nullable = false, vacant = true, finite = true, endless = true;
  for (const Expr part : flat) {
    const Node& node = nodes_[part];
    if (node.kind == Kind::kNot && node.part == kNever) return part;
    if (node.kind == Kind::kBytes) {
      add(set, sets_[static_cast<size_t>(node.a)]);
    } else if (part != kNever) {
      kept.push_back(part);
    }
  }
  if (!set.empty()) kept.push_back(bytes(set));
  // The empty text is in what is nullable already.
  const bool other = std::any_of(kept.begin(), kept.end(),
                                 [&](Expr e) { return e != kEmptyText && nodes_[e].nullable; });
  if (other) std::erase(kept, kEmptyText);
  merge_counts(kept);
  std::sort(kept.begin(), kept.end());
  if (kept.empty()) return kNever;
  if (kept.size() == 1) return kept[0];
  int descent = 0;
  for (const Expr part : kept) {
    const Node& node = nodes_[part];
    nullable = nullable || node.nullable;
    vacant = vacant && node.may_be_vacant;
    finite = finite && node.finite;
    endless = endless && node.endless;
    descent = std::max(descent, node.descent);
  }
  return intern(
      {Kind::kAnyOf, nullable, vacant, finite, endless, descent + 1, 0, 0, 0, std::move(kept)});
}

Expr ExpressionPool::all_of(std::vector<Expr> parts) {
  std::vector<Expr> flat, kept;
  flatten(Kind::kAllOf, parts, flat);
  ByteSet set = ByteSet::all();
  bool one_byte = false, nullable = true, empty = false;
  for (const Expr part : flat) {
    const Node& node = nodes_[part];
    if (part == kNever) return kNever;
    if (node.kind == Kind::kNot && node.part == kNever) continue;
    empty = empty || part == kEmptyText;
    nullable = nullable && node.nullable;
    if (node.kind == Kind::kBytes) {
      one_byte = true;
      set = set & sets_[static_cast<size_t>(node.a)];
    } else {
      kept.push_back(part);
    }
  }
  if (empty) return nullable ? kEmptyText : kNever;
  if (one_byte) {
    const Expr part = bytes(set);
    if (part == kNever) return kNever;
    kept.push_back(part);
  }
  std::sort(kept.begin(), kept.end());
  if (kept.empty()) return complement(kNever);
  if (kept.size() == 1) return kept[0];
  int descent = 0;
  bool finite = false;
  size_t shaping = 0;  // parts that take out more than some texts
  bool endless = true;
  for (const Expr part : kept) {
    const Node& node = nodes_[part];
    descent = std::max(descent, node.descent);
    finite = finite || node.finite;
    endless = endless && node.endless;
    if (!excludes_few(part)) ++shaping;
  }
  endless = endless && shaping <= 1;
  return intern(
      {Kind::kAllOf, nullable, !endless, finite, endless, descent + 1, 0, 0, 0, std::move(kept)});
}

bool ExpressionPool::excludes_few(Expr e) const {
  return nodes_[e].kind == Kind::kNot && nodes_[nodes_[e].part].finite;
}

Expr ExpressionPool::complement(Expr part) {
  const Node& node = nodes_[part];
  if (node.kind == Kind::kNot) return node.part;
  return intern({Kind::kNot,
                 !node.nullable,
                 !node.finite,
                 false,
                 node.finite,
                 node.descent + 1,
                 0,
                 0,
                 part,
                 {}});
}

Expr ExpressionPool::repeat(Expr part, int64_t least, int64_t most) {
  if (most != kUnbounded && least > most) return kNever;
  const bool nullable = nodes_[part].nullable;
  if (nullable) least = 0;
  if (most == 0 || part == kEmptyText) return kEmptyText;
  if (part == kNever) return least == 0 ? kEmptyText : kNever;
  if (least == 1 && most == 1) return part;
  if (least == 0 && most == 1) return optional(part);
  if (nodes_[part].kind == Kind::kRepeat && nodes_[part].a == 0 && nodes_[part].b == kUnbounded)
    return part;  // of any number of times
  const Node& node = nodes_[part];
  return intern({Kind::kRepeat,
                 least == 0,
                 least > 0 && node.may_be_vacant,
                 node.finite && most != kUnbounded,
                 most == kUnbounded && !nullable && !node.may_be_vacant,
                 node.descent + 1,
                 least,
                 most,
                 part,
                 {}});
}

Expr ExpressionPool::open_loop(bool nullable) {
  // Its number makes it another one than all others.
  const auto number = static_cast<int64_t>(nodes_.size());
  return intern({Kind::kLoop, nullable, true, false, false, 1, number, 0, 0, {}});
}

void ExpressionPool::close_loop(Expr loop, Expr body) {
  nodes_[loop].part = body;
  nodes_[loop].descent = nodes_[body].descent + 1;
  if (nodes_[loop].descent > kMaxDescent || nodes_[body].nullable != nodes_[loop].nullable)
    throw Error(ErrorCode::kInvalidArgument,
                "the structure asked for is too complex: its regular parts nest deeper than " +
                    std::to_string(kMaxDescent));
}

bool ExpressionPool::multiple_nullable(const Node& node) const {
  // What is left to come may be left out: the missing decimals are zeros.
  const auto divisor = static_cast<uint64_t>(node.a);
  uint64_t remainder = static_cast<uint64_t>(node.b) >> 8;
  for (int64_t places = node.b & (kWhole - 1); places > 0; --places)
    remainder = times10(remainder, 0, divisor);
  return remainder == 0;
}

Expr ExpressionPool::multiple_of(uint64_t divisor, int decimals) {
  Node node{Kind::kMultiple,   false, true, false, false, 0, static_cast<int64_t>(divisor),
            kWhole | decimals, 0,     {}};
  node.nullable = multiple_nullable(node);
  return intern(std::move(node));
}

Expr ExpressionPool::derivative(Expr e, uint8_t byte) {
  switch (nodes_[e].kind) {
    case Kind::kNever:
    case Kind::kEmptyText:
      return kNever;
    case Kind::kBytes:
      return sets_[static_cast<size_t>(nodes_[e].a)].has(byte) ? kEmptyText : kNever;
    default:
      break;
  }
  static_assert(kMaxExpressions < 1 << 24);
  const uint32_t key = static_cast<uint32_t>(e) << 8 | byte;
  if (const Expr* known = derivatives_.find(key)) return *known;
  const Expr result = compute_derivative(e, byte);
  derivatives_.put(key, result);
  return result;
}

Expr ExpressionPool::compute_derivative(Expr e, uint8_t byte) {
  work_ += 1 + nodes_[e].parts.size();
  if (work_ > kMaxWork)
    throw Error(ErrorCode::kInvalidArgument,
                "the structure asked for is too complex: its regular parts take too long to match");
  // Nodes move when others are made.
  const Kind kind = nodes_[e].kind;
  const Expr part = nodes_[e].part;
  const int64_t a = nodes_[e].a, b = nodes_[e].b;
  switch (kind) {
    case Kind::kConcat: {
      const auto rest = static_cast<Expr>(a);
      const Expr first = concat(derivative(part, byte), rest);
      return nodes_[part].nullable ? any_of({first, derivative(rest, byte)}) : first;
    }
    case Kind::kAnyOf:
    case Kind::kAllOf: {
      const std::vector<Expr> parts = nodes_[e].parts;
      std::vector<Expr> derived;
      for (const Expr p : parts) {
        const Expr d = derivative(p, byte);
        if (kind == Kind::kAllOf && d == kNever) return kNever;
        if (d != kNever) derived.push_back(d);
      }
      return kind == Kind::kAnyOf ? any_of(std::move(derived)) : all_of(std::move(derived));
    }
    case Kind::kLoop:
      return derivative(part, byte);
    case Kind::kNot:
      return complement(derivative(part, byte));
    case Kind::kRepeat: {
      const Expr d = derivative(part, byte);
      if (d == kNever) return kNever;
      return concat(d, repeat(part, std::max<int64_t>(a - 1, 0), b == kUnbounded ? b : b - 1));
    }
    case Kind::kMultiple:
      return multiple_derivative(a, b, byte);
    default:
      return kNever;
  }
}

Expr ExpressionPool::multiple_derivative(int64_t divisor, int64_t state, uint8_t byte) {
  const bool whole = (state & kWhole) != 0;
  const int64_t places = state & (kWhole - 1);
  const uint64_t remainder = static_cast<uint64_t>(state) >> 8;
  int64_t next = 0;
  if (byte == '.') {
    if (!whole) return kNever;
    next = static_cast<int64_t>(remainder << 8) | places;
  } else if (byte < '0' || byte > '9') {
    return kNever;
  } else if (!whole && places == 0) {
    if (byte != '0') return kNever;
    next = state;
  } else {
    const uint64_t longer = times10(remainder, byte - '0', static_cast<uint64_t>(divisor));
    next = static_cast<int64_t>(longer << 8) | (whole ? state & 0xFF : places - 1);
  }
  Node node{Kind::kMultiple, false, true, false, false, 0, divisor, next, 0, {}};
  node.nullable = multiple_nullable(node);
  return intern(std::move(node));
}

void ExpressionPool::begin_use() {
  worn_size_ = (nodes_.size() + kMaxExpressions) / 2;
  worn_work_ = (work_ + kMaxWork) / 2;
}

bool ExpressionPool::matches(Expr e, std::string_view text) {
  for (const char c : text) {
    if (e == kNever) return false;
    e = derivative(e, static_cast<uint8_t>(c));
  }
  return nullable(e);
}

bool ExpressionPool::has_text(Expr e) {
  for (;;) {
    const Node& node = nodes_[e];
    if (e == kNever) return false;
    if (!node.may_be_vacant || node.nullable) return true;
    if (node.kind == Kind::kRepeat) {
      e = node.part;
    } else if (node.kind == Kind::kConcat) {
      const auto rest = static_cast<Expr>(node.a);
      if (!has_text(node.part)) return false;
      e = rest;
    } else if (node.kind == Kind::kAnyOf) {
      const std::vector<Expr> parts = node.parts;
      return std::any_of(parts.begin(), parts.end(), [&](Expr part) { return has_text(part); });
    } else {
      return search_text(e);
    }
  }
}

// Depth first: long texts are found as quickly as short ones.
bool ExpressionPool::search_text(Expr e) {
  if (const auto it = has_text_.find(e); it != has_text_.end()) return it->second;
  const std::vector<uint8_t> bytes = classes_of({e}).representatives();
  struct Step {
    Expr e;
    size_t next;  // of the bytes
  };
  std::unordered_set<Expr> seen{e};
  std::vector<Step> way{{e, 0}};
  while (!way.empty()) {
    Step& step = way.back();
    if (step.next == bytes.size()) {
      way.pop_back();
      continue;
    }
    const Expr x = derivative(step.e, bytes[step.next++]);
    if (x == kNever || !seen.insert(x).second) continue;
    const auto known = has_text_.find(x);
    if (known != has_text_.end() && !known->second) continue;
    way.push_back({x, 0});
    if (known != has_text_.end() || nullable(x) || !nodes_[x].may_be_vacant) {
      for (const Step& on : way) has_text_[on.e] = true;
      return true;
    }
    if (seen.size() > kMaxSearched)
      throw Error(ErrorCode::kInvalidArgument,
                  "the structure asked for is too complex: whether anything satisfies it takes "
                  "more than " +
                      std::to_string(kMaxSearched) + " states to tell");
  }
  for (const Expr x : seen) has_text_[x] = false;
  return false;
}

Expr ExpressionPool::beginnings(Expr e, int64_t bytes) {
  const Node& node = nodes_[e];
  // What is endless without a few texts begins as with them.
  const Node& first = node.kind == Kind::kConcat ? nodes_[node.part] : node;
  if (first.kind == Kind::kAllOf && first.endless) {
    const auto shaping = std::find_if_not(first.parts.begin(), first.parts.end(),
                                          [&](Expr part) { return excludes_few(part); });
    return shaping == first.parts.end() ? complement(kNever) : *shaping;
  }
  if (node.kind != Kind::kConcat) return e;
  const Expr part = node.part;
  const auto rest = static_cast<Expr>(node.a);
  const Node& head = nodes_[part];
  // High counts are no bounds.
  if (head.kind == Kind::kRepeat && !nodes_[head.part].nullable && head.b != kUnbounded &&
      head.b > bytes)
    return concat(repeat(head.part, std::min(head.a, bytes + 1)), rest);
  // Inside of the first character of what is repeated.
  return concat(part, beginnings(rest, bytes));
}

ByteClasses ExpressionPool::classes_of(const std::vector<Expr>& roots) const {
  ByteClasses classes;
  std::vector<Expr> open = roots;
  std::vector<bool> seen(nodes_.size()), seen_sets(sets_.size());
  for (const Expr root : roots) seen[root] = true;
  const auto visit = [&](Expr next) {
    if (!seen[next]) {
      seen[next] = true;
      open.push_back(next);
    }
  };
  while (!open.empty()) {
    const Node& node = nodes_[open.back()];
    open.pop_back();
    if (const auto set = static_cast<size_t>(node.a);
        node.kind == Kind::kBytes && !seen_sets[set]) {
      seen_sets[set] = true;
      classes.split(sets_[set]);
    }
    if (node.kind == Kind::kMultiple) {
      for (const char c : std::string_view(".0123456789"))
        classes.split(ByteSet::range(static_cast<uint8_t>(c), static_cast<uint8_t>(c)));
    }
    if (node.kind == Kind::kConcat) visit(static_cast<Expr>(node.a));
    if (node.kind == Kind::kConcat || node.kind == Kind::kNot || node.kind == Kind::kRepeat ||
        node.kind == Kind::kLoop)
      visit(node.part);
    for (const Expr part : node.parts) visit(part);
  }
  return classes;
}

}  // namespace vecton::grammar
