#include <algorithm>
#include <map>

#include "grammar/recogniser.h"
#include "grammar/schema_compiler.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

// An item that has to be there.
struct Some {
  int64_t from;
  const json::value* schema;  // nullptr: it is equal to one before it
};
constexpr size_t kMaxSome = 8;
constexpr int64_t kMaxCounted = 200;

}  // namespace

// By writing them.
bool SchemaCompiler::has_values(const Parts& parts, int64_t number) {
  Grammar grammar;
  const JsonOptions options{.compact = true, .closed_objects = options_.closed_objects};
  SchemaCompiler compiler(grammar, document_, options);
  compiler.counts_values_ = false;
  const Symbol item = compiler.compile_whole(parts);
  ExpressionPool& pool = grammar.pool;
  const int32_t rule = grammar.add_rule("array");
  const int32_t opened = grammar.add_state(rule), next = grammar.add_state(rule),
                read = grammar.add_state(rule), done = grammar.add_state(rule);
  grammar.set_opens(opened);
  grammar.set_final(done);
  grammar.connect(grammar.start(rule), Symbol::terminal(pool.byte('[')), opened);
  grammar.connect(opened, next);
  grammar.connect(next, item, read);
  grammar.connect_fresh(read, done);
  grammar.connect(done, Symbol::terminal(pool.byte(',')), next);
  if (!grammar.finish(Symbol::rule(rule))) return false;
  Automaton automaton(grammar, {}, 0);
  ArrayTracker tracker;
  Recogniser recogniser(automaton, tracker);
  ParseState* state = recogniser.next(automaton.start(), '[');
  for (int64_t i = 0; i < number; ++i) {
    if (i > 0) state = recogniser.next(state, ',');
    if (!state || !recogniser.write_item(state)) return false;
  }
  return true;
}

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
  const auto parts_of = [&](size_t index) {
    Parts value;
    for (const Lists& list : lists) {
      if (list.prefix && index < list.prefix->size()) {
        add_value_parts(&(*list.prefix)[index], value);
      } else if (list.items) {
        add_value_parts(list.items, value);
      }
    }
    return value;
  };
  const auto item = [&](size_t index) { return compile(parts_of(index)); };
  const Expr space = text_.space();
  const Symbol comma = Symbol::terminal(pool.sequence({space, pool.byte(','), space}));
  const Symbol tail =
      most != kUnbounded && most <= static_cast<int64_t>(prefix) ? Symbol() : item(prefix);
  const Part *unique = nullptr, *repeats = nullptr;
  std::vector<Some> some;
  for (const Part& part : parts) {
    const json::value* differ = find(part, "uniqueItems");
    if (differ && differ->is_bool() && differ->get_bool()) unique = &part;
    if (find(part, kRepeats)) repeats = &part;
    const json::value* contains = find(part, "contains");
    if (contains && count(part, "minContains", 1) > 1)
      document_.refuse(part.schema, "minContains", "is not taken above 1");
    if (contains && find(part, "maxContains"))
      document_.refuse(part.schema, "maxContains", "is not taken");
    if (contains && count(part, "minContains", 1) > 0) some.push_back({0, contains});
    if (const json::value* one = find(part, kSomeItem))
      some.push_back({one->at("from").get_int64(), &one->at("item")});
  }
  if (some.size() > kMaxSome)
    document_.refuse(parts[0].schema, "contains",
                     "is not taken of more than " + std::to_string(kMaxSome) + " schemas at once");
  if (repeats && unique) return Symbol();
  if (repeats) {
    // So an item can always be repeated.
    if (most != kUnbounded || tail.is_never())
      document_.refuse(repeats->schema, "uniqueItems",
                       "can't be negated of arrays that can't have any number of items");
    some.push_back({1, nullptr});
  }
  if (unique && std::any_of(some.begin(), some.end(), [](const Some& s) { return s.from > 0; }))
    document_.refuse(unique->schema, "uniqueItems", "is not taken with a negated prefix of items");
  // Wherever an item has to follow, one is left that differs from all before it.
  constexpr int64_t kManyItems = 200;
  for (int64_t i = 1; unique && counts_values_ && i < least; ++i) {
    const auto index = static_cast<size_t>(i);
    const int64_t needed = index < prefix ? i + 1 : least;
    if (needed > kManyItems || !has_values(parts_of(index), needed))
      document_.refuse(unique->schema, "uniqueItems",
                       "is not taken where there have to be more items than there are different "
                       "values, or more than " +
                           std::to_string(kManyItems));
    if (index >= prefix) break;
  }
  const int32_t rule = grammar_.add_rule("array");
  const int32_t end = grammar_.add_state(rule), opened = grammar_.add_state(rule);
  grammar_.set_final(end);
  grammar_.connect(grammar_.start(rule), Symbol::terminal(pool.concat(pool.byte('['), space)),
                   opened);
  if (unique || repeats) grammar_.set_opens(opened);
  const auto connect_item = [&](int32_t from, Symbol value, int32_t to) {
    if (!unique || value.is_never()) return grammar_.connect(from, value, to);
    const int32_t read = grammar_.add_state(rule);
    grammar_.connect(from, value, read);
    grammar_.connect_fresh(read, to);
  };
  const Symbol close = Symbol::terminal(pool.concat(space, pool.byte(']')));
  if (!some.empty()) {
    // State (n, seen): behind n items, with those found that have to be there. Beyond what is
    // counted, one number stands for all.
    auto counted = std::max(least, static_cast<int64_t>(prefix));
    for (const Some& one : some) counted = std::max(counted, one.from);
    if (most != kUnbounded) counted = std::max(counted, most);
    counted = std::max<int64_t>(counted, 1);
    if (counted > kMaxCounted)
      document_.refuse(
          parts[0].schema, "contains",
          "is not taken of arrays whose length is counted above " + std::to_string(kMaxCounted));
    const unsigned all = (1u << some.size()) - 1;
    std::map<std::pair<int64_t, unsigned>, int32_t> states{{{0, 0}, opened}};
    std::vector<std::pair<int64_t, unsigned>> open{{0, 0}};
    while (!open.empty()) {
      const auto [n, seen] = open.back();
      open.pop_back();
      const int32_t from = states.at({n, seen});
      if (n >= least && seen == all)
        grammar_.connect(from, n == 0 ? Symbol::terminal(pool.byte(']')) : close, end);
      if (most != kUnbounded && n >= most) continue;
      for (unsigned found = 0; found <= all; ++found) {
        if (found & seen) continue;
        Parts value = parts_of(std::min(static_cast<size_t>(n), prefix));
        bool may = true, repeated = false;
        for (size_t i = 0; i < some.size(); ++i) {
          if ((found >> i & 1) == 0) continue;
          may = may && n >= some[i].from;
          if (some[i].schema) {
            add_value_parts(some[i].schema, value);
          } else {
            repeated = true;
          }
        }
        if (!may) continue;
        const Symbol symbol = compile(std::move(value));
        if (symbol.is_never()) continue;
        const std::pair next(most == kUnbounded ? std::min(n + 1, counted) : n + 1, seen | found);
        const auto [it, added] = states.try_emplace(next, 0);
        if (added) {
          it->second = grammar_.add_state(rule);
          open.push_back(next);
        }
        const Symbol item = n == 0 ? symbol : grammar_.sequence({comma, symbol});
        if (repeated) {
          const int32_t read = grammar_.add_state(rule);
          grammar_.connect(from, item, read);
          grammar_.connect_repeated(read, it->second);
        } else {
          connect_item(from, item, it->second);
        }
      }
    }
    return Symbol::rule(rule);
  }
  int32_t at = opened;
  for (size_t i = 0; i < prefix; ++i) {
    const auto number = static_cast<int64_t>(i);
    if (number >= least)
      grammar_.connect(at, i == 0 ? Symbol::terminal(pool.byte(']')) : close, end);
    if (most != kUnbounded && number >= most) return Symbol::rule(rule);
    const int32_t next = grammar_.add_state(rule);
    const Symbol value = item(i);
    connect_item(at, i == 0 ? value : grammar_.sequence({comma, value}), next);
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
    connect_item(at, tail, next);
    at = next;
    more_least = std::max<int64_t>(more_least - 1, 0);
    if (more_most != kUnbounded) --more_most;
  }
  const int32_t last = grammar_.add_state(rule);
  Symbol more = grammar_.sequence({comma, tail});
  if (unique && !more.is_never()) {
    const int32_t item_rule = grammar_.add_rule("item");
    const int32_t read = grammar_.add_state(item_rule), done = grammar_.add_state(item_rule);
    grammar_.connect(grammar_.start(item_rule), more, read);
    grammar_.connect_fresh(read, done);
    grammar_.set_final(done);
    more = Symbol::rule(item_rule);
  }
  grammar_.connect_repeat(at, more, more_least, more_most, last);
  grammar_.connect(last, close, end);
  return Symbol::rule(rule);
}

}  // namespace vecton::grammar
