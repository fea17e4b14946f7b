// Expressions, one function for each level of precedence from the loosest to the tightest.
#include <algorithm>
#include <span>

#include "chat/parser_base.h"

namespace vecton::chat {

namespace {

using Kind = Expression::Kind;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::kConstant:
      return "const";
    case Kind::kList:
      return "list";
    case Kind::kDict:
      return "dict";
    default:
      return "expression";
  }
}

}  // namespace

// An operator between two expressions: its token, a name or a sign, and the node it makes.
struct Parser::Binary {
  std::string_view text;
  Kind kind;
  Operator op = {};  // of comparisons and arithmetic

  static const Binary* find(std::span<const Binary> operators, const Token& token);
};

const Parser::Binary* Parser::Binary::find(std::span<const Binary> operators, const Token& token) {
  const auto found = std::ranges::find_if(operators, [&](const Binary& binary) {
    return token.is_name(binary.text) || token.is_operator(binary.text);
  });
  return found == operators.end() ? nullptr : &*found;
}

Expression* Parser::parse_expression(bool conditional) {
  const Nesting nesting(*this);
  return conditional ? parse_conditional() : parse_or();
}

Expression* Parser::parse_conditional() {
  int line = current().line;
  Expression* node = parse_or();
  while (take_name("if")) {
    Expression* condition = parse_or();
    Expression* otherwise = take_name("else") ? parse_expression() : nullptr;
    node = make(Kind::kConditional, line, {node, condition, otherwise});
    line = current().line;
  }
  return node;
}

Expression* Parser::parse_from_left(std::span<const Binary> operators,
                                    Expression* (Parser::*operand)()) {
  int line = current().line;
  Expression* left = (this->*operand)();
  while (const Binary* found = Binary::find(operators, current())) {
    take();
    Expression* right = (this->*operand)();
    left = make(found->kind, line, {left, right});
    if (found->kind == Kind::kArithmetic) left->ops = {found->op};
    line = current().line;
  }
  return left;
}

Expression* Parser::parse_or() {
  static constexpr Binary kOr[] = {{"or", Kind::kOr}};
  return parse_from_left(kOr, &Parser::parse_and);
}

Expression* Parser::parse_and() {
  static constexpr Binary kAnd[] = {{"and", Kind::kAnd}};
  return parse_from_left(kAnd, &Parser::parse_not);
}

Expression* Parser::parse_not() {
  const int line = current().line;
  if (!take_name("not")) return parse_compare();
  const Nesting nesting(*this);
  return make(Kind::kNot, line, {parse_not()});
}

Expression* Parser::parse_compare() {
  static constexpr Binary kComparisons[] = {
      {"==", Kind::kCompare, Operator::kEqual},     {"!=", Kind::kCompare, Operator::kNotEqual},
      {"<", Kind::kCompare, Operator::kLess},       {">", Kind::kCompare, Operator::kGreater},
      {"<=", Kind::kCompare, Operator::kLessEqual}, {">=", Kind::kCompare, Operator::kGreaterEqual},
      {"in", Kind::kCompare, Operator::kIn}};
  const int line = current().line;
  std::vector<Expression*> items = {parse_sum()};
  std::vector<Operator> ops;
  while (true) {
    if (const Binary* found = Binary::find(kComparisons, current())) {
      ops.push_back(found->op);
    } else if (current().is_name("not") && ahead().is_name("in")) {
      take();
      ops.push_back(Operator::kNotIn);
    } else {
      break;
    }
    take();
    items.push_back(parse_sum());
  }
  if (ops.empty()) return items[0];
  Expression* node = make(Kind::kCompare, line, std::move(items));
  node->ops = std::move(ops);
  return node;
}

Expression* Parser::parse_sum() {
  static constexpr Binary kSums[] = {{"+", Kind::kArithmetic, Operator::kAdd},
                                     {"-", Kind::kArithmetic, Operator::kSubtract}};
  return parse_from_left(kSums, &Parser::parse_concat);
}

Expression* Parser::parse_concat() {
  const int line = current().line;
  std::vector<Expression*> items = {parse_product()};
  while (take_operator("~")) items.push_back(parse_product());
  return items.size() == 1 ? items[0] : make(Kind::kConcat, line, std::move(items));
}

Expression* Parser::parse_product() {
  static constexpr Binary kProducts[] = {{"*", Kind::kArithmetic, Operator::kMultiply},
                                         {"/", Kind::kArithmetic, Operator::kDivide},
                                         {"//", Kind::kArithmetic, Operator::kFloorDivide},
                                         {"%", Kind::kArithmetic, Operator::kModulo}};
  return parse_from_left(kProducts, &Parser::parse_power);
}

Expression* Parser::parse_power() {
  static constexpr Binary kPowers[] = {{"**", Kind::kArithmetic, Operator::kPower}};
  return parse_from_left(kPowers, &Parser::parse_operand);
}

