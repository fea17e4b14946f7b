// Parser: the functions that parse, each part of the grammar in a file of its own, and what they
// share: the tokens, the nodes they make and the bounds on nesting. Used by parse_program() alone;
// a parser belongs to one call.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/ast.h"
#include "chat/lexer.h"

namespace vecton::chat {

class Parser {
 public:
  Parser(std::vector<Token> tokens, Program& program)
      : tokens_(std::move(tokens)), program_(program) {}

  // expression_parser.cpp. `conditional`: an inline if may follow.
  Expression* parse_expression(bool conditional = true);
  // One expression, or a tuple of several.
  Expression* parse_tuple(bool conditional = true, bool in_brackets = false);
  // What may be assigned to: names, tuples of them and, with `members`, name.attribute.
  Expression* parse_target(bool members = false);
  std::string parse_new_name();  // of a macro or parameter

  // postfix_parser.cpp. Filters applied to `subject`; with `started`, the | before the first one is
  // not there.
  Expression* parse_filters(Expression* subject, bool started);

  // parser.cpp
  void parse_template();

 private:
  // parser_base.cpp. The operations that nest in one another on the way down.
  class Nesting {
   public:
    explicit Nesting(Parser& parser);
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  const Token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool take_name(std::string_view name);
  bool take_operator(std::string_view op);
  void expect_name(std::string_view name);
  void expect_operator(std::string_view op);
  std::string expect_any_name();
  void expect(Token::Kind kind);
  [[noreturn]] void unexpected(const std::string& expected) const;
  [[noreturn]] void fail(const std::string& message) const {
    syntax_error(current().line, message);
  }

  Expression* make(Expression::Kind kind, int line, std::vector<Expression*> items = {});
  Expression* make_constant(Value value, int line);
  Statement* make(Statement::Kind kind, int line);
  void check_height(int height, int line) const;

  // expression_parser.cpp
  struct Binary;
  // A level of operators that group from the left; `operand` is the level above it.
  Expression* parse_from_left(std::span<const Binary> operators, Expression* (Parser::*operand)());
  Expression* parse_conditional();
  Expression* parse_or();
  Expression* parse_and();
  Expression* parse_not();
  Expression* parse_compare();
  Expression* parse_sum();
  Expression* parse_concat();
  Expression* parse_product();
  Expression* parse_power();
  Expression* parse_operand();
  Expression* parse_unary(bool with_filters);
  Expression* parse_primary();
  Expression* parse_name_target(bool members);
  Expression* parse_list();
  Expression* parse_dict();
  bool at_tuple_end() const;
  // Expressions with commas between them, up to the end of a tuple.
  template <typename ParseItem>
  bool parse_items(ParseItem parse_item, std::vector<Expression*>& items);
  void check_target(const Expression& target) const;

  // postfix_parser.cpp
  Expression* parse_postfix(Expression* node);
  Expression* parse_filters_and_tests(Expression* node);
  Expression* parse_subscript(Expression* node);
  Expression* parse_subscribed();
  Expression* parse_test(Expression* subject);
  Expression* parse_call(Expression* callee);
  void parse_arguments(Expression& node);

  // parser.cpp
  Body parse_body(const std::vector<std::string_view>& ends);
  Body parse_statements(const std::vector<std::string_view>& ends, bool drop_end);
  Body parse_callable_body(std::string_view end);
  Statement* parse_statement();
  Statement* parse_if();
  Statement* parse_for();
  Statement* parse_set();
  Statement* parse_macro();
  Statement* parse_call_block();
  Statement* parse_filter_block();
  Statement* parse_with();
  Statement* parse_block();
  Statement* parse_print();
  Statement* parse_generation();
  Statement* parse_loop_control();
  void parse_signature(Statement& node);
  [[noreturn]] void unknown_tag(const std::string& name) const;
  [[noreturn]] void missing_end() const;
  std::string looking_for() const;
  void finish(Statement& node);

  const std::vector<Token> tokens_;
  size_t at_ = 0;
  Program& program_;
  int nesting_ = 0, loops_ = 0;
  std::vector<std::string> tags_;                    // that are open
  std::vector<std::vector<std::string_view>> ends_;  // of the tags that are open
  std::vector<std::string> blocks_;                  // names of the blocks so far
};

}  // namespace vecton::chat
