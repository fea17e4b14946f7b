// Lexer: a template's text as tokens, with Jinja's rules for whitespace (trim_blocks and
// lstrip_blocks on, one newline at the end dropped). Used by the parser.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/value.h"

namespace vecton::chat {

struct Token {
  enum class Kind : uint8_t {
    kData,
    kVariableBegin,
    kVariableEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kText,
    kNumber,
    kOperator,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  int line = 1;
  std::string text;  // data, name, operator
  Value value;       // kText, kNumber

  bool is(Kind other) const { return kind == other; }
  bool is_name(std::string_view name) const { return kind == Kind::kName && text == name; }
  bool is_operator(std::string_view op) const { return kind == Kind::kOperator && text == op; }
};

// What messages call a token.
std::string describe(const Token& token);

// An error of the template's text.
[[noreturn]] void syntax_error(int line, const std::string& message);

// The last token is kEnd.
std::vector<Token> tokenize(std::string_view source);

}  // namespace vecton::chat
