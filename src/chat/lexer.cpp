#include "chat/lexer.h"

#include <algorithm>
#include <charconv>

#include "chat/literal.h"
#include "chat/unicode.h"
#include "vecton/error.h"

namespace vecton::chat {

namespace {

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

// Line ends of every kind become \n; one at the very end is dropped.
std::string normalize(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::string_view strip_right(std::string_view text) {
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    if (!unicode::is_space(unicode::next(text, at))) end = at;
  }
  return text.substr(0, end);
}

bool all_space(std::string_view text) { return strip_right(text).empty(); }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize(unicode::valid(source))) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) root();
    push(Token::Kind::kEnd);
    return std::move(tokens_);
  }

 private:
  bool at(std::string_view text) const { return source_.compare(at_, text.size(), text) == 0; }

  bool take(std::string_view text) {
    if (!at(text)) return false;
    advance(text.size());
    return true;
  }

  void advance(size_t bytes) {
    line_ +=
        static_cast<int>(std::count(source_.begin() + static_cast<ptrdiff_t>(at_),
                                    source_.begin() + static_cast<ptrdiff_t>(at_ + bytes), '\n'));
    at_ += bytes;
  }

  void skip_space() {
    while (at_ < source_.size()) {
      size_t behind = at_;
      if (!unicode::is_space(unicode::next(source_, behind))) return;
      advance(behind - at_);
    }
  }

  Token& push(Token::Kind kind, std::string text = {}) {
    tokens_.push_back({kind, line_, std::move(text), {}});
    return tokens_.back();
  }

  // Where the next tag starts.
  size_t find_tag() const {
    for (size_t i = at_; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' &&
          (source_[i + 1] == '%' || source_[i + 1] == '{' || source_[i + 1] == '#'))
        return i;
    }
    return source_.size();
  }

  // Text up to a tag, with the whitespace before the tag cut as the tag and its sign say.
  std::string_view trimmed(std::string_view text, char sign, bool variable) const {
    if (sign == '-') return strip_right(text);
    if (sign == '+' || variable) return text;
    const size_t newline = text.rfind('\n');
    const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    if ((begin > 0 || line_starts_) && all_space(text.substr(begin))) return text.substr(0, begin);
    return text;
  }

  void push_data(std::string_view text) {
    if (!text.empty()) push(Token::Kind::kData, std::string(text));
  }

  void root() {
    const size_t tag = find_tag();
    const std::string_view text = std::string_view(source_).substr(at_, tag - at_);
    if (tag == source_.size()) {
      push_data(text);
      at_ = tag;
      return;
    }
    const char kind = source_[tag + 1];
    char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    if (sign != '-' && sign != '+') sign = ' ';
    push_data(trimmed(text, sign, kind == '{'));
    advance(text.size() + (sign == ' ' ? 2 : 3));
    if (kind == '#') {
      comment();
    } else if (kind == '{') {
      push(Token::Kind::kVariableBegin);
      code(true);
    } else if (!raw()) {
      push(Token::Kind::kBlockBegin);
      code(false);
    }
  }

  // The end of a block or comment tag, `end` being "%}" or "#}".
  bool take_end(std::string_view end) {
    const std::string plus = "+" + std::string(end), minus = "-" + std::string(end);
    if (take(plus)) {
      line_starts_ = false;
    } else if (take(minus)) {
      const size_t begin = at_;
      skip_space();
      line_starts_ = at_ > begin && source_[at_ - 1] == '\n';
    } else if (take(end)) {
      line_starts_ = take("\n");
    } else {
      return false;
    }
    return true;
  }

  void comment() {
    if (at_ >= source_.size()) return;  // as Jinja has it, unlike a comment with a text
    const int line = line_;
    while (at_ < source_.size()) {
      if (take_end("#}")) return;
      advance(1);
    }
    syntax_error(line, "Missing end of comment tag");
  }

  // {% raw %} and its text, when that is what stands here.
  bool raw() {
    const size_t begin = at_;
    const int line = line_;
    skip_space();
    if (take("raw")) {
      skip_space();
      const bool strip = take("-%}");
      if (strip || take("%}")) {
        const size_t end_of_tag = at_;
        if (strip) skip_space();
        line_starts_ = at_ > end_of_tag && source_[at_ - 1] == '\n';
        raw_text(line);
        return true;
      }
    }
    at_ = begin;
    line_ = line;
    return false;
  }

  void raw_text(int line) {
    if (at_ >= source_.size()) return;
    const size_t begin = at_;
    const int text_line = line_;
    for (; at_ < source_.size(); advance(1)) {
      if (!at("{%")) continue;
      const size_t tag = at_;
      const int tag_line = line_;
      advance(2);
      const char sign = at("-") ? '-' : at("+") ? '+' : ' ';
      if (sign != ' ') advance(1);
      skip_space();
      if (take("endraw")) {
        skip_space();
        const bool before = line_starts_;
        if (take_end("%}")) {
          const bool after = std::exchange(line_starts_, before);
          const std::string_view text =
              trimmed(std::string_view(source_).substr(begin, tag - begin), sign, false);
          const int line_behind = std::exchange(line_, text_line);
          push_data(text);
          line_ = line_behind;
          line_starts_ = after;
          return;
        }
      }
      at_ = tag;
      line_ = tag_line;
    }
    syntax_error(line, "Missing end of raw directive");
  }

  bool take_code_end(bool variable) {
    if (!variable) {
      const int line = line_;
      if (!take_end("%}")) return false;
      tokens_.push_back({Token::Kind::kBlockEnd, line, {}, {}});
      return true;
    }
    const int line = line_;
    if (take("-}}")) {
      const size_t begin = at_;
      skip_space();
      line_starts_ = at_ > begin && source_[at_ - 1] == '\n';
    } else if (take("}}")) {
      line_starts_ = false;
    } else {
      return false;
    }
    tokens_.push_back({Token::Kind::kVariableEnd, line, {}, {}});
    return true;
  }

  // Expressions and statements up to the end of their tag.
  void code(bool variable) {
    std::string open;  // brackets to be closed
    while (true) {
      skip_space();
      if (at_ >= source_.size()) return;  // the parser misses the end
      if (open.empty() && take_code_end(variable)) return;
      if (!number() && !name() && !text()) take_operator(open);
    }
  }

  bool number() {
    if (!is_ascii_digit(source_[at_])) return false;
    const std::string_view rest = std::string_view(source_).substr(at_);
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    size_t length = after_dot ? 0 : float_length(rest);
    Value value;
    if (length > 0) {
      value = Value::real(parse_float(rest.substr(0, length)));
    } else {
      length = integer_length(rest);
      value = Value::integer(parse_integer(rest.substr(0, length), line_));
    }
    push(Token::Kind::kNumber, std::string(rest.substr(0, length))).value = std::move(value);
    advance(length);
    return true;
  }

  bool name() {
    size_t end = at_;
    while (end < source_.size()) {
      size_t behind = end;
      const char32_t c = unicode::next(source_, behind);
      if (!unicode::is_identifier(c)) break;
      end = behind;
    }
    if (end == at_) return false;
    size_t first = at_;
    if (!unicode::is_identifier_start(unicode::next(source_, first))) {
      syntax_error(line_, "Invalid character in identifier");
    }
    push(Token::Kind::kName, source_.substr(at_, end - at_));
    advance(end - at_);
    return true;
  }

  bool text() {
    const char quote = source_[at_];
    if (quote != '\'' && quote != '"') return false;
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return false;  // no token starts here
    const std::string_view quoted = std::string_view(source_).substr(at_ + 1, end - at_ - 1);
    push(Token::Kind::kText).value = Value::text(unescape_literal(quoted, line_));
    advance(end + 1 - at_);
    return true;
  }

  void take_operator(std::string& open) {
    static constexpr std::string_view kOperators[] = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    const auto* op = std::find_if(std::begin(kOperators), std::end(kOperators),
                                  [&](std::string_view candidate) { return at(candidate); });
    if (op == std::end(kOperators)) {
      size_t behind = at_;
      unicode::next(source_, behind);
      syntax_error(line_, "unexpected char '" + source_.substr(at_, behind - at_) + "'");
    }
    if (*op == "{") open += '}';
    if (*op == "(") open += ')';
    if (*op == "[") open += ']';
    if (*op == "}" || *op == ")" || *op == "]") {
      if (open.empty()) syntax_error(line_, "unexpected '" + std::string(*op) + "'");
      if (open.back() != (*op)[0]) {
        syntax_error(line_,
                     "unexpected '" + std::string(*op) + "', expected '" + open.back() + "'");
      }
      open.pop_back();
    }
    push(Token::Kind::kOperator, std::string(*op));
    advance(op->size());
  }

  const std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starts_ = true;  // what was read last ended a line
  std::vector<Token> tokens_;
};

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case Token::Kind::kData:
      return "template data / text";
    case Token::Kind::kVariableBegin:
      return "begin of print statement";
    case Token::Kind::kVariableEnd:
      return "end of print statement";
    case Token::Kind::kBlockBegin:
      return "begin of statement block";
    case Token::Kind::kBlockEnd:
      return "end of statement block";
    case Token::Kind::kText:
      return "string";
    case Token::Kind::kEnd:
      return "end of template";
    default:
      return token.text;
  }
}

void syntax_error(int line, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument,
              "chat template, line " + std::to_string(line) + ": " + message, "chat_template");
}

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace vecton::chat
