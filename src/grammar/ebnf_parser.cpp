#include "grammar/ebnf_parser.h"

#include <algorithm>
#include <cctype>

#include "base/utf8.h"
#include "grammar/characters.h"
#include "grammar/limits.h"
#include "grammar/regex.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

using EbnfKind = EbnfNode::Kind;

// %import common.X
constexpr std::pair<std::string_view, std::string_view> kCommon[] = {
    {"DIGIT", "[0-9]"},
    {"INT", "[0-9]+"},
    {"SIGNED_INT", "[+-]?[0-9]+"},
    {"HEXDIGIT", "[0-9a-fA-F]"},
    {"DECIMAL", "[0-9]+\\.[0-9]*|\\.[0-9]+"},
    {"FLOAT", "[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?"},
    {"NUMBER", "[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\\.[0-9]+(?:[eE][+-]?[0-9]+)?"},
    {"SIGNED_NUMBER",
     "[+-]?(?:[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\\.[0-9]+(?:[eE][+-]?[0-9]+)?)"},
    {"LCASE_LETTER", "[a-z]"},
    {"UCASE_LETTER", "[A-Z]"},
    {"LETTER", "[A-Za-z]"},
    {"WORD", "[A-Za-z]+"},
    {"CNAME", "[_A-Za-z][_A-Za-z0-9]*"},
    {"WS_INLINE", "[ \\t]+"},
    {"WS", "[ \\t\\f\\r\\n]+"},
    {"CR", "\\r"},
    {"LF", "\\n"},
    {"NEWLINE", "(?:\\r?\\n)+"},
    {"ESCAPED_STRING", "\"(?:[^\"\\\\\\n]|\\\\.)*\""}};

class EbnfParser {
 public:
  EbnfParser(ExpressionPool& pool, std::string_view text, const NamedTokens& tokens)
      : pool_(pool),
        text_(text),
        tokens_(tokens),
        lark_(text.find("::=") == std::string_view::npos) {}

