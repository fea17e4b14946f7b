#include <algorithm>
#include <map>

#include "grammar/recogniser.h"
#include "grammar/schema_compiler.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

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

void SchemaCompiler::add_items(const Part& part, Items& items) {
  items.least = std::max(items.least, count(part, "minItems", 0));
  const int64_t limit = count(part, "maxItems", kUnbounded);
  if (limit != kUnbounded)
    items.most = items.most == kUnbounded ? limit : std::min(items.most, limit);
  const json::value *first = find(part, "prefixItems"), *others = find(part, "items");
  if (others && others->is_array()) {
    first = others;
    others = find(part, "additionalItems");
  }
  if (first && !first->is_array()) wrong(part, "prefixItems", "a list of schemas");
  items.lists.push_back({first ? &first->get_array() : nullptr, others});
  if (first) items.prefix = std::max(items.prefix, first->get_array().size());
}

void SchemaCompiler::add_demands(const Part& part, Items& items) {
  const json::value* differ = find(part, "uniqueItems");
  if (differ && differ->is_bool() && differ->get_bool()) items.unique = &part;
  if (find(part, kRepeats)) items.repeats = &part;
  if (const json::value* contains = find(part, "contains")) {
    const int64_t number = count(part, "minContains", 1);
    if (number > 1) document_.refuse(part.schema, "minContains", "is not taken above 1");
    if (find(part, "maxContains")) document_.refuse(part.schema, "maxContains", "is not taken");
    if (number > 0) items.some.push_back({0, contains});
  }
  if (const json::value* one = find(part, kSomeItem))
    items.some.push_back({one->at("from").get_int64(), &one->at("item")});
}

SchemaCompiler::Parts SchemaCompiler::value_at(const Items& items, size_t index) const {
  Parts value;
  for (const Items::Lists& lists : items.lists) {
    if (lists.first && index < lists.first->size()) {
      add_value_parts(&(*lists.first)[index], value);
    } else if (lists.others) {
      add_value_parts(lists.others, value);
    }
  }
  return value;
}

// Wherever an item has to follow, one is left that differs from all before it.
void SchemaCompiler::check_unique(const Items& items) {
  if (std::ranges::any_of(items.some, [](const Items::Some& s) { return s.from > 0; }))
    document_.refuse(items.unique->schema, "uniqueItems",
                     "is not taken with a negated prefix of items");
  constexpr int64_t kManyItems = 200;
  for (int64_t i = 1; counts_values_ && i < items.least; ++i) {
    const auto index = static_cast<size_t>(i);
    const int64_t needed = index < items.prefix ? i + 1 : items.least;
    if (needed > kManyItems || !has_values(value_at(items, index), needed))
      document_.refuse(items.unique->schema, "uniqueItems",
                       "is not taken where there have to be more items than there are different "
                       "values, or more than " +
                           std::to_string(kManyItems));
    if (index >= items.prefix) break;
  }
}

Symbol SchemaCompiler::array(const Parts& parts) {
  Items items;
  for (const Part& part : parts) add_items(part, items);
  const bool has_others =
      items.most == kUnbounded || items.most > static_cast<int64_t>(items.prefix);
  const Symbol others = has_others ? compile(value_at(items, items.prefix)) : Symbol();
  for (const Part& part : parts) add_demands(part, items);
  if (items.some.size() > kMaxSome)
    document_.refuse(parts[0].schema, "contains",
                     "is not taken of more than " + std::to_string(kMaxSome) + " schemas at once");
  if (items.repeats && items.unique) return Symbol();
  if (items.repeats) {
    // So an item can always be repeated.
    if (items.most != kUnbounded || others.is_never())
      document_.refuse(items.repeats->schema, "uniqueItems",
                       "can't be negated of arrays that can't have any number of items");
    items.some.push_back({1, nullptr});
  }
  if (items.unique) check_unique(items);
  ArrayRule rule(grammar_, text_.space(),
                 items.unique    ? ArrayRule::Items::kUnique
                 : items.repeats ? ArrayRule::Items::kCompared
                                 : ArrayRule::Items::kAny);
  if (items.some.empty()) {
    connect_all(items, others, rule);
  } else {
    connect_some(parts, items, rule);
  }
  return rule.symbol();
}

void SchemaCompiler::connect_all(const Items& items, Symbol others, ArrayRule& rule) {
  // The first has no comma, whether or not it has a schema of its own.
  const auto single = static_cast<int64_t>(std::max<size_t>(items.prefix, 1));
  int32_t at = rule.opened();
  for (int64_t i = 0; i < single; ++i) {
    if (i >= items.least) rule.close(at, i);
    if (items.most != kUnbounded && i >= items.most) return;
    const auto index = static_cast<size_t>(i);
    const int32_t next = rule.add_state();
    rule.connect_item(at, index < items.prefix ? compile(value_at(items, index)) : others, i, next);
    at = next;
  }
  const int32_t last = rule.add_state();
  rule.connect_items(at, others, std::max<int64_t>(items.least - single, 0),
                     items.most == kUnbounded ? kUnbounded : items.most - single, last);
  rule.close(last, single);
}

void SchemaCompiler::connect_some(const Parts& parts, const Items& items, ArrayRule& rule) {
  // State (n, seen): behind n items, with those found that have to be there. Beyond what is
  // counted, one number stands for all.
  int64_t counted =
      std::max({items.least, static_cast<int64_t>(items.prefix), items.most, int64_t{1}});
  for (const Items::Some& one : items.some) counted = std::max(counted, one.from);
  if (counted > kMaxCounted)
    document_.refuse(
        parts[0].schema, "contains",
        "is not taken of arrays whose length is counted above " + std::to_string(kMaxCounted));
  const unsigned all = (1u << items.some.size()) - 1;
  using Place = std::pair<int64_t, unsigned>;
  std::map<Place, int32_t> states{{{0, 0}, rule.opened()}};
  std::vector<Place> open{{0, 0}};
  while (!open.empty()) {
    const auto [n, seen] = open.back();
    open.pop_back();
    const int32_t from = states.at({n, seen});
    if (n >= items.least && seen == all) rule.close(from, n);
    if (items.most != kUnbounded && n >= items.most) continue;
    for (unsigned found = 0; found <= all; ++found) {
      if (found & seen) continue;
      const Symbol value = value_with(items, n, found);
      if (value.is_never()) continue;
      const Place next(items.most == kUnbounded ? std::min(n + 1, counted) : n + 1, seen | found);
      const auto [it, added] = states.try_emplace(next, 0);
      if (added) {
        it->second = rule.add_state();
        open.push_back(next);
      }
      if (repeats(items, found)) {
        rule.connect_repeated(from, value, n, it->second);
      } else {
        rule.connect_item(from, value, n, it->second);
      }
    }
  }
}

Symbol SchemaCompiler::value_with(const Items& items, int64_t index, unsigned found) {
  Parts value = value_at(items, std::min(static_cast<size_t>(index), items.prefix));
  for (size_t i = 0; i < items.some.size(); ++i) {
    if ((found >> i & 1) == 0) continue;
    if (index < items.some[i].from) return Symbol();
    if (items.some[i].schema) add_value_parts(items.some[i].schema, value);
  }
  return compile(std::move(value));
}

bool SchemaCompiler::repeats(const Items& items, unsigned found) {
  for (size_t i = 0; i < items.some.size(); ++i) {
    if ((found >> i & 1) != 0 && !items.some[i].schema) return true;
  }
  return false;
}

}  // namespace vecton::grammar
