#include "grammar/regex_parser.h"

#include <algorithm>

#include "base/utf8.h"
#include "grammar/limits.h"
#include "grammar/regex.h"

namespace vecton::grammar {

namespace {

using RegexKind = RegexNode::Kind;

class RegexParser {
 public:
  RegexParser(std::string_view pattern, const std::string& what) : text_(pattern), what_(what) {}

  RegexNode parse() {
    if (text_.size() > kMaxTextBytes) refuse("it is longer than 1 MiB");
    if (!utf8::is_valid(text_)) refuse("it is not UTF-8");
    if (text_.starts_with("(?i)")) {
      any_case_ = true;
      at_ = 4;
    }
    RegexNode node = alternatives();
    if (at_ < text_.size()) refuse("a ) without its (");
    return node;
  }

 private:
  [[noreturn]] void refuse(const std::string& why,
                           ErrorCode code = ErrorCode::kInvalidArgument) const {
    refuse_regex(what_, why, at_, code);
  }
  bool take(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  RegexNode alternatives() {
    if (++depth_ > kMaxNesting)
      refuse("its groups nest deeper than " + std::to_string(kMaxNesting));
    RegexNode node{.kind = RegexKind::kAlternatives};
    do {
      node.parts.push_back(sequence());
      node.looks = node.looks || node.parts.back().looks;
    } while (take("|"));
    --depth_;
    return node;
  }

  RegexNode sequence() {
    RegexNode node{.kind = RegexKind::kSequence};
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      node.parts.push_back(quantified());
      node.looks = node.looks || node.parts.back().looks;
    }
    return node;
  }

  RegexNode quantified() {
    RegexNode node = atom();
    const size_t begin = at_;
    int64_t least = 0, most = kUnbounded;
    if (!quantifier(least, most)) return node;
    if (node.kind == RegexKind::kStart || node.kind == RegexKind::kEnd ||
        node.kind == RegexKind::kBoundary || node.kind == RegexKind::kLookahead ||
        node.kind == RegexKind::kLookbehind)
      refuse("nothing to repeat before this");
    if (take("+")) refuse("possessive repetition is not taken", ErrorCode::kUnsupported);
    take("?");  // which match is found first is no matter
    int64_t ignored = 0;
    if (const size_t here = at_; quantifier(ignored, ignored)) {
      at_ = here;
      refuse("nothing to repeat before this");
    }
    constexpr int64_t kMaxCopies = 16;
    if (node.looks && (least > kMaxCopies || most > kMaxCopies)) {
      at_ = begin;
      refuse("a repetition with an anchor or a lookahead in it is not taken more than " +
                 std::to_string(kMaxCopies) + " times",
             ErrorCode::kUnsupported);
    }
    RegexNode repeat{.kind = RegexKind::kRepeat};
    repeat.looks = node.looks;
    repeat.parts.push_back(std::move(node));
    repeat.least = least;
    repeat.most = most;
    return repeat;
  }

  bool quantifier(int64_t& least, int64_t& most) {
    if (take("*")) return least = 0, most = kUnbounded, true;
    if (take("+")) return least = 1, most = kUnbounded, true;
    if (take("?")) return least = 0, most = 1, true;
    if (at_ >= text_.size() || text_[at_] != '{') return false;
    size_t at = at_ + 1;
    const auto number = [&](int64_t& value) {
      const size_t begin = at;
      value = 0;
      while (at < text_.size() && text_[at] >= '0' && text_[at] <= '9' && at - begin < 10)
        value = value * 10 + (text_[at++] - '0');
      return at > begin;
    };
    int64_t low = 0, high = kUnbounded;
    const bool has_low = number(low);
    if (at < text_.size() && text_[at] == ',') {
      ++at;
      if (!number(high)) high = kUnbounded;
      if (!has_low && high == kUnbounded) return false;
    } else if (has_low) {
      high = low;
    }
    if ((!has_low && high == kUnbounded) || at >= text_.size() || text_[at] != '}') return false;
    if (high != kUnbounded && low > high) refuse("a repetition whose numbers go backwards");
    at_ = at + 1;
    least = low;
    most = high;
    return true;
  }

  RegexNode group() {
    RegexNode node{.kind = RegexKind::kLookahead};
    if (take("?=") || take("?!")) {
      node.negative = text_[at_ - 1] == '!';
      node.looks = true;
      node.parts.push_back(alternatives());
    } else if (take("?<=") || take("?<!")) {
      node.kind = RegexKind::kLookbehind;
      node.negative = text_[at_ - 1] == '!';
      node.looks = true;
      const RegexNode behind = alternatives();
      for (const RegexNode& part : behind.parts) {
        if (part.parts.size() != 1 || part.parts[0].kind != RegexKind::kSet)
          refuse("lookbehind at more than one character is not taken", ErrorCode::kUnsupported);
        node.set.add(part.parts[0].set);
      }
    } else {
      if (take("?<") || take("?P<")) {
        const size_t end = text_.find('>', at_);
        if (end == std::string_view::npos) refuse("a group's name without its >");
        at_ = end + 1;
      } else if (take("?")) {
        if (!take(":")) refuse("groups of this kind are not taken", ErrorCode::kUnsupported);
      }
      node = alternatives();
    }
    if (!take(")")) refuse("a ( without its )");
    return node;
  }

  RegexNode of(CharacterSet set) const {
    RegexNode node{.kind = RegexKind::kSet};
    if (any_case_) set.add_other_case();
    node.set = std::move(set);
    return node;
  }

  RegexNode atom() {
    if (take("^") || take("\\A")) return looking(RegexKind::kStart);
    if (take("$") || take("\\z") || take("\\Z")) return looking(RegexKind::kEnd);
    if (take("\\b")) return looking(RegexKind::kBoundary);
    if (take("\\B")) {
      RegexNode node = looking(RegexKind::kBoundary);
      node.negative = true;
      return node;
    }
    if (take("(")) return group();
    if (take("[")) {
      CharacterSet set = parse_character_class(text_, at_, what_);
      return of(std::move(set));
    }
    if (take(".")) return of(CharacterSet{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}.inverted());
    if (take("\\")) {
      CharacterSet set;
      if (parse_named_class(text_, at_, what_, set)) return of(std::move(set));
      const char32_t c = parse_character_escape(text_, at_, what_);
      return of({{c, c}});
    }
    if (text_[at_] == '*' || text_[at_] == '+' || text_[at_] == '?')
      refuse("nothing to repeat before this");
    const utf8::Character c = utf8::decode(text_, at_);
    at_ += c.bytes;
    return of({{c.code, c.code}});
  }

  static RegexNode looking(RegexKind kind) {
    RegexNode node{.kind = kind};
    node.looks = true;
    return node;
  }

  std::string_view text_;
  const std::string& what_;
  size_t at_ = 0;
  int depth_ = 0;
  bool any_case_ = false;
};

}  // namespace

RegexNode parse_regex_nodes(std::string_view pattern, const std::string& what) {
  return RegexParser(pattern, what).parse();
}

}  // namespace vecton::grammar
