// What stands behind an expression: attributes and items, calls, filters and tests.
#include <algorithm>

#include "chat/parser_base.h"

namespace vecton::chat {

namespace {

using Kind = Expression::Kind;

}  // namespace

Expression* Parser::parse_postfix(Expression* node) {
  while (true) {
    if (current().is_operator(".") || current().is_operator("[")) {
      node = parse_subscript(node);
    } else if (current().is_operator("(")) {
      node = parse_call(node);
    } else {
      return node;
    }
  }
}

Expression* Parser::parse_filters_and_tests(Expression* node) {
  while (true) {
    if (current().is_operator("|")) {
      node = parse_filters(node, false);
    } else if (current().is_name("is")) {
      node = parse_test(node);
    } else if (current().is_operator("(")) {
      node = parse_call(node);
    } else {
      return node;
    }
  }
}

Expression* Parser::parse_subscript(Expression* node) {
  const int line = current().line;
  if (take().text == ".") {
    const Token& member = current();
    take();
    if (member.is(Token::Kind::kName)) {
      node = make(Kind::kAttribute, line, {node});
      node->text = member.text;
      return node;
    }
    if (!member.is(Token::Kind::kNumber) || !member.value.is(Type::kInt)) {
      syntax_error(member.line, "expected name or number");
    }
    return make(Kind::kItem, line, {node, make_constant(member.value, member.line)});
  }
  std::vector<Expression*> parts;
  while (!current().is_operator("]")) {
    if (!parts.empty()) expect_operator(",");
    parts.push_back(parse_subscribed());
  }
  expect_operator("]");
  if (parts.size() == 1) return make(Kind::kItem, line, {node, parts[0]});
  for (const Expression* part : parts) {
    if (part->kind == Kind::kSlice) syntax_error(line, "a slice inside a tuple is not supported");
  }
  return make(Kind::kItem, line, {node, make(Kind::kTuple, line, std::move(parts))});
}

Expression* Parser::parse_subscribed() {
  const int line = current().line;
  Expression *start = nullptr, *stop = nullptr, *step = nullptr;
  const auto at_end = [&] { return current().is_operator("]") || current().is_operator(","); };
  if (!take_operator(":")) {
    start = parse_expression();
    if (!take_operator(":")) return start;
  }
  if (!current().is_operator(":") && !at_end()) stop = parse_expression();
  if (take_operator(":") && !at_end()) step = parse_expression();
  return make(Kind::kSlice, line, {start, stop, step});
}

Expression* Parser::parse_call(Expression* callee) {
  Expression* node = make(Kind::kCall, current().line, {callee});
  parse_arguments(*node);
  return node;
}

void Parser::parse_arguments(Expression& node) {
  const int line = current().line;
  expect_operator("(");
  bool list = false, dict = false, named = false;
  const auto ensure = [&](bool holds) {
    if (!holds) syntax_error(line, "invalid syntax for function call expression");
  };
  for (bool first = true; !current().is_operator(")"); first = false) {
    if (!first) expect_operator(",");
    if (current().is_operator(")")) break;
    Argument argument;
    if (take_operator("*")) {
      ensure(!list && !dict);
      list = true;
      argument.kind = Argument::Kind::kList;
    } else if (take_operator("**")) {
      ensure(!dict);
      dict = true;
      argument.kind = Argument::Kind::kDict;
    } else if (current().is(Token::Kind::kName) && ahead().is_operator("=")) {
      ensure(!dict);
      named = true;
      argument.kind = Argument::Kind::kNamed;
      argument.name = take().text;
      take();
      for (const Argument& other : node.arguments) {
        if (other.kind == Argument::Kind::kNamed && other.name == argument.name) {
          syntax_error(line, "keyword argument repeated: " + argument.name);
        }
      }
    } else {
      ensure(!list && !dict && !named);
    }
    argument.value = parse_expression();
    node.height = std::max(node.height, argument.value->height + 1);
    node.arguments.push_back(std::move(argument));
  }
  check_height(node.height, line);
  expect_operator(")");
}

Expression* Parser::parse_filters(Expression* subject, bool started) {
  while (started || current().is_operator("|")) {
    if (!started) take();
    started = false;
    Expression* node = make(Kind::kFilter, current().line, {subject});
    node->text = expect_any_name();
    while (take_operator(".")) node->text += "." + expect_any_name();
    if (current().is_operator("(")) parse_arguments(*node);
    subject = node;
  }
  return subject;
}

Expression* Parser::parse_test(Expression* subject) {
  const int line = take().line;
  const bool negated = take_name("not");
  Expression* node = make(Kind::kTest, line, {subject});
  node->text = expect_any_name();
  while (take_operator(".")) node->text += "." + expect_any_name();
  const Token& token = current();
  const bool operand = token.is(Token::Kind::kText) || token.is(Token::Kind::kNumber) ||
                       token.is_operator("[") || token.is_operator("{") ||
                       (token.is(Token::Kind::kName) && !token.is_name("else") &&
                        !token.is_name("or") && !token.is_name("and"));
  if (token.is_operator("(")) {
    parse_arguments(*node);
  } else if (operand) {
    if (token.is_name("is")) fail("You cannot chain multiple tests with is");
    Argument argument;
    argument.value = parse_postfix(parse_primary());
    node->height = std::max(node->height, argument.value->height + 1);
    check_height(node->height, line);
    node->arguments.push_back(std::move(argument));
  }
  return negated ? make(Kind::kNot, line, {node}) : node;
}

}  // namespace vecton::chat
