#include "chat/parser.h"

#include <algorithm>

#include "chat/parser_base.h"
#include "chat/scopes.h"
#include "vecton/error.h"

namespace vecton::chat {

namespace {

using StatementKind = Statement::Kind;

constexpr size_t kMaxBytes = 4 << 20;  // of a template

}  // namespace

Statement* Parser::make(StatementKind kind, int line) {
  program_.statements.push_back(std::make_unique<Statement>());
  Statement* node = program_.statements.back().get();
  node->kind = kind;
  node->line = line;
  return node;
}

// Checks how high the tree below a complete statement is.
void Parser::finish(Statement& node) {
  const auto cover = [&](const Expression* part) {
    if (part) node.height = std::max(node.height, part->height + 1);
  };
  for (const Expression* part : node.expressions) cover(part);
  for (const Expression* part : node.signature.defaults) cover(part);
  for (const Expression* part : {node.target, node.source, node.condition, node.filter})
    cover(part);
  for (const Body& body : node.bodies) {
    for (const Statement* part : body) node.height = std::max(node.height, part->height + 1);
  }
  check_height(node.height, node.line);
}

void Parser::parse_template() {
  program_.body = parse_body({});
  if (!current().is(Token::Kind::kEnd)) fail("unexpected end of the template's text");
}

std::string Parser::looking_for() const {
  std::string out;
  for (const std::string_view end : ends_.back()) {
    out += (out.empty() ? "'" : " or '") + std::string(end) + "'";
  }
  return out;
}

void Parser::unknown_tag(const std::string& name) const {
  for (const std::string_view tag : {"extends", "include", "import", "from"}) {
    if (name == tag) {
      throw Error(ErrorCode::kUnsupported,
                  "chat template, line " + std::to_string(current().line) + ": the tag '" + name +
                      "' needs other templates, of which there are none",
                  "chat_template");
    }
  }
  if (name == "autoescape") {
    throw Error(ErrorCode::kUnsupported,
                "chat template, line " + std::to_string(current().line) +
                    ": the tag 'autoescape' is not supported",
                "chat_template");
  }
  std::string message = "Encountered unknown tag '" + name + "'.";
  if (!ends_.empty()) {
    const bool nested = std::any_of(ends_.begin(), ends_.end(), [&](const auto& ends) {
      return std::find(ends.begin(), ends.end(), name) != ends.end();
    });
    message += nested ? " You probably made a nesting mistake. Jinja is expecting this tag, but "
                        "currently looking for " +
                            looking_for() + "."
                      : " Jinja was looking for the following tags: " + looking_for() + ".";
  }
  if (!tags_.empty()) {
    message += " The innermost block that needs to be closed is '" + tags_.back() + "'.";
  }
  fail(message);
}

void Parser::missing_end() const {
  fail("Unexpected end of template. Jinja was looking for the following tags: " + looking_for() +
       ". The innermost block that needs to be closed is '" + tags_.back() + "'.");
}

Body Parser::parse_body(const std::vector<std::string_view>& ends) {
  Body body;
  Statement* output = nullptr;  // what is printed without a statement between is one statement
  while (!current().is(Token::Kind::kEnd)) {
    const Token& token = current();
    if (token.is(Token::Kind::kData)) {
      take();
      Statement* text = make(StatementKind::kText, token.line);
      text->text = token.text;
      body.push_back(text);
    } else if (token.is(Token::Kind::kVariableBegin)) {
      take();
      output = make(StatementKind::kOutput, token.line);
      output->expressions.push_back(parse_tuple());
      expect(Token::Kind::kVariableEnd);
      finish(*output);
      body.push_back(output);
    } else {
      expect(Token::Kind::kBlockBegin);
      for (const std::string_view end : ends) {
        if (current().is_name(end)) return body;
      }
      Statement* statement = parse_statement();
      finish(*statement);
      body.push_back(statement);
      expect(Token::Kind::kBlockEnd);
    }
  }
  return body;
}

Body Parser::parse_statements(const std::vector<std::string_view>& ends, bool drop_end) {
  take_operator(":");
  expect(Token::Kind::kBlockEnd);
  ends_.push_back(ends);
  Body body = parse_body(ends);
  if (current().is(Token::Kind::kEnd)) missing_end();
  ends_.pop_back();
  if (drop_end) take();
  return body;
}

Statement* Parser::parse_statement() {
  using Parse = Statement* (Parser::*)();
  static constexpr std::pair<std::string_view, Parse> kTags[] = {
      {"if", &Parser::parse_if},
      {"for", &Parser::parse_for},
      {"set", &Parser::parse_set},
      {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block},
      {"filter", &Parser::parse_filter_block},
      {"with", &Parser::parse_with},
      {"block", &Parser::parse_block},
      {"print", &Parser::parse_print},
      {"generation", &Parser::parse_generation},
      {"break", &Parser::parse_loop_control},
      {"continue", &Parser::parse_loop_control},
  };
  const Nesting nesting(*this);
  if (!current().is(Token::Kind::kName)) fail("tag name expected");
  const auto* tag = std::find_if(std::begin(kTags), std::end(kTags),
                                 [&](const auto& entry) { return current().is_name(entry.first); });
  if (tag == std::end(kTags)) unknown_tag(current().text);
  tags_.push_back(current().text);
  Statement* statement = (this->*tag->second)();
  tags_.pop_back();
  return statement;
}

Statement* Parser::parse_if() {
  Statement* node = make(StatementKind::kIf, take().line);
  while (true) {
    node->expressions.push_back(parse_tuple(false));
    node->bodies.push_back(parse_statements({"elif", "else", "endif"}, false));
    const std::string end = take().text;
    if (end == "elif") continue;
    if (end == "else") node->bodies.push_back(parse_statements({"endif"}, true));
    return node;
  }
}

Statement* Parser::parse_for() {
  Statement* node = make(StatementKind::kFor, take().line);
  node->target = parse_target();
  expect_name("in");
  node->source = parse_tuple(false);
  if (take_name("if")) node->condition = parse_expression();
  node->recursive = take_name("recursive");
  ++loops_;
  node->bodies.push_back(parse_statements({"endfor", "else"}, false));
  --loops_;
  if (take().text == "else") node->bodies.push_back(parse_statements({"endfor"}, true));
  return node;
}

Statement* Parser::parse_set() {
  const int line = take().line;
  Expression* target = parse_target(true);
  if (take_operator("=")) {
    Statement* node = make(StatementKind::kSet, line);
    node->target = target;
    node->source = parse_tuple();
    return node;
  }
  Statement* node = make(StatementKind::kSetBlock, line);
  node->target = target;
  node->filter = parse_filters(nullptr, false);
  node->bodies.push_back(parse_statements({"endset"}, true));
  return node;
}

void Parser::parse_signature(Statement& node) {
  Signature& signature = node.signature;
  expect_operator("(");
  while (!current().is_operator(")")) {
    if (!signature.names.empty()) expect_operator(",");
    const std::string name = parse_new_name();
    if (std::find(signature.names.begin(), signature.names.end(), name) != signature.names.end()) {
      fail("duplicate argument '" + name + "' in function definition");
    }
    signature.names.push_back(name);
    if (take_operator("=")) {
      signature.defaults.push_back(parse_expression());
    } else if (!signature.defaults.empty()) {
      fail("non-default argument follows default argument");
    }
  }
  expect_operator(")");
}

// The loops around what is called are not its own.
Body Parser::parse_callable_body(std::string_view end) {
  const int loops = std::exchange(loops_, 0);
  Body body = parse_statements({end}, true);
  loops_ = loops;
  return body;
}

Statement* Parser::parse_macro() {
  Statement* node = make(StatementKind::kMacro, take().line);
  node->text = parse_new_name();
  parse_signature(*node);
  node->bodies.push_back(parse_callable_body("endmacro"));
  return node;
}

Statement* Parser::parse_call_block() {
  Statement* node = make(StatementKind::kCall, take().line);
  if (current().is_operator("(")) parse_signature(*node);
  node->source = parse_expression();
  if (node->source->kind != Expression::Kind::kCall) syntax_error(node->line, "expected call");
  node->bodies.push_back(parse_callable_body("endcall"));
  return node;
}

Statement* Parser::parse_generation() {
  Statement* node = make(StatementKind::kCall, take().line);
  node->generation = true;
  node->bodies.push_back(parse_callable_body("endgeneration"));
  return node;
}

Statement* Parser::parse_filter_block() {
  Statement* node = make(StatementKind::kFilter, take().line);
  node->filter = parse_filters(nullptr, true);
  node->bodies.push_back(parse_statements({"endfilter"}, true));
  return node;
}

Statement* Parser::parse_with() {
  Statement* node = make(StatementKind::kWith, take().line);
  while (!current().is(Token::Kind::kBlockEnd)) {
    if (!node->targets.empty()) expect_operator(",");
    node->targets.push_back(parse_target());
    expect_operator("=");
    node->expressions.push_back(parse_expression());
  }
  node->bodies.push_back(parse_statements({"endwith"}, true));
  return node;
}

Statement* Parser::parse_block() {
  Statement* node = make(StatementKind::kBlock, take().line);
  node->text = expect_any_name();
  if (std::find(blocks_.begin(), blocks_.end(), node->text) != blocks_.end()) {
    fail("block '" + node->text + "' defined twice");
  }
  blocks_.push_back(node->text);
  if (current().is_name("scoped") || current().is_name("required")) {
    fail("the word '" + current().text + "' of a block is not supported");
  }
  const int loops = std::exchange(loops_, 0);
  node->bodies.push_back(parse_statements({"endblock"}, true));
  loops_ = loops;
  take_name(node->text);
  return node;
}

Statement* Parser::parse_print() {
  Statement* node = make(StatementKind::kOutput, take().line);
  while (!current().is(Token::Kind::kBlockEnd)) {
    if (!node->expressions.empty()) expect_operator(",");
    node->expressions.push_back(parse_expression());
  }
  return node;
}

Statement* Parser::parse_loop_control() {
  const Token& token = take();
  if (loops_ == 0) syntax_error(token.line, "'" + token.text + "' outside loop");
  return make(token.text == "break" ? StatementKind::kBreak : StatementKind::kContinue, token.line);
}

std::unique_ptr<const Program> parse_program(std::string_view source) {
  if (source.size() > kMaxBytes) {
    throw Error(ErrorCode::kInvalidArgument,
                "chat template: " + std::to_string(source.size()) + " bytes, at most " +
                    std::to_string(kMaxBytes) + " are accepted",
                "chat_template");
  }
  auto program = std::make_unique<Program>();
  Parser(tokenize(source), *program).parse_template();
  resolve_names(*program);
  return program;
}

}  // namespace vecton::chat
