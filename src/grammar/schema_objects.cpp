#include <algorithm>
#include <tuple>

#include "base/json.h"
#include "grammar/dfa.h"
#include "grammar/limits.h"
#include "grammar/regex.h"
#include "grammar/schema_compiler.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

constexpr size_t kMaxPatterns = 6;  // of names, which may overlap
constexpr size_t kMaxSome = 4;      // members that have to be there

}  // namespace

bool SchemaCompiler::name_is_taken(const Parts& parts, std::string_view name) {
  return std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
    const json::value* names = find(part, "propertyNames");
    return !names || validator_.holds(json::value(name), names);
  });
}

// Each schema says it of its own: by name, by patterns, or else for all others.
SchemaCompiler::Parts SchemaCompiler::value_of(const Parts& parts, std::string_view name) {
  Parts value;
  for (const Part& part : parts) {
    bool known = false;
    const json::value *properties = find(part, "properties"),
                      *patterns = find(part, "patternProperties");
    if (const json::value* schema =
            properties ? properties->get_object().if_contains(name) : nullptr) {
      known = true;
      add_value_parts(schema, value);
    }
    if (patterns) {
      for (const auto& [pattern, schema] : patterns->get_object()) {
        if (!validator_.matches(part.schema, pattern, name)) continue;
        known = true;
        add_value_parts(&schema, value);
      }
    }
    if (known) continue;
    if (const json::value* others = find(part, "additionalProperties")) {
      add_value_parts(others, value);
    } else if (options_.closed_objects && properties) {
      static const json::value kNothing(false);
      value.push_back({&kNothing, 0});
    }
  }
  return value;
}

void SchemaCompiler::add_others(const Parts& parts, Members& members) {
  ExpressionPool& pool = grammar_.pool;
  struct Pattern {
    const json::value* schema;
    size_t part;
    Expr names;
  };
  std::vector<Pattern> patterns;
  std::vector<Expr> names;  // what all of them are
  for (size_t i = 0; i < parts.size(); ++i) {
    if (const json::value* found = find(parts[i], "patternProperties")) {
      for (const auto& [pattern, schema] : found->get_object())
        patterns.push_back({&schema, i,
                            parse_regex(pool, pattern, Match::kSearch, Spelling::kJson,
                                        "json schema: 'patternProperties' at " +
                                            document_.place(parts[i].schema))});
    }
    if (const json::value* schema = find(parts[i], "propertyNames")) {
      // A property's name is a string whatever the schema says.
      Parts of{{document_.follow(schema), 0}};
      static const json::value kIsString(json::object{{"type", "string"}});
      of.push_back({&kIsString, 0});
      const Symbol name = compile(std::move(of));
      if (!name.is_terminal()) document_.refuse(parts[i].schema, "propertyNames", "is too complex");
      names.push_back(name.index);
    }
  }
  if (patterns.size() > kMaxPatterns)
    document_.refuse(parts[patterns.back().part].schema, "patternProperties",
                     "has more than " + std::to_string(kMaxPatterns) + " patterns");
  if (!members.named.empty()) {
    // Not the named ones, in any spelling.
    std::vector<Expr> literals;
    for (const Members::Named& named : members.named)
      literals.push_back(text(pool, named.name, Spelling::kJson));
    const Expr other = pool.complement(pool.any_of(std::move(literals)));
    names.push_back(text_.quoted(pool.all_of({other, text_.any_characters(Spelling::kJson)})));
  }
  // Every set of patterns that a name can match at once.
  for (size_t set = 0; set < size_t{1} << patterns.size(); ++set) {
    std::vector<Expr> all = names;
    Parts value;
    std::vector<bool> known(parts.size());
    for (size_t p = 0; p < patterns.size(); ++p) {
      const bool matched = (set >> p & 1) != 0;
      all.push_back(text_.quoted(matched ? patterns[p].names
                                         : pool.all_of({pool.complement(patterns[p].names),
                                                        text_.any_characters(Spelling::kJson)})));
      if (!matched) continue;
      known[patterns[p].part] = true;
      add_value_parts(patterns[p].schema, value);
    }
    bool allowed = true;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (known[i]) continue;
      const json::value* others = find(parts[i], "additionalProperties");
      if (others) {
        others = document_.follow(others);
        allowed = allowed && !(others->is_bool() && !others->get_bool());
        add_value_parts(others, value);
      } else if (options_.closed_objects && find(parts[i], "properties")) {
        allowed = false;
      }
    }
    if (!allowed) continue;
    const Expr name = all.empty() ? text_.string() : pool.all_of(std::move(all));
    if (pool.may_be_vacant(name) && Dfa(pool, {name}).state(name) == Dfa::kDead) continue;
    members.others.push_back({name, std::move(value)});
  }
}