Expression* Parser::parse_operand() { return parse_unary(true); }

Expression* Parser::parse_unary(bool with_filters) {
  const Nesting nesting(*this);
  const int line = current().line;
  Expression* node;
  if (take_operator("-")) {
    node = make(Kind::kNegative, line, {parse_unary(false)});
  } else if (take_operator("+")) {
    node = make(Kind::kPositive, line, {parse_unary(false)});
  } else {
    node = parse_primary();
  }
  node = parse_postfix(node);
  return with_filters ? parse_filters_and_tests(node) : node;
}

Expression* Parser::parse_primary() {
  const Token& token = current();
  if (token.is(Token::Kind::kName)) return parse_name_target(false);
  if (token.is(Token::Kind::kText)) {
    take();
    if (!current().is(Token::Kind::kText)) return make_constant(token.value, token.line);
    std::string text = token.value.text();
    while (current().is(Token::Kind::kText)) text += take().value.text();
    return make_constant(Value::text(std::move(text)), token.line);
  }
  if (token.is(Token::Kind::kNumber)) return make_constant(take().value, token.line);
  if (take_operator("(")) {
    Expression* node = parse_tuple(true, true);
    expect_operator(")");
    return node;
  }
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  fail("unexpected '" + describe(token) + "'");
}

// A name, or a constant that has one; with `members`, also name.attribute.
Expression* Parser::parse_name_target(bool members) {
  const Token& token = take();
  if (token.text == "true" || token.text == "True") {
    return make_constant(Value::boolean(true), token.line);
  }
  if (token.text == "false" || token.text == "False") {
    return make_constant(Value::boolean(false), token.line);
  }
  if (token.text == "none" || token.text == "None") return make_constant(Value::none(), token.line);
  Expression* name = make(Kind::kName, token.line);
  name->text = token.text;
  if (!members || !take_operator(".")) return name;
  Expression* member = make(Kind::kMember, token.line, {name});
  member->text = expect_any_name();
  return member;
}

bool Parser::at_tuple_end() const {
  return current().is(Token::Kind::kVariableEnd) || current().is(Token::Kind::kBlockEnd) ||
         current().is_operator(")");
}

// Whether there was a comma.
template <typename ParseItem>
bool Parser::parse_items(ParseItem parse_item, std::vector<Expression*>& items) {
  bool comma = false;
  while (true) {
    if (!items.empty()) expect_operator(",");
    if (at_tuple_end()) return comma;
    items.push_back(parse_item());
    if (!current().is_operator(",")) return comma;
    comma = true;
  }
}

Expression* Parser::parse_tuple(bool conditional, bool in_brackets) {
  const int line = current().line;
  std::vector<Expression*> items;
  const bool is_tuple = parse_items([&] { return parse_expression(conditional); }, items);
  if (!is_tuple && !items.empty()) return items[0];
  if (!is_tuple && !in_brackets) {
    fail("Expected an expression, got '" + describe(current()) + "'");
  }
  return make(Kind::kTuple, line, std::move(items));
}

Expression* Parser::parse_target(bool members) {
  const int line = current().line;
  std::vector<Expression*> items;
  const auto parse_item = [&] {
    return current().is(Token::Kind::kName) ? parse_name_target(members) : parse_primary();
  };
  const bool is_tuple = parse_items(parse_item, items);
  if (items.empty()) fail("Expected an expression, got '" + describe(current()) + "'");
  Expression* target = is_tuple ? make(Kind::kTuple, line, std::move(items)) : items[0];
  check_target(*target);
  return target;
}

void Parser::check_target(const Expression& target) const {
  if (target.kind == Kind::kTuple) {
    for (const Expression* item : target.items) check_target(*item);
  } else if (target.kind != Kind::kName && target.kind != Kind::kMember) {
    syntax_error(target.line, "can't assign to '" + std::string(name_of(target.kind)) + "'");
  }
}

std::string Parser::parse_new_name() {
  const int line = current().line;
  const std::string name = expect_any_name();
  for (const std::string_view constant : {"true", "True", "false", "False", "none", "None"}) {
    if (name == constant) syntax_error(line, "can't assign to 'name'");
  }
  return name;
}

Expression* Parser::parse_list() {
  const int line = take().line;
  std::vector<Expression*> items;
  while (!current().is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    if (current().is_operator("]")) break;
    items.push_back(parse_expression());
  }
  expect_operator("]");
  return make(Kind::kList, line, std::move(items));
}

Expression* Parser::parse_dict() {
  const int line = take().line;
  std::vector<Expression*> items;
  while (!current().is_operator("}")) {
    if (!items.empty()) expect_operator(",");
    if (current().is_operator("}")) break;
    items.push_back(parse_expression());
    expect_operator(":");
    items.push_back(parse_expression());
  }
  expect_operator("}");
  return make(Kind::kDict, line, std::move(items));
}

}  // namespace vecton::chat
