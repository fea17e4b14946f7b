#include "grammar/regex.h"

#include "grammar/regex_parser.h"

namespace vecton::grammar {

namespace {

using RegexKind = RegexNode::Kind;

// From a node and what follows it up to the end of the text, the language of both. So an anchor or
// a lookahead can say something about the rest.
class Lowering {
 public:
  Lowering(ExpressionPool& pool, Spelling spelling, const std::string& what)
      : pool_(pool), spelling_(spelling), what_(what) {}

  Expr any_text() { return pool_.repeat(characters(pool_, CharacterSet::any(), spelling_), 0); }

  Expr lower(const RegexNode& node, Expr rest, bool at_start) {
    if (!node.looks) return pool_.concat(plain(node), rest);
    switch (node.kind) {
      case RegexKind::kStart:
        return at_start ? rest : kNever;
      case RegexKind::kEnd:
        return pool_.nullable(rest) ? kEmptyText : kNever;
      case RegexKind::kLookahead: {
        const Expr ahead = lower(node.parts[0], any_text(), false);
        return pool_.all_of({node.negative ? pool_.complement(ahead) : ahead, rest});
      }
      case RegexKind::kAlternatives: {
        std::vector<Expr> parts;
        for (const RegexNode& part : node.parts) parts.push_back(lower(part, rest, at_start));
        return pool_.any_of(std::move(parts));
      }
      case RegexKind::kRepeat: {
        const Expr once = lower(node.parts[0], rest, at_start);
        return node.least == 0 ? pool_.any_of({once, rest}) : once;
      }
      default:
        break;
    }
    // A sequence: where each part may stand, then from the last to the first.
    std::vector<bool> starts;
    bool start = at_start;
    for (const RegexNode& part : node.parts) {
      starts.push_back(start);
      const bool zero_width = part.kind == RegexKind::kStart || part.kind == RegexKind::kEnd ||
                              part.kind == RegexKind::kLookahead;
      if (zero_width) continue;
      const bool may_be_empty = part.looks || pool_.nullable(plain(part));
      if (start && may_be_empty && has_start_after(node, part))
        refuse_regex(what_, "^ after what may be empty is not taken", 0, ErrorCode::kUnsupported);
      start = false;
    }
    for (size_t i = node.parts.size(); i-- > 0;) rest = lower(node.parts[i], rest, starts[i]);
    return rest;
  }

 private:
  static bool has_start(const RegexNode& node) {
    if (node.kind == RegexKind::kStart) return true;
    for (const RegexNode& part : node.parts) {
      if (has_start(part)) return true;
    }
    return false;
  }
  static bool has_start_after(const RegexNode& sequence, const RegexNode& part) {
    for (const RegexNode* next = &part + 1; next != sequence.parts.data() + sequence.parts.size();
         ++next) {
      if (has_start(*next)) return true;
    }
    return false;
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
};

}  // namespace

Expr parse_regex(ExpressionPool& pool, std::string_view pattern, Match match, Spelling spelling,
                 const std::string& what) {
  const RegexNode node = parse_regex_nodes(pattern, what);
  Lowering lowering(pool, spelling, what);
  if (match == Match::kWhole) return lowering.lower(node, kEmptyText, true);
  const Expr any = lowering.any_text();
  const Expr first = lowering.lower(node, any, true);
  const Expr later = lowering.lower(node, any, false);
  const Expr character = characters(pool, CharacterSet::any(), spelling);
  return pool.any_of({first, pool.concat(pool.repeat(character, 1), later)});
}

}  // namespace vecton::grammar
