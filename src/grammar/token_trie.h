// TokenTrie: the bytes of a tokenizer's tokens as trees, in which a mask is found by walking along
// with a parse. Immutable once made, used from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "grammar/expression.h"

namespace vecton::grammar {

// What stands for a special token's name in a grammar, so that it can't be mistaken for text: 0xFF
// is in no UTF-8.
std::string special_token_bytes(std::string_view name);

class TokenTrie {
 public:
  // `tokens`: by id, the bytes that a token is in the middle of a text; empty: it can't be a part
  // of one. Special tokens are written by special_token_bytes().
  explicit TokenTrie(std::vector<std::string> tokens);

  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  std::string_view bytes(int32_t id) const { return tokens_[id]; }

  // Tokens of a kind that many grammars allow whole, such as letters. The last group is all others.
  static constexpr size_t kGroups = 4;
  static constexpr int kGroupBytes = 32;  // of a token in a group
  static std::vector<Expr> group_expressions(ExpressionPool& pool);

  struct Node {
    uint16_t depth;  // from 1
    uint8_t byte;
    int32_t end;          // behind the node's subtree
    int32_t first_token;  // its tokens: up to the next node's first
  };
  struct Group {
    std::vector<Node> nodes;  // in order, with one behind the last
    std::vector<int32_t> ids;
    std::vector<uint64_t> all;  // a bit for each of its ids
  };
  const Group& group(size_t i) const { return groups_[i]; }
  size_t longest() const { return longest_; }

 private:
  std::vector<std::string> tokens_;
  Group groups_[kGroups + 1];
  size_t longest_ = 0;
};

}  // namespace vecton::grammar
