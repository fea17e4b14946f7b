#include <algorithm>

#include "grammar/schema_compiler.h"
#include "vecton/error.h"

namespace vecton::grammar {

Symbol SchemaCompiler::array(const Parts& parts) {
  ExpressionPool& pool = grammar_.pool;
  int64_t least = 0, most = kUnbounded;
  size_t prefix = 0;  // items with a schema of their own
  struct Lists {
    const json::array* prefix = nullptr;
    const json::value* items = nullptr;
  };
  std::vector<Lists> lists;
  for (const Part& part : parts) {
    least = std::max(least, count(part, "minItems", 0));
    const int64_t limit = count(part, "maxItems", kUnbounded);
    if (limit != kUnbounded) most = most == kUnbounded ? limit : std::min(most, limit);
    Lists list;
    const json::value *first = find(part, "prefixItems"), *items = find(part, "items");
    if (items && items->is_array()) {
      first = items;
      items = find(part, "additionalItems");
    }
    if (first && !first->is_array()) wrong(part, "prefixItems", "a list of schemas");
    if (first) list.prefix = &first->get_array();
    list.items = items;
    if (list.prefix) prefix = std::max(prefix, list.prefix->size());
    lists.push_back(list);
  }
  const auto item = [&](size_t index) {
    Parts value;
    for (const Lists& list : lists) {
      if (list.prefix && index < list.prefix->size()) {
        add_value_parts(&(*list.prefix)[index], value);
      } else if (list.items) {
        add_value_parts(list.items, value);
      }
    }
    return compile(std::move(value));
  };
  const Expr space = text_.space();
  const Symbol comma = Symbol::terminal(pool.sequence({space, pool.byte(','), space}));
  const Symbol tail =
      most != kUnbounded && most <= static_cast<int64_t>(prefix) ? Symbol() : item(prefix);
  for (const Part& part : parts) {
    const json::value* unique = find(part, "uniqueItems");
    const bool many = most == kUnbounded || most > 1;
    const bool one_at_most = tail.is_never() && prefix <= 1;
    if (unique && unique->is_bool() && unique->get_bool() && many && !one_at_most)
      document_.refuse(part.schema, "uniqueItems",
                       "is not taken of arrays that may have more than one item");
    if (find(part, "contains") && count(part, "minContains", 1) > 0)
      document_.refuse(part.schema, "contains", "is not taken");
    if (find(part, "contains") && find(part, "maxContains"))
      document_.refuse(part.schema, "maxContains", "is not taken");
  }

  const int32_t rule = grammar_.add_rule("array");
  const int32_t end = grammar_.add_state(rule), opened = grammar_.add_state(rule);
  grammar_.set_final(end);
  grammar_.connect(grammar_.start(rule), Symbol::terminal(pool.concat(pool.byte('['), space)),
                   opened);
  const Symbol close = Symbol::terminal(pool.concat(space, pool.byte(']')));
  int32_t at = opened;
  for (size_t i = 0; i < prefix; ++i) {
    const auto number = static_cast<int64_t>(i);
    if (number >= least)
      grammar_.connect(at, i == 0 ? Symbol::terminal(pool.byte(']')) : close, end);
    if (most != kUnbounded && number >= most) return Symbol::rule(rule);
    const int32_t next = grammar_.add_state(rule);
    const Symbol value = item(i);
    grammar_.connect(at, i == 0 ? value : grammar_.sequence({comma, value}), next);
    at = next;
  }
  // `at`: behind the prefix. The first item has no comma.
  const auto done = static_cast<int64_t>(prefix);
  int64_t more_least = std::max<int64_t>(least - done, 0),
          more_most = most == kUnbounded ? most : most - done;
  if (prefix == 0) {
    if (least == 0) grammar_.connect(at, Symbol::terminal(pool.byte(']')), end);
    if (most == 0) return Symbol::rule(rule);
    const int32_t next = grammar_.add_state(rule);
    grammar_.connect(at, tail, next);
    at = next;
    more_least = std::max<int64_t>(more_least - 1, 0);
    if (more_most != kUnbounded) --more_most;
  }
  const int32_t last = grammar_.add_state(rule);
  grammar_.connect_repeat(at, grammar_.sequence({comma, tail}), more_least, more_most, last);
  grammar_.connect(last, close, end);
  return Symbol::rule(rule);
}

}  // namespace vecton::grammar