  EbnfRules parse() {
    if (text_.size() > kMaxTextBytes) refuse("it is longer than 1 MiB");
    if (!utf8::is_valid(text_)) refuse("it is not UTF-8");
    EbnfRules out;
    out.root = lark_ ? "start" : "root";
    for (space(); at_ < text_.size(); space()) {
      if (text_[at_] == '%') {
        directive(out);
        continue;
      }
      if (lark_ && (text_[at_] == '?' || text_[at_] == '!')) ++at_;
      const std::string name = this->name();
      space();
      if (lark_ && take(".")) {
        while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) ++at_;
        space();
      }
      if (!take(lark_ ? ":" : "::="))
        refuse("'" + name + "' has to be followed by " + (lark_ ? ":" : "::="));
      EbnfNode body = alternatives();
      if (!out.rules.emplace(name, std::move(body)).second)
        refuse("rule '" + name + "' is there twice");
    }
    if (!out.rules.contains(out.root))
      refuse(lark_ ? "it has no rule 'start' (nor '::=', which makes it EBNF)"
                   : "it has no rule 'root'");
    return out;
  }

 private:
  size_t line() const {
    return static_cast<size_t>(std::count(
               text_.begin(),
               text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n')) +
           1;
  }
  [[noreturn]] void refuse(const std::string& why,
                           ErrorCode code = ErrorCode::kInvalidArgument) const {
    throw Error(code, "grammar, line " + std::to_string(line()) + ": " + why, "structured_outputs");
  }
  bool take(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  void space() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_]))) {
        ++at_;
      } else if (lark_ ? text_.substr(at_).starts_with("//") : text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }
  static bool in_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  }
  std::string name() {
    const size_t begin = at_;
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    if (at_ == begin)
      refuse(at_ < text_.size() ? std::string("'") + text_[at_] + "' is no beginning of a rule"
                                : "a name is missing");
    return std::string(text_.substr(begin, at_ - begin));
  }
  // Whether the next rule begins here.
  bool rule_begins() {
    const size_t here = at_;
    if (lark_ && at_ < text_.size() && (text_[at_] == '?' || text_[at_] == '!')) ++at_;
    const size_t begin = at_;
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    bool begins = at_ > begin;
    if (begins) {
      space();
      if (lark_ && take(".")) {
        while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) ++at_;
        space();
      }
      begins = lark_ ? text_.substr(at_).starts_with(":") : text_.substr(at_).starts_with("::=");
    }
    at_ = here;
    return begins;
  }

  void directive(EbnfRules& out) {
    if (lark_ && take("%import")) {
      space();
      if (!take("common.")) refuse("%import takes from 'common' alone", ErrorCode::kUnsupported);
      const std::string from = name();
      space();
      std::string to = from;
      if (take("->")) {
        space();
        to = name();
      }
      const auto known = std::find_if(std::begin(kCommon), std::end(kCommon),
                                      [&](const auto& c) { return c.first == from; });
      if (known == std::end(kCommon))
        refuse("%import common." + from + " is not known", ErrorCode::kUnsupported);
      EbnfNode node;
      node.terminal = parse_regex(pool_, known->second, Match::kWhole, Spelling::kUtf8, "grammar");
      out.rules.emplace(to, node);
      return;
    }
    const size_t end = std::min(text_.find_first_of(" \n\t", at_), text_.size());
    refuse(std::string(text_.substr(at_, end - at_)) + " is not taken", ErrorCode::kUnsupported);
  }

  EbnfNode alternatives() {
    if (++depth_ > kMaxNesting) refuse("groups nest deeper than " + std::to_string(kMaxNesting));
    EbnfNode node{.kind = EbnfKind::kAlternatives};
    do {
      node.parts.push_back(sequence());
      space();
    } while (take("|"));
    --depth_;
    return node;
  }

  EbnfNode sequence() {
    EbnfNode node{.kind = EbnfKind::kSequence};
    for (space(); at_ < text_.size(); space()) {
      const char c = text_[at_];
      if (c == '|' || c == ')' || (lark_ && (c == ']' || (c == '%' && !json_begins()))) ||
          rule_begins())
        break;
      if (lark_ && take("->")) {
        space();
        name();
        continue;
      }
      node.parts.push_back(repeated(atom()));
    }
    return node;
  }

  EbnfNode repeated(EbnfNode node) {
    for (;;) {
      // A newline may stand before an operator in GBNF's groups only; taken everywhere.
      int64_t least = 0, most = kUnbounded;
      const size_t here = at_;
      space();
      if (take("*")) {
      } else if (take("+")) {
        least = 1;
      } else if (at_ < text_.size() && text_[at_] == '?' && !(lark_ && rule_begins())) {
        ++at_;
        most = 1;
      } else if (!lark_ && take("{")) {
        space();
        least = number();
        most = least;
        space();
        if (take(",")) {
          space();
          most = at_ < text_.size() && text_[at_] == '}' ? kUnbounded : number();
          space();
        }
        if (!take("}")) refuse("a { without its }");
      } else if (lark_ && take("~")) {
        space();
        least = most = number();
        space();
        if (take("..")) {
          space();
          most = number();
        }
      } else {
        at_ = here;
        return node;
      }
      if (most != kUnbounded && least > most) refuse("a repetition whose numbers go backwards");
      EbnfNode repeat{.kind = EbnfKind::kRepeat};
      repeat.least = least;
      repeat.most = most;
      repeat.parts.push_back(std::move(node));
      node = std::move(repeat);
    }
  }

  int64_t number() {
    const size_t begin = at_;
    int64_t value = 0;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) &&
           at_ - begin < 10)
      value = value * 10 + (text_[at_++] - '0');
    if (at_ == begin) refuse("a number is missing");
    return value;
  }

  EbnfNode atom() {
    EbnfNode node;
    node.line = line();
    const char c = text_[at_];
    if (take("(")) {
      node = alternatives();
      if (!take(")")) refuse("a ( without its )");
      return node;
    }
    if (c == '"' || (c == '\'' && !lark_)) return literal();
    if (c == '[') return bracket();
    if (c == '<') return token();
    if (lark_ && json_begins()) return json();
    if (c == '/' && lark_) return slashed();
    if (c == '.' && !lark_) {
      ++at_;
      node.terminal = characters(pool_, CharacterSet::any(), Spelling::kUtf8);
      return node;
    }
    node.kind = EbnfKind::kName;
    node.name = name();
    return node;
  }

  EbnfNode literal() {
    const char quote = text_[at_++];
    std::vector<char32_t> text;
    for (;;) {
      if (at_ >= text_.size() || text_[at_] == '\n') refuse("a string without its end");
      if (text_[at_] == quote) break;
      if (text_[at_] == '\\') {
        ++at_;
        text.push_back(parse_character_escape(text_, at_, "grammar"));
        continue;
      }
      const utf8::Character c = utf8::decode(text_, at_);
      at_ += c.bytes;
      text.push_back(c.code);
    }
    ++at_;
    const bool any_case = lark_ && at_ < text_.size() && text_[at_] == 'i' &&
                          !(at_ + 1 < text_.size() && in_name(text_[at_ + 1]));
    if (any_case) ++at_;
    EbnfNode node;
    if (lark_ && text_.substr(at_).starts_with(".."))
      refuse("ranges \"a\"..\"z\" are not taken: write /[a-z]/", ErrorCode::kUnsupported);
    for (size_t i = text.size(); i-- > 0;) {
      CharacterSet set{{text[i], text[i]}};
      if (any_case) set.add_other_case();
      node.terminal = pool_.concat(characters(pool_, set, Spelling::kUtf8), node.terminal);
    }
    return node;
  }

  bool json_begins() const {
    constexpr std::string_view kJson = "%json";
    const std::string_view rest = text_.substr(at_);
    return rest.starts_with(kJson) && (rest.size() == kJson.size() || !in_name(rest[kJson.size()]));
  }

  // The text of an object, as its brackets and strings have it: the schema's reader looks at it.
  EbnfNode json() {
    EbnfNode node{.kind = EbnfKind::kJson, .line = line()};
    take("%json");
    space();
    const size_t begin = at_;
    size_t depth = 0;
    for (bool string = false; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (string && c == '\\') {
        ++at_;
      } else if (c == '"') {
        string = !string;
      } else if (!string && (c == '{' || c == '[')) {
        ++depth;
      } else if (!string && (c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
        break;
      } else if (depth == 0) {
        break;
      }
    }
    if (at_ >= text_.size() || at_ == begin) refuse("%json has to be followed by {a schema}");
    ++at_;
    node.name = text_.substr(begin, at_ - begin);
    return node;
  }

  EbnfNode token() {
    EbnfNode node;
    const size_t end = text_.find_first_of(">\n", at_);
    if (end == std::string_view::npos || text_[end] == '\n') refuse("a < without its >");
    const std::string_view name = text_.substr(at_, end + 1 - at_);
    const bool id = name.starts_with("<[") && name.ends_with("]>");
    const auto bytes = tokens_ ? tokens_(id ? name.substr(1, name.size() - 2) : name)
                               : std::optional<std::string>();
    if (!bytes) refuse("the vocabulary has no token '" + std::string(name.substr(0, 60)) + "'");
    at_ = end + 1;
    node.terminal = pool_.literal(*bytes);
    return node;
  }

  EbnfNode bracket() {
    ++at_;
    EbnfNode node;
    if (!lark_) {
      node.terminal =
          characters(pool_, parse_character_class(text_, at_, "grammar"), Spelling::kUtf8);
      return node;
    }
    node = {.kind = EbnfKind::kRepeat};
    node.least = 0;
    node.parts.push_back(alternatives());
    if (!take("]")) refuse("a [ without its ]");
    return node;
  }

  EbnfNode slashed() {
    const size_t begin = ++at_;
    bool in_class = false;
    for (; at_ < text_.size() && (in_class || text_[at_] != '/'); ++at_) {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size() && text_[at_] == '[') in_class = true;
      if (at_ < text_.size() && text_[at_] == ']') in_class = false;
      if (at_ < text_.size() && text_[at_] == '\n') break;
    }
    if (at_ >= text_.size() || text_[at_] != '/') refuse("a regular expression without its /");
    std::string pattern(text_.substr(begin, at_ - begin));
    ++at_;
    while (at_ < text_.size() && std::islower(static_cast<unsigned char>(text_[at_]))) {
      if (text_[at_] != 'i')
        refuse(std::string("flag '") + text_[at_] + "' is not taken", ErrorCode::kUnsupported);
      pattern.insert(0, "(?i)");
      ++at_;
    }
    EbnfNode node;
    node.terminal = parse_regex(pool_, pattern, Match::kWhole, Spelling::kUtf8,
                                "grammar, line " + std::to_string(line()));
    return node;
  }

  ExpressionPool& pool_;
  std::string_view text_;
  const NamedTokens& tokens_;
  const bool lark_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

EbnfRules parse_ebnf(ExpressionPool& pool, std::string_view text, const NamedTokens& tokens) {
  return EbnfParser(pool, text, tokens).parse();
}

}  // namespace vecton::grammar
