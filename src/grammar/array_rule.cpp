#include "grammar/array_rule.h"

namespace vecton::grammar {

ArrayRule::ArrayRule(Grammar& grammar, Expr space, Items items)
    : grammar_(grammar),
      rule_(grammar.add_rule("array")),
      end_(grammar.add_state(rule_)),
      opened_(grammar.add_state(rule_)),
      comma_(Symbol::terminal(grammar.pool.sequence({space, grammar.pool.byte(','), space}))),
      bracket_(Symbol::terminal(grammar.pool.byte(']'))),
      spaced_bracket_(Symbol::terminal(grammar.pool.concat(space, bracket_.index))),
      unique_(items == Items::kUnique) {
  grammar_.set_final(end_);
  grammar_.connect(grammar_.start(rule_),
                   Symbol::terminal(grammar_.pool.concat(grammar_.pool.byte('['), space)), opened_);
  if (items != Items::kAny) grammar_.set_opens(opened_);
}

void ArrayRule::close(int32_t from, int64_t items) {
  grammar_.connect(from, items == 0 ? bracket_ : spaced_bracket_, end_);
}

Symbol ArrayRule::behind(Symbol value, int64_t before) const {
  return before == 0 ? value : grammar_.sequence({comma_, value});
}

void ArrayRule::connect_item(int32_t from, Symbol value, int64_t before, int32_t to) {
  const Symbol item = behind(value, before);
  if (!unique_ || item.is_never()) return grammar_.connect(from, item, to);
  const int32_t read = add_state();
  grammar_.connect(from, item, read);
  grammar_.connect_fresh(read, to);
}

void ArrayRule::connect_repeated(int32_t from, Symbol value, int64_t before, int32_t to) {
  const int32_t read = add_state();
  grammar_.connect(from, behind(value, before), read);
  grammar_.connect_repeated(read, to);
}

void ArrayRule::connect_items(int32_t from, Symbol value, int64_t least, int64_t most, int32_t to) {
  Symbol item = grammar_.sequence({comma_, value});
  if (unique_ && !item.is_never()) {
    const int32_t rule = grammar_.add_rule("item");
    const int32_t read = grammar_.add_state(rule), done = grammar_.add_state(rule);
    grammar_.connect(grammar_.start(rule), item, read);
    grammar_.connect_fresh(read, done);
    grammar_.set_final(done);
    item = Symbol::rule(rule);
  }
  grammar_.connect_repeat(from, item, least, most, to);
}

}  // namespace vecton::grammar
