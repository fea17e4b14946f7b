// The rule of an object from what its members can be. Used by schema_objects.cpp alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "grammar/grammar.h"

namespace vecton::grammar {

// Members, and what has to be found among them, a bit each.
struct ObjectMembers {
  // What a member can be, and what it is found to be: surely, or because it is held to that.
  struct Way {
    uint64_t sure, found;
    Symbol value;
  };
  struct Named {
    Expr key;  // behind its first quote, up to the value
    bool required;
    uint64_t missing;  // what is found where it is not there
    std::vector<Way> ways;
  };
  std::vector<Named> named;
  std::vector<Way> others;  // with their keys, behind the first quote
  int64_t least = 0, most = kUnbounded;
  uint64_t all = 0;  // what has to be found

  // How many members there are is counted up to what makes no difference.
  int64_t counted() const { return std::max(least, most == kUnbounded ? 0 : most); }
};

// Members with names in their order, then others. Never where there is no such object.
Symbol object_rule(Grammar& grammar, Expr space, const ObjectMembers& members);

}  // namespace vecton::grammar
