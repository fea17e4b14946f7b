#include <algorithm>
#include <array>
#include <tuple>

#include "base/json.h"
#include "grammar/dfa.h"
#include "grammar/limits.h"
#include "grammar/regex.h"
#include "grammar/schema_compiler.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

constexpr size_t kMaxNameSets = 64;
constexpr size_t kMaxOtherwise = 12;

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
  if (!members.named.empty()) {
    // Not the named ones, in any spelling.
    std::vector<Expr> literals;
    for (const Members::Named& named : members.named) literals.push_back(text_.literal(named.name));
    const Expr other = pool.complement(pool.any_of(std::move(literals)));
    names.push_back(text_.quoted(pool.all_of({other, text_.any_characters(Spelling::kJson)})));
  }
  const auto is_vacant = [&](Expr name) {
    return pool.may_be_vacant(name) && Dfa(pool, {name}).state(name) == Dfa::kDead;
  };
  // Every set of patterns that a name can match at once.
  struct Names {
    Expr name;
    std::vector<size_t> matched;
  };
  std::vector<Names> sets{{names.empty() ? text_.string() : pool.all_of(std::move(names)), {}}};
  for (size_t p = 0; p < patterns.size(); ++p) {
    const Expr in = text_.quoted(patterns[p].names);
    const Expr out = text_.quoted(
        pool.all_of({pool.complement(patterns[p].names), text_.any_characters(Spelling::kJson)}));
    std::vector<Names> split;
    for (const Names& set : sets) {
      Names with{pool.all_of({set.name, in}), set.matched};
      with.matched.push_back(p);
      Names without{pool.all_of({set.name, out}), set.matched};
      if (!is_vacant(with.name)) split.push_back(std::move(with));
      if (!is_vacant(without.name)) split.push_back(std::move(without));
    }
    sets = std::move(split);
    if (sets.size() > kMaxNameSets)
      document_.refuse(parts[patterns[p].part].schema, "patternProperties",
                       "has patterns that match the same names in more than " +
                           std::to_string(kMaxNameSets) + " ways");
  }
  for (const auto& [name, matched] : sets) {
    Parts value;
    std::vector<bool> known(parts.size());
    for (const size_t p : matched) {
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
    if (allowed && !is_vacant(name)) members.others.push_back({name, std::move(value)});
  }
}

void SchemaCompiler::add_otherwise(const Parts& parts, Members& members) {
  ExpressionPool& pool = grammar_.pool;
  for (const Part& part : parts) {
    const json::value* some = find(part, kSomeMember);
    if (!some) continue;
    if (members.otherwise.size() == kMaxOtherwise)
      document_.refuse(part.schema, "oneOf",
                       "asks for more than " + std::to_string(kMaxOtherwise) +
                           " schemas not to hold that say what all members are");
    Members::Otherwise& otherwise = members.otherwise.emplace_back();
    const Part of{document_.follow(some)};
    otherwise.schema = of.schema;
    std::vector<Expr> all{text_.any_characters(Spelling::kJson)}, literals;
    if (const json::value* properties = find(of, "properties")) {
      for (const auto& [known, schema] : properties->get_object())
        literals.push_back(text_.literal(known));
    }
    all.push_back(pool.complement(pool.any_of(std::move(literals))));
    if (const json::value* patterns = find(of, "patternProperties")) {
      if (!patterns->is_object()) wrong(of, "patternProperties", "an object");
      for (const auto& [pattern, schema] : patterns->get_object()) {
        const Expr names =
            parse_regex(pool, pattern, Match::kSearch, Spelling::kJson,
                        "json schema: 'patternProperties' at " + document_.place(of.schema));
        all.push_back(pool.complement(names));
        otherwise.kinds.push_back({text_.quoted(names), &schema});
      }
    }
    if (const json::value* others = find(of, "additionalProperties"))
      otherwise.kinds.push_back({text_.quoted(pool.all_of(std::move(all))), others});
    if (const json::value* names = find(of, "propertyNames")) {
      static const json::value kIsString(json::object{{"type", "string"}});
      const Symbol name = compile({{document_.negation(names), 0}, {&kIsString, 0}});
      if (!name.is_terminal()) document_.refuse(of.schema, "propertyNames", "is too complex");
      otherwise.kinds.push_back({name.index, nullptr});
    }
  }
}

// Whether the schema is one of the parts, perhaps as a copy.
bool SchemaCompiler::says(const Parts& parts, const json::value* schema) const {
  schema = document_.follow(schema);
  return std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
    return part.schema == schema || *part.schema == *schema;
  });
}

