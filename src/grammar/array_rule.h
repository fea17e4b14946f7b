// The rule of an array while it is put together: brackets, commas and items. Used by
// schema_arrays.cpp alone.
#pragma once

#include <cstdint>

#include "grammar/grammar.h"

namespace vecton::grammar {

class ArrayRule {
 public:
  // kCompared: items are, and may be equal all the same; kUnique: they all differ.
  enum class Items { kAny, kCompared, kUnique };
  ArrayRule(Grammar& grammar, Expr space, Items items);

  Symbol symbol() const { return Symbol::rule(rule_); }
  int32_t opened() const { return opened_; }  // behind the bracket
  int32_t add_state() { return grammar_.add_state(rule_); }
  // The array may end there, behind so many items.
  void close(int32_t from, int64_t items);
  // An item that so many stand before.
  void connect_item(int32_t from, Symbol value, int64_t before, int32_t to);
  // One that is equal to one of those.
  void connect_repeated(int32_t from, Symbol value, int64_t before, int32_t to);
  // Any number of items from `least` to `most`, which others stand before.
  void connect_items(int32_t from, Symbol value, int64_t least, int64_t most, int32_t to);

 private:
  Symbol behind(Symbol value, int64_t before) const;

  Grammar& grammar_;
  const int32_t rule_, end_, opened_;
  const Symbol comma_, bracket_, spaced_bracket_;
  const bool unique_;
};

}  // namespace vecton::grammar
