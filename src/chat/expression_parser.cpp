#include <algorithm>

#include "chat/parser_base.h"

namespace vecton::chat {

namespace {

// Deeper than any template that Jinja itself can compile.
constexpr int kMaxNesting = 200, kMaxHeight = 400;

using Kind = Expression::Kind;

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

Expression* Parser::make(Kind kind, int line, std::vector<Expression*> items) {
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
  Expression* node = make(Kind::kConstant, line);
  node->value = std::move(value);
  return node;
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

Expression* Parser::parse_or() {
  int line = current().line;
  Expression* left = parse_and();
  while (take_name("or")) {
    Expression* right = parse_and();
    left = make(Kind::kOr, line, {left, right});
    line = current().line;
  }
  return left;
}

Expression* Parser::parse_and() {
  int line = current().line;
  Expression* left = parse_not();
  while (take_name("and")) {
    Expression* right = parse_not();
    left = make(Kind::kAnd, line, {left, right});
    line = current().line;
  }
  return left;
}

Expression* Parser::parse_not() {
  const int line = current().line;
  if (!take_name("not")) return parse_compare();
  const Nesting nesting(*this);
  return make(Kind::kNot, line, {parse_not()});
}

Expression* Parser::parse_compare() {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"==", Operator::kEqual},  {"!=", Operator::kNotEqual},  {"<", Operator::kLess},
      {">", Operator::kGreater}, {"<=", Operator::kLessEqual}, {">=", Operator::kGreaterEqual}};
  const int line = current().line;
  std::vector<Expression*> items = {parse_sum()};
  std::vector<Operator> ops;
  while (true) {
    const auto* op =
        std::find_if(std::begin(kOperators), std::end(kOperators),
                     [&](const auto& entry) { return current().is_operator(entry.first); });
    if (op != std::end(kOperators)) {
      take();
      ops.push_back(op->second);
    } else if (take_name("in")) {
      ops.push_back(Operator::kIn);
    } else if (current().is_name("not") && ahead().is_name("in")) {
      take();
      take();
      ops.push_back(Operator::kNotIn);
    } else {
      break;
    }
    items.push_back(parse_sum());
  }
  if (ops.empty()) return items[0];
  Expression* node = make(Kind::kCompare, line, std::move(items));
  node->ops = std::move(ops);
  return node;
}

Expression* Parser::parse_sum() {
  int line = current().line;
  Expression* left = parse_concat();
  while (current().is_operator("+") || current().is_operator("-")) {
    const Operator op = take().text == "+" ? Operator::kAdd : Operator::kSubtract;
    Expression* right = parse_concat();
    left = make(Kind::kArithmetic, line, {left, right});
    left->ops = {op};
    line = current().line;
  }
  return left;
}

Expression* Parser::parse_concat() {
  const int line = current().line;
  std::vector<Expression*> items = {parse_product()};
  while (take_operator("~")) items.push_back(parse_product());
  return items.size() == 1 ? items[0] : make(Kind::kConcat, line, std::move(items));
}

Expression* Parser::parse_product() {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"*", Operator::kMultiply},
      {"/", Operator::kDivide},
      {"//", Operator::kFloorDivide},
      {"%", Operator::kModulo}};
  int line = current().line;
  Expression* left = parse_power();
  while (true) {
    const auto* op =
        std::find_if(std::begin(kOperators), std::end(kOperators),
                     [&](const auto& entry) { return current().is_operator(entry.first); });
    if (op == std::end(kOperators)) return left;
    take();
    Expression* right = parse_power();
    left = make(Kind::kArithmetic, line, {left, right});
    left->ops = {op->second};
    line = current().line;
  }
}

Expression* Parser::parse_power() {
  int line = current().line;
  Expression* left = parse_unary(true);
  while (take_operator("**")) {
    Expression* right = parse_unary(true);
    left = make(Kind::kArithmetic, line, {left, right});
    left->ops = {Operator::kPower};
    line = current().line;
  }
  return left;
}

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

Expression* Parser::parse_tuple(bool conditional, bool in_brackets) {
  const int line = current().line;
  std::vector<Expression*> items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) expect_operator(",");
    if (at_tuple_end()) break;
    items.push_back(parse_expression(conditional));
    if (!current().is_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return items[0];
  if (!is_tuple && !in_brackets) {
    fail("Expected an expression, got '" + describe(current()) + "'");
  }
  return make(Kind::kTuple, line, std::move(items));
}

Expression* Parser::parse_target(bool members) {
  const int line = current().line;
  std::vector<Expression*> items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) expect_operator(",");
    if (at_tuple_end()) break;
    items.push_back(current().is(Token::Kind::kName) ? parse_name_target(members)
                                                     : parse_primary());
    if (!current().is_operator(",")) break;
    is_tuple = true;
  }
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
