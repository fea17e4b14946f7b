// Expressions: regular languages of bytes, with intersection and complement, matched by Brzozowski
// derivatives.
//
// Equal expressions have equal numbers. A pool belongs to one grammar and one thread at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/byte_classes.h"
#include "grammar/byte_set.h"
#include "grammar/flat_map.h"

namespace vecton::grammar {

using Expr = int32_t;

constexpr Expr kNever = 0;      // no text
constexpr Expr kEmptyText = 1;  // the empty text alone
constexpr int64_t kUnbounded = -1;

class ExpressionPool {
 public:
  ExpressionPool();

  Expr bytes(const ByteSet& set);
  Expr byte(uint8_t value) { return bytes(ByteSet::range(value, value)); }
  Expr literal(std::string_view text);
  // Any of the texts; shared beginnings are written once.
  Expr any_literal(std::vector<std::string_view> texts);
  Expr concat(Expr first, Expr second);
  Expr sequence(std::initializer_list<Expr> parts);
  Expr any_of(std::vector<Expr> parts);
  Expr all_of(std::vector<Expr> parts);
  Expr complement(Expr part);  // all other byte strings
  Expr repeat(Expr part, int64_t least, int64_t most = kUnbounded);
  Expr optional(Expr part) { return any_of({kEmptyText, part}); }
  // Decimal digits, with at most `decimals` digits after a point that count, whose number is a
  // multiple of `divisor` / 10^decimals. Without a sign.
  Expr multiple_of(uint64_t divisor, int decimals);

  // An expression whose meaning is given later and may have the expression itself in it, behind
  // text that is not empty. `nullable`: whether it will have the empty text.
  Expr open_loop(bool nullable);
  void close_loop(Expr loop, Expr body);

  bool nullable(Expr e) const { return nodes_[e].nullable; }
  // What may follow `byte` in the texts that begin with it.
  Expr derivative(Expr e, uint8_t byte);
  bool matches(Expr e, std::string_view text);
  // Whether there is any text.
  bool has_text(Expr e);
  // An expression of which few others are as well: all beginnings of its texts of at most `bytes`
  // bytes are beginnings of texts of `e`, which has a text, and hardly any is missing.
  Expr beginnings(Expr e, int64_t bytes);
  // Bytes that expressions and all their derivatives treat alike.
  ByteClasses classes_of(const std::vector<Expr>& roots) const;
  size_t size() const { return nodes_.size(); }
  // What `make` gives, which is the same whenever the key is.
  template <class Make>
  Expr once(const std::vector<uint32_t>& key, const Make& make) {
    if (const auto known = made_.find(key); known != made_.end()) return known->second;
    const Expr made = make();
    made_.emplace(key, made);
    return made;
  }
  // Half of what was left when its use began is used up.
  bool is_worn() const { return nodes_.size() > worn_size_ || work_ > worn_work_; }
  void begin_use();

 private:
  enum class Kind : uint8_t {
    kNever,
    kEmptyText,
    kBytes,
    kConcat,
    kAnyOf,
    kAllOf,
    kNot,
    kRepeat,
    kMultiple,
    kLoop
  };
  struct Node {
    Kind kind;
    bool nullable : 1;
    bool may_be_vacant : 1;  // false: surely it has a text, if it is not kNever
    bool finite : 1;         // surely it has few texts
    bool endless : 1;        // surely it has texts, and what begins one begins infinitely many
    int descent;             // how deep derivative() recurses
    int64_t a, b;            // parts, set, bounds: by kind
    Expr part;
    std::vector<Expr> parts;
  };

  // head, then body from `least` to `most` times, then rest.
  struct Counted {
    Expr head, body, rest;
    int64_t least, most;
  };
  std::optional<Counted> counted(Expr e) const;
  // Parts that differ in how often the same may still come become one.
  void merge_counts(std::vector<Expr>& parts);
  Expr intern(Node node);
  Expr compute_derivative(Expr e, uint8_t byte);
  Expr trie(const std::vector<std::string_view>& texts, size_t begin, size_t end, size_t depth);
  void flatten(Kind kind, const std::vector<Expr>& parts, std::vector<Expr>& out) const;
  bool excludes_few(Expr e) const;  // all texts but finitely many
  bool multiple_nullable(const Node& node) const;
  Expr multiple_derivative(int64_t divisor, int64_t state, uint8_t byte);
  bool search_text(Expr e);

  std::vector<Node> nodes_;
  std::vector<ByteSet> sets_;
  std::map<ByteSet, int> set_numbers_;
  std::map<std::vector<uint32_t>, Expr> made_;  // by once()
  std::vector<Expr> interned_;    // by hash, with kNever where none is; a power of two of them
  std::vector<uint32_t> hashes_;  // of nodes
  FlatMap derivatives_;           // by expression and byte
  size_t work_ = 0;               // of derivatives that were not known
  size_t worn_size_ = 0, worn_work_ = 0;
  std::unordered_map<Expr, bool> has_text_;  // where that had to be searched
};

}  // namespace vecton::grammar
