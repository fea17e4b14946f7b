#include "chat/parser_base.h"

#include <algorithm>

namespace vecton::chat {

namespace {

// Deeper than any template that Jinja itself can compile.
constexpr int kMaxNesting = 200, kMaxHeight = 400;

}  // namespace

Parser::Nesting::Nesting(Parser& parser) : parser_(parser) {
  if (++parser_.nesting_ > kMaxNesting) {
    --parser_.nesting_;
    parser_.fail("more than " + std::to_string(kMaxNesting) + " levels of nesting");
  }
}

bool Parser::take_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  take();
  return true;
}

bool Parser::take_operator(std::string_view op) {
  if (!current().is_operator(op)) return false;
  take();
  return true;
}

void Parser::unexpected(const std::string& expected) const {
  if (current().is(Token::Kind::kEnd)) {
    fail("unexpected end of template, expected '" + expected + "'.");
  }
  fail("expected token '" + expected + "', got '" + describe(current()) + "'");
}

void Parser::expect_name(std::string_view name) {
  if (!take_name(name)) unexpected(std::string(name));
}

void Parser::expect_operator(std::string_view op) {
  if (!take_operator(op)) unexpected(std::string(op));
}

std::string Parser::expect_any_name() {
  if (!current().is(Token::Kind::kName)) unexpected("name");
  return take().text;
}

void Parser::expect(Token::Kind kind) {
  if (!current().is(kind)) unexpected(describe({kind, 0, {}, {}}));
  take();
}

void Parser::check_height(int height, int line) const {
  if (height > kMaxHeight) {
    syntax_error(line, "more than " + std::to_string(kMaxHeight) + " levels of nesting");
  }
}

Expression* Parser::make(Expression::Kind kind, int line, std::vector<Expression*> items) {
  program_.expressions.push_back(std::make_unique<Expression>());
  Expression* node = program_.expressions.back().get();
  node->kind = kind;
  node->line = line;
  for (const Expression* item : items) {
    if (item) node->height = std::max(node->height, item->height + 1);
  }
  check_height(node->height, line);
  node->items = std::move(items);
  return node;
}

Expression* Parser::make_constant(Value value, int line) {
  Expression* node = make(Expression::Kind::kConstant, line);
  node->value = std::move(value);
  return node;
}

}  // namespace vecton::chat
