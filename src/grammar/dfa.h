// Dfa: the states of regular expressions, made as texts reach them. One thread at a time.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "grammar/expression.h"

namespace vecton::grammar {

class Dfa {
 public:
  static constexpr int32_t kDead = -1;  // nothing that follows makes it a text of the language

  // Bytes that no part of the roots tells apart are one class. The pool outlives the Dfa.
  Dfa(ExpressionPool& pool, const std::vector<Expr>& roots);

  int classes() const { return static_cast<int>(classes_.size()); }
  int class_of(uint8_t byte) const { return static_cast<int>(classes_.of(byte)); }

  // The state of an expression; kDead if it has no text.
  int32_t state(Expr e);
  int32_t next(int32_t state, int byte_class);
  bool accepting(int32_t state) const { return pool_.nullable(expressions_[state]); }
  // Whether more may follow.
  bool extendable(int32_t state) const { return expressions_[state] != kEmptyText; }

  // Whether every text of at most `bytes` bytes of group's beginnings is a beginning of `state`'s;
  // false as well where that takes long to tell.
  bool contains(int32_t state, int32_t group, int bytes);

  size_t size() const { return expressions_.size(); }
  size_t memory() const;

 private:
  static constexpr int32_t kUnknown = -2;

  int32_t number(Expr e);

  ExpressionPool& pool_;
  const ByteClasses classes_;
  const std::vector<uint8_t> representatives_;
  std::vector<Expr> expressions_;
  std::vector<int32_t> next_;  // by state and class
  std::unordered_map<Expr, int32_t> numbers_;
  std::unordered_map<uint64_t, bool> contains_;
};

}  // namespace vecton::grammar