// The members that negated schemas ask for.
void SchemaCompiler::add_some(const Parts& parts, Members& members) {
  ExpressionPool& pool = grammar_.pool;
  const Expr any = text_.any_characters(Spelling::kJson);
  const auto matching = [&](const Part& part, std::string_view pattern) {
    return parse_regex(pool, pattern, Match::kSearch, Spelling::kJson,
                       "json schema: 'patternProperties' at " + document_.place(part.schema));
  };
  for (const Part& part : parts) {
    const json::value* some = find(part, kSomeMember);
    if (!some) continue;
    if (members.some.size() == kMaxSome)
      document_.refuse(part.schema, "oneOf",
                       "asks for more than " + std::to_string(kMaxSome) + " kinds of members");
    Expr names = kNever;
    const json::object& what = some->get_object();
    if (const json::value* pattern = what.if_contains("pattern")) {
      names = text_.quoted(matching(part, pattern->get_string()));
    } else if (const json::value* name = what.if_contains("name")) {
      static const json::value kIsString(json::object{{"type", "string"}});
      const Symbol symbol = compile({{document_.follow(name), 0}, {&kIsString, 0}});
      if (!symbol.is_terminal()) document_.refuse(part.schema, "propertyNames", "is too complex");
      names = symbol.index;
    } else {
      const Part besides{document_.follow(&what.at("besides"))};
      std::vector<Expr> all{any};
      std::vector<Expr> literals;
      if (const json::value* properties = find(besides, "properties")) {
        if (!properties->is_object()) wrong(besides, "properties", "an object");
        for (const auto& [known, schema] : properties->get_object())
          literals.push_back(text(pool, known, Spelling::kJson));
      }
      all.push_back(pool.complement(pool.any_of(std::move(literals))));
      if (const json::value* patterns = find(besides, "patternProperties")) {
        if (!patterns->is_object()) wrong(besides, "patternProperties", "an object");
        for (const auto& [pattern, schema] : patterns->get_object())
          all.push_back(pool.complement(matching(besides, pattern)));
      }
      names = text_.quoted(pool.all_of(std::move(all)));
    }
    for (Members::Named& named : members.named) {
      if (validator_.speaks_of(*some, named.name)) named.some |= 1u << members.some.size();
    }
    members.some.push_back(some);
    members.some_names.push_back(names);
  }
}

Symbol SchemaCompiler::object(const Parts& parts) {
  Members members;
  const auto add_name = [&](std::string_view name, bool required) {
    const auto it = std::find_if(members.named.begin(), members.named.end(),
                                 [&](const Members::Named& n) { return n.name == name; });
    if (it != members.named.end()) {
      it->required = it->required || required;
      return;
    }
    members.named.push_back({std::string(name), required, {}, 0});
  };
  for (const Part& part : parts) {
    for (const char* keyword : {"properties", "patternProperties"}) {
      const json::value* value = find(part, keyword);
      if (value && !value->is_object()) wrong(part, keyword, "an object");
    }
    if (const json::value* properties = find(part, "properties")) {
      for (const auto& [name, schema] : properties->get_object()) add_name(name, false);
    }
  }
  for (const Part& part : parts) {
    if (const json::value* required = find(part, "required")) {
      if (required->is_bool()) continue;  // draft 3, of the property itself
      if (!required->is_array()) wrong(part, "required", "a list of names");
      for (const json::value& name : required->get_array()) {
        if (!name.is_string()) wrong(part, "required", "a list of names");
        add_name(name.get_string(), true);
      }
    }
    members.least = std::max(members.least, count(part, "minProperties", 0));
    const int64_t limit = count(part, "maxProperties", kUnbounded);
    if (limit != kUnbounded)
      members.most = members.most == kUnbounded ? limit : std::min(members.most, limit);
  }
  add_others(parts, members);
  for (Members::Named& named : members.named) {
    named.value = value_of(parts, named.name);
    static const json::value kNothing(false);
    if (!name_is_taken(parts, named.name)) named.value = {{&kNothing, 0}};
  }
  add_some(parts, members);
  return object_of(members);
}

