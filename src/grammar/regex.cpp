#include "grammar/regex.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "grammar/regex_parser.h"

namespace vecton::grammar {

namespace {

using RegexKind = RegexNode::Kind;

// What the character before a place is: none, or one of the first of these sets that has it.
constexpr size_t kNothingBefore = 0;

CharacterSet word() {
  CharacterSet set;
  named_class('w', set);
  return set;
}

// A node and what follows it up to the end of the text, as the language of both. So an anchor or a
// lookaround can say something about the rest. What follows is asked for by what stands before it.
class Lowering {
 public:
  Lowering(ExpressionPool& pool, Spelling spelling, const std::string& what, const RegexNode& node)
      : pool_(pool), spelling_(spelling), what_(what) {
    split(CharacterSet::any(), node);
    if (kinds_.empty()) kinds_.push_back(CharacterSet::any());
    if (kinds_.size() > kMaxKinds)
      refuse_regex(what_, "it looks back at too many kinds of characters", 0,
                   ErrorCode::kUnsupported);
  }

  using Rest = std::function<Expr(size_t before)>;

  size_t kinds() const { return kinds_.size(); }
  Expr any_text() { return pool_.repeat(characters(pool_, CharacterSet::any(), spelling_), 0); }
  // Texts that end in a character of the kind; the empty one for kNothingBefore.
  Expr ending(size_t kind) {
    return kind == kNothingBefore
               ? kEmptyText
               : pool_.concat(any_text(), characters(pool_, kinds_[kind - 1], spelling_));
  }

  Expr lower(const RegexNode& node, size_t before, const Rest& rest) {
    if (++steps_ > kMaxSteps)
      refuse_regex(what_, "its anchors and lookarounds combine in too many ways", 0,
                   ErrorCode::kUnsupported);
    if (!node.looks) return lower_plain(node, before, rest);
    switch (node.kind) {
      case RegexKind::kStart:
        return before == kNothingBefore ? rest(before) : kNever;
      case RegexKind::kEnd:
        return pool_.nullable(rest(before)) ? kEmptyText : kNever;
      case RegexKind::kBoundary: {
        const Expr next = pool_.concat(characters(pool_, word(), spelling_), any_text());
        const bool differs = is_in(before, word()) == node.negative;
        return pool_.all_of({differs ? next : pool_.complement(next), rest(before)});
      }
      case RegexKind::kLookbehind:
        return is_in(before, node.set) != node.negative ? rest(before) : kNever;
      case RegexKind::kLookahead: {
        const Expr ahead = lower(node.parts[0], before, [&](size_t) { return any_text(); });
        return pool_.all_of({node.negative ? pool_.complement(ahead) : ahead, rest(before)});
      }
      case RegexKind::kAlternatives: {
        std::vector<Expr> parts;
        for (const RegexNode& part : node.parts) parts.push_back(lower(part, before, rest));
        return pool_.any_of(std::move(parts));
      }
      case RegexKind::kRepeat:
        return lower_repeat(node, before, rest);
      default:
        return lower_sequence(node, before, rest);
    }
  }

 private:
  static constexpr size_t kMaxKinds = 8;
  static constexpr size_t kMaxSteps = 20'000;

  // Kinds of characters that no \b or lookbehind of the node tells apart.
  void split(const CharacterSet& all, const RegexNode& node) {
    const auto by = [&](const CharacterSet& set) {
      std::vector<CharacterSet> parts;
      if (kinds_.empty()) kinds_.push_back(all);
      for (const CharacterSet& kind : kinds_) {
        const CharacterSet outside = kind.minus(set), inside = kind.minus(outside);
        for (const CharacterSet& part : {inside, outside}) {
          if (!part.ranges().empty()) parts.push_back(part);
        }
      }
      kinds_ = std::move(parts);
    };
    if (node.kind == RegexKind::kBoundary) by(word());
    if (node.kind == RegexKind::kLookbehind) by(node.set);
    for (const RegexNode& part : node.parts) split(all, part);
  }

  bool is_in(size_t before, const CharacterSet& set) const {
    return before != kNothingBefore && set.has(kinds_[before - 1].ranges()[0].first);
  }

  CharacterSet both(const CharacterSet& set, size_t kind) const {
    return set.minus(set.minus(kinds_[kind - 1]));
  }

  // The node's texts that end in a character of the kind.
  Expr ending_in(const RegexNode& node, size_t kind) {
    if (node.kind == RegexKind::kSet) return characters(pool_, both(node.set, kind), spelling_);
    if (node.kind == RegexKind::kRepeat && node.parts[0].kind == RegexKind::kSet &&
        node.most != 0) {
      const CharacterSet& set = node.parts[0].set;
      return pool_.concat(
          pool_.repeat(characters(pool_, set, spelling_), std::max<int64_t>(node.least - 1, 0),
                       node.most == kUnbounded ? node.most : node.most - 1),
          characters(pool_, both(set, kind), spelling_));
    }
    return pool_.all_of({plain(node), ending(kind)});
  }