std::vector<SchemaCompiler::Meant> SchemaCompiler::meanings(const Members& members, Expr name,
                                                            const Parts& value,
                                                            const std::string* known) {
  ExpressionPool& pool = grammar_.pool;
  struct Way {
    unsigned found;
    Expr name;
    Parts value;
  };
  std::vector<Way> ways{{0, name, value}};
  for (size_t i = 0; i < members.otherwise.size(); ++i) {
    const Members::Otherwise& otherwise = members.otherwise[i];
    std::vector<Members::Otherwise::Kind> kinds = otherwise.kinds;
    if (known) {
      const json::value* properties = find({otherwise.schema}, "properties");
      if (const json::value* of =
              properties ? properties->get_object().if_contains(*known) : nullptr)
        kinds.push_back({name, of});
    }
    const size_t before = ways.size();
    for (const auto& kind : kinds) {
      for (size_t w = 0; w < before; ++w) {
        if (kind.value && says(value, kind.value)) continue;
        Way way = ways[w];
        way.found |= 1u << i;
        way.name = pool.all_of({way.name, kind.name});
        if (pool.may_be_vacant(way.name) && Dfa(pool, {way.name}).state(way.name) == Dfa::kDead)
          continue;
        if (way.name == kNever) continue;
        if (kind.value) add_value_parts(document_.negation(kind.value), way.value);
        ways.push_back(std::move(way));
      }
    }
  }
  std::vector<Meant> out;
  for (Way& way : ways) {
    const Symbol symbol = compile(std::move(way.value));
    if (!symbol.is_never()) out.push_back({way.found, way.name, symbol});
  }
  return out;
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
    members.named.push_back({std::string(name), required, {}});
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
  // Names of schemas that do not hold: what they say of them is to be otherwise.
  for (const Part& part : parts) {
    const json::value* some = find(part, kSomeMember);
    if (!some) continue;
    const Part of{document_.follow(some)};
    if (const json::value* properties = find(of, "properties")) {
      for (const auto& [name, schema] : properties->get_object()) add_name(name, false);
    }
    if (const json::value* required = find(of, "required"); required && required->is_array()) {
      for (const json::value& name : required->get_array()) add_name(name.get_string(), false);
    }
  }
  add_others(parts, members);
  add_otherwise(parts, members);
  for (Members::Named& named : members.named) {
    named.value = value_of(parts, named.name);
    static const json::value kNothing(false);
    if (!name_is_taken(parts, named.name)) named.value = {{&kNothing, 0}};
  }
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
  const unsigned all = (1u << members.otherwise.size()) - 1;
  if (counts * (n + 1) > static_cast<int64_t>(kMaxGrammarStates) / 4)
    throw Error(ErrorCode::kUnsupported,
                "json schema: minProperties or maxProperties of more than " +
                    std::to_string(kMaxGrammarStates / 4 / static_cast<size_t>(n + 1)) +
                    " is not taken here");
  std::vector<std::vector<Meant>> values;
  std::vector<unsigned> missing;
  const Expr colon = pool.sequence({space, pool.byte(':'), space});
  const Expr comma = pool.sequence({space, pool.byte(','), space});
  std::vector<std::array<Expr, 2>> keys;  // first, and after a comma
  for (const Members::Named& named : members.named) {
    const Expr name = text_.string_literal(named.name), key = pool.concat(name, colon);
    keys.push_back({key, pool.concat(comma, key)});
    values.push_back(meanings(members, name, named.value, &named.name));
    unsigned& without = missing.emplace_back(0);
    for (size_t i = 0; i < members.otherwise.size(); ++i) {
      const json::value* names = find({members.otherwise[i].schema}, "required");
      if (names && names->is_array() &&
          std::any_of(names->get_array().begin(), names->get_array().end(),
                      [&](const json::value& name) { return name.get_string() == named.name; }))
        without |= 1u << i;
    }
  }
  const int32_t rule = grammar_.add_rule("object");
  struct Other {
    unsigned found;
    Symbol first, more;  // and after a comma
  };
  std::vector<Other> others;
  for (const Members::Others& other : members.others) {
    for (const auto& [found, name, value] : meanings(members, other.name, other.value, nullptr)) {
      const Expr key = pool.concat(name, colon);
      others.push_back({found, grammar_.sequence({Symbol::terminal(key), value}),
                        grammar_.sequence({Symbol::terminal(pool.concat(comma, key)), value})});
    }
  }
  const int32_t end = grammar_.add_state(rule);
  grammar_.set_final(end);
  // State (i, c, seen): behind the first i names, with c members, and what is otherwise.
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
      if (!named.required)
        grammar_.connect(from, state(i + 1, c, seen | missing[static_cast<size_t>(i)]));
      if (full) continue;
      const Expr key = keys[static_cast<size_t>(i)][c > 0 ? 1 : 0];
      for (const auto& [found, name, value] : values[static_cast<size_t>(i)]) {
        if (found & seen) continue;
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