Symbol SchemaCompiler::object_of(const Members& members) {
  ExpressionPool& pool = grammar_.pool;
  const Expr space = text_.space();
  const auto n = static_cast<int64_t>(members.named.size());
  int64_t least = members.least, most = members.most;
  const int64_t required = std::count_if(members.named.begin(), members.named.end(),
                                         [](const auto& m) { return m.required; });
  if (least <= required) least = 0;
  if (most >= n && members.others.empty()) most = kUnbounded;
  if (most != kUnbounded && (most < required || most < least)) return Symbol();
  if (members.others.empty() && least > n) return Symbol();
  // How many members there are is counted up to what makes no difference.
  const int64_t counts = std::max<int64_t>({1, least, most == kUnbounded ? 1 : most}) + 1;
  const unsigned all = (1u << members.some.size()) - 1;
  // With what of `some` a member is.
  const auto with = [&](Parts value, unsigned found) {
    for (size_t s = 0; s < members.some.size(); ++s) {
      if (found >> s & 1) add_value_parts(&members.some[s]->at("value"), value);
    }
    return compile(std::move(value));
  };
  if (counts * (n + 1) > static_cast<int64_t>(kMaxGrammarStates) / 4)
    throw Error(ErrorCode::kUnsupported,
                "json schema: minProperties or maxProperties of more than " +
                    std::to_string(kMaxGrammarStates / 4 / static_cast<size_t>(n + 1)) +
                    " is not taken here");
  // By what of `some` they are.
  std::vector<std::vector<std::pair<unsigned, Symbol>>> values;
  for (const Members::Named& named : members.named) {
    auto& of_name = values.emplace_back();
    for (unsigned found = 0; found <= all; ++found) {
      if ((found & ~named.some) == 0) of_name.emplace_back(found, with(named.value, found));
    }
  }
  const int32_t rule = grammar_.add_rule("object");
  const Expr colon = pool.sequence({space, pool.byte(':'), space});
  const Expr comma = pool.sequence({space, pool.byte(','), space});
  struct Other {
    unsigned found;
    Symbol first, more;  // and after a comma
  };
  std::vector<Other> others;
  for (const Members::Others& other : members.others) {
    for (unsigned found = 0; found <= all; ++found) {
      std::vector<Expr> names{other.name};
      for (size_t s = 0; s < members.some.size(); ++s) {
        if (found >> s & 1) names.push_back(members.some_names[s]);
      }
      const Expr name = pool.all_of(std::move(names));
      if (pool.may_be_vacant(name) && Dfa(pool, {name}).state(name) == Dfa::kDead) continue;
      const Symbol value = with(other.value, found);
      const Expr key = pool.concat(name, colon);
      others.push_back({found, grammar_.sequence({Symbol::terminal(key), value}),
                        grammar_.sequence({Symbol::terminal(pool.concat(comma, key)), value})});
    }
  }
  const int32_t end = grammar_.add_state(rule);
  grammar_.set_final(end);
  // State (i, c, seen): behind the first i names, with c members, and what of `some` is there.
  using Place = std::tuple<int64_t, int64_t, unsigned>;
  std::map<Place, int32_t> states;
  std::vector<Place> open;
  const auto state = [&](int64_t i, int64_t c, unsigned seen) {
    const auto [it, added] = states.emplace(Place(i, c, seen), 0);
    if (added) {
      it->second = grammar_.add_state(rule);
      open.emplace_back(i, c, seen);
    }
    return it->second;
  };
  grammar_.connect(grammar_.start(rule), Symbol::terminal(pool.concat(pool.byte('{'), space)),
                   state(0, 0, 0));
  while (!open.empty()) {
    const auto [i, c, seen] = open.back();
    open.pop_back();
    const int32_t from = state(i, c, seen);
    const bool full = most != kUnbounded && c >= most;
    const int64_t next_count = most == kUnbounded ? std::min(c + 1, counts - 1) : c + 1;
    if (i < n) {
      const Members::Named& named = members.named[static_cast<size_t>(i)];
      if (!named.required) grammar_.connect(from, state(i + 1, c, seen));
      if (full) continue;
      Expr key = pool.concat(text_.string_literal(named.name), colon);
      if (c > 0) key = pool.concat(comma, key);
      for (const auto& [found, value] : values[static_cast<size_t>(i)]) {
        if (value.is_never() || (found & seen)) continue;
        const int32_t to = state(i + 1, next_count, seen | found);
        if (value.is_terminal()) {
          grammar_.connect(from, Symbol::terminal(pool.concat(key, value.index)), to);
        } else {
          const int32_t between = grammar_.add_state(rule);
          grammar_.connect(from, Symbol::terminal(key), between);
          grammar_.connect(between, value, to);
        }
      }
      continue;
    }
    for (const Other& other : others) {
      if (!full && (other.found & seen) == 0)
        grammar_.connect(from, c == 0 ? other.first : other.more,
                         state(n, next_count, seen | other.found));
    }
    if (c >= least && seen == all)
      grammar_.connect(
          from, Symbol::terminal(c == 0 ? pool.byte('}') : pool.concat(space, pool.byte('}'))),
          end);
  }
  return Symbol::rule(rule);
}

}  // namespace vecton::grammar