  Expr lower_plain(const RegexNode& node, size_t before, const Rest& rest) {
    const Expr e = plain(node);
    std::vector<Expr> after;
    for (size_t kind = 1; kind <= kinds_.size(); ++kind) after.push_back(rest(kind));
    const bool nullable = pool_.nullable(e);
    const Expr none = nullable ? rest(before) : kNever;
    const bool same =
        std::all_of(after.begin(), after.end(), [&](Expr r) { return r == after[0]; });
    if (same && (!nullable || none == after[0]))
      return nullable && none == any_text() ? none : pool_.concat(e, after[0]);
    std::vector<Expr> parts{none};
    for (size_t kind = 1; kind <= kinds_.size(); ++kind)
      parts.push_back(pool_.concat(ending_in(node, kind), after[kind - 1]));
    return pool_.any_of(std::move(parts));
  }

  // Asked once for each kind.
  Rest once(Rest rest) const {
    return [rest = std::move(rest),
            known = std::make_shared<std::vector<Expr>>(kinds_.size() + 1, -1)](size_t before) {
      if ((*known)[before] < 0) {
        const Expr e = rest(before);
        (*known)[before] = e;
      }
      return (*known)[before];
    };
  }

  Expr lower_sequence(const RegexNode& node, size_t before, Rest rest) {
    for (size_t i = node.parts.size(); i-- > 0;)
      rest = once(
          [this, &part = node.parts[i], rest](size_t kind) { return lower(part, kind, rest); });
    return rest(before);
  }

  Expr lower_repeat(const RegexNode& node, size_t before, const Rest& rest) {
    const RegexNode& part = node.parts[0];
    Rest from = rest;
    if (node.most == kUnbounded) {
      from = once([&](size_t kind) { return lower_loop(part, kind, rest); });
    } else {
      for (int64_t i = node.least; i < node.most; ++i)
        from = once([this, &part, from, &rest](size_t kind) {
          return pool_.any_of({lower(part, kind, from), rest(kind)});
        });
    }
    for (int64_t i = 0; i < node.least; ++i)
      from = once([this, &part, from](size_t kind) { return lower(part, kind, from); });
    return from(before);
  }

  Expr lower_loop(const RegexNode& part, size_t before, const Rest& rest) {
    // Any number of times: a loop for each kind of character before it.
    if (!takes_text(part))
      refuse_regex(what_,
                   "a repetition of what may be empty, with a lookaround in it, is not taken", 0,
                   ErrorCode::kUnsupported);
    std::vector<Expr> loops, rests;
    for (size_t kind = 0; kind <= kinds_.size(); ++kind) {
      rests.push_back(rest(kind));
      loops.push_back(pool_.open_loop(pool_.nullable(rests.back())));
    }
    for (size_t kind = 0; kind <= kinds_.size(); ++kind) {
      const Expr more = lower(part, kind, [&](size_t after) { return loops[after]; });
      pool_.close_loop(loops[kind], pool_.any_of({more, rests[kind]}));
    }
    return loops[before];
  }

  // Whether a match surely has a character.
  bool takes_text(const RegexNode& node) {
    if (!node.looks) return !pool_.nullable(plain(node));
    const auto takes = [&](const RegexNode& part) { return takes_text(part); };
    switch (node.kind) {
      case RegexKind::kSequence:
        return std::any_of(node.parts.begin(), node.parts.end(), takes);
      case RegexKind::kAlternatives:
        return std::all_of(node.parts.begin(), node.parts.end(), takes);
      case RegexKind::kRepeat:
        return node.least > 0 && takes_text(node.parts[0]);
      default:
        return false;
    }
  }

  Expr plain(const RegexNode& node) {
    switch (node.kind) {
      case RegexKind::kSet:
        return characters(pool_, node.set, spelling_);
      case RegexKind::kRepeat:
        return pool_.repeat(plain(node.parts[0]), node.least, node.most);
      case RegexKind::kAlternatives: {
        std::vector<Expr> parts;
        for (const RegexNode& part : node.parts) parts.push_back(plain(part));
        return pool_.any_of(std::move(parts));
      }
      default: {
        Expr e = kEmptyText;
        for (size_t i = node.parts.size(); i-- > 0;) e = pool_.concat(plain(node.parts[i]), e);
        return e;
      }
    }
  }

  ExpressionPool& pool_;
  const Spelling spelling_;
  const std::string& what_;
  std::vector<CharacterSet> kinds_;  // from number 1 on
  size_t steps_ = 0;
};

}  // namespace

Expr parse_regex(ExpressionPool& pool, std::string_view pattern, Match match, Spelling spelling,
                 const std::string& what) {
  const RegexNode node = parse_regex_nodes(pattern, what);
  Lowering lowering(pool, spelling, what, node);
  if (match == Match::kWhole)
    return lowering.lower(node, kNothingBefore, [](size_t) { return kEmptyText; });
  const Expr any = lowering.any_text();
  std::vector<Expr> found;
  for (size_t before = 0; before <= lowering.kinds(); ++before)
    found.push_back(lowering.lower(node, before, [&](size_t) { return any; }));
  if (std::count(found.begin(), found.end(), found[0]) == std::ssize(found))
    return pool.concat(any, found[0]);
  std::vector<Expr> parts;
  for (size_t before = 0; before < found.size(); ++before)
    parts.push_back(pool.concat(lowering.ending(before), found[before]));
  return pool.any_of(std::move(parts));
}

}  // namespace vecton::grammar
