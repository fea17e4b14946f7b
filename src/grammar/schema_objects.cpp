#include <algorithm>
#include <array>
#include <tuple>

#include "base/json.h"
#include "grammar/limits.h"
#include "grammar/schema_compiler.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

constexpr size_t kMaxNameSets = 64;
constexpr size_t kMaxOtherwise = 60;
constexpr size_t kMaxWays = 2'000;  // of one member

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

Expr SchemaCompiler::names_of_pattern(const Part& part, std::string_view pattern) {
  return text_.pattern(pattern, [&] {
    return "json schema: 'patternProperties' at " + document_.place(part.schema);
  });
}

void SchemaCompiler::add_others(const Parts& parts, Members& members) {
  ExpressionPool& pool = grammar_.pool;
  struct Pattern {
    const json::value* schema;
    size_t part;
    Expr matches, others;  // the names, in quotes
  };
  std::vector<Pattern> patterns;
  std::vector<Expr> names;  // what all of them are
  for (size_t i = 0; i < parts.size(); ++i) {
    if (const json::value* found = find(parts[i], "patternProperties")) {
      for (const auto& [pattern, schema] : found->get_object()) {
        const Expr matches = names_of_pattern(parts[i], pattern);
        const Expr others =
            pool.all_of({pool.complement(matches), text_.any_characters(Spelling::kJson)});
        patterns.push_back({&schema, i, text_.quoted(matches), text_.quoted(others)});
      }
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
    std::vector<std::string_view> named;
    for (const Members::Named& member : members.named) named.push_back(member.name);
    const Expr other = pool.complement(text_.any_literal(named));
    names.push_back(text_.quoted(pool.all_of({other, text_.any_characters(Spelling::kJson)})));
  }
  // Every set of patterns that a name can match at once.
  struct Names {
    Expr name;
    std::vector<size_t> matched;
  };
  std::vector<Names> sets{{names.empty() ? text_.string() : pool.all_of(std::move(names)), {}}};
  for (size_t p = 0; p < patterns.size(); ++p) {
    std::vector<Names> split;
    for (const Names& set : sets) {
      for (const bool matches : {true, false}) {
        const Expr part = matches ? patterns[p].matches : patterns[p].others;
        // Two patterns that exclude each other do so in every set.
        if (!std::all_of(set.matched.begin(), set.matched.end(), [&](size_t q) {
              return pool.has_text(pool.all_of({part, patterns[q].matches}));
            }))
          continue;
        Names next{pool.all_of({set.name, part}), set.matched};
        if (matches) next.matched.push_back(p);
        if (pool.has_text(next.name)) split.push_back(std::move(next));
      }
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
    if (allowed && pool.has_text(name)) members.others.push_back({name, std::move(value)});
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
    std::vector<Expr> all{text_.any_characters(Spelling::kJson)};
    std::vector<std::string_view> listed;
    if (const json::value* properties = find(of, "properties")) {
      for (const auto& [known, schema] : properties->get_object()) listed.push_back(known);
    }
    all.push_back(pool.complement(text_.any_literal(listed)));
    if (const json::value* patterns = find(of, "patternProperties")) {
      if (!patterns->is_object()) wrong(of, "patternProperties", "an object");
      for (const auto& [pattern, schema] : patterns->get_object()) {
        const Expr names = names_of_pattern(of, pattern);
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

std::vector<SchemaCompiler::Members::Otherwise::Kind> SchemaCompiler::kinds_of(
    const Members::Otherwise& otherwise, Expr name, const std::string& known) {
  const Part of{otherwise.schema};
  std::vector<Members::Otherwise::Kind> kinds;
  bool listed = false;
  const json::value *properties = find(of, "properties"), *patterns = find(of, "patternProperties"),
                    *names = find(of, "propertyNames");
  if (const json::value* value =
          properties ? properties->get_object().if_contains(known) : nullptr) {
    listed = true;
    kinds.push_back({name, value, true});
  }
  if (patterns) {
    for (const auto& [pattern, value] : patterns->get_object()) {
      if (!validator_.matches(of.schema, pattern, known)) continue;
      listed = true;
      kinds.push_back({name, &value, true});
    }
  }
  const json::value* others = find(of, "additionalProperties");
  if (others && !listed) kinds.push_back({name, others, true});
  if (names && !validator_.holds(json::value(known), names)) kinds.push_back({name, nullptr, true});
  return kinds;
}

bool SchemaCompiler::excludes(const Parts& parts, const json::value* schema) {
  schema = document_.follow(schema);
  if (schema->is_bool()) return !schema->get_bool();
  return std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
    const json::value* negated = document_.negated(part.schema);
    return negated == schema || (may_compare(1) && disjoint(schema, part.schema));
  });
}

std::vector<SchemaCompiler::Meant> SchemaCompiler::meanings(const Members& members, Expr name,
                                                            const Parts& value,
                                                            const std::string* known) {
  ExpressionPool& pool = grammar_.pool;
  struct Way {
    uint64_t sure, found;
    Expr name;
    Parts value;
  };
  std::vector<Way> ways{{0, 0, name, value}};
  for (size_t i = 0; i < members.otherwise.size(); ++i) {
    const Members::Otherwise& otherwise = members.otherwise[i];
    const std::vector<Members::Otherwise::Kind> kinds =
        known ? kinds_of(otherwise, name, *known) : otherwise.kinds;
    const size_t before = ways.size();
    for (size_t w = 0; w < before; ++w) {
      // What is otherwise in any case is found without another way.
      const auto is_otherwise = [&](const Members::Otherwise::Kind& kind) {
        return (kind.all || pool.all_of({ways[w].name, kind.name}) == ways[w].name) &&
               (!kind.value || excludes(ways[w].value, kind.value));
      };
      if (std::any_of(kinds.begin(), kinds.end(), is_otherwise)) {
        ways[w].sure |= uint64_t{1} << i;
        continue;
      }
      for (const auto& kind : kinds) {
        if (kind.value && says(ways[w].value, kind.value)) continue;
        Way way = ways[w];
        way.found |= uint64_t{1} << i;
        if (!kind.all) {
          way.name = pool.all_of({way.name, kind.name});
          if (!pool.has_text(way.name)) continue;
        }
        if (kind.value) add_value_parts(document_.negation(kind.value), way.value);
        ways.push_back(std::move(way));
      }
      if (ways.size() > kMaxWays)
        document_.refuse(otherwise.schema, "oneOf",
                         "overlaps with others in more than " + std::to_string(kMaxWays) +
                             " ways that one member can have");
    }
  }
  std::vector<Meant> out;
  for (Way& way : ways) {
    const Symbol symbol = compile(std::move(way.value));
    if (!symbol.is_never()) out.push_back({way.sure, way.found, way.name, symbol});
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
  const int64_t counts = std::max<int64_t>(least, most == kUnbounded ? 0 : most) + 1;
  const uint64_t all = (uint64_t{1} << members.otherwise.size()) - 1;
  if (counts * (n + 1) > static_cast<int64_t>(kMaxGrammarStates) / 4)
    throw Error(ErrorCode::kUnsupported,
                "json schema: minProperties or maxProperties of more than " +
                    std::to_string(kMaxGrammarStates / 4 / static_cast<size_t>(n + 1)) +
                    " is not taken here");
  std::vector<std::vector<Meant>> values;
  std::vector<uint64_t> missing;
  const Expr colon = pool.sequence({space, pool.byte(':'), space});
  std::vector<Expr> keys;  // behind their first quote, which all have in common
  for (const Members::Named& named : members.named) {
    const Expr name = text_.string_literal(named.name);
    keys.push_back(pool.concat(pool.derivative(name, '"'), colon));
    values.push_back(meanings(members, name, named.value, &named.name));
    uint64_t& without = missing.emplace_back(0);
    for (size_t i = 0; i < members.otherwise.size(); ++i) {
      const json::value* names = find({members.otherwise[i].schema}, "required");
      if (names && names->is_array() &&
          std::any_of(names->get_array().begin(), names->get_array().end(),
                      [&](const json::value& name) { return name.get_string() == named.name; }))
        without |= uint64_t{1} << i;
    }
  }
  const int32_t rule = grammar_.add_rule("object");
  struct Other {
    uint64_t sure, found;
    Symbol member;
  };
  std::vector<Other> others;
  for (const Members::Others& other : members.others) {
    for (const auto& [sure, found, name, value] :
         meanings(members, other.name, other.value, nullptr)) {
      const Expr key = pool.concat(pool.derivative(name, '"'), colon);
      others.push_back({sure, found, grammar_.sequence({Symbol::terminal(key), value})});
    }
  }
  const int32_t end = grammar_.add_state(rule);
  grammar_.set_final(end);
  // What may still be found behind the first i names; and what is found where none follows, which
  // may be from `closing` on.
  std::vector<uint64_t> later(static_cast<size_t>(n) + 1, 0), none(later);
  int64_t closing = 0;
  for (const Other& other : others) later.back() |= other.sure | other.found;
  for (size_t i = static_cast<size_t>(n); i-- > 0;) {
    const bool needed = members.named[i].required;
    if (needed) closing = std::max(closing, static_cast<int64_t>(i) + 1);
    later[i] = later[i + 1] | (needed ? 0 : missing[i]);
    none[i] = none[i + 1] | missing[i];
    for (const Meant& meant : values[i]) later[i] |= meant.sure | meant.found;
  }
  // State (i, c, seen, begins): behind the first i names, with c members, and what is otherwise;
  // behind the quote that begins a member, or behind a member.
  using Place = std::tuple<int64_t, int64_t, uint64_t, bool>;
  std::map<Place, int32_t> states;
  std::vector<Place> open;
  std::map<std::pair<int32_t, int32_t>, int32_t> between;  // names and values, by what follows
  constexpr int32_t kNowhere = -1;
  const auto state = [&](int64_t i, int64_t c, uint64_t seen, bool begins) {
    if ((seen | later[static_cast<size_t>(i)]) != all) return kNowhere;
    const auto [it, added] = states.emplace(Place(i, c, seen, begins), 0);
    if (added) {
      it->second = grammar_.add_state(rule);
      open.emplace_back(i, c, seen, begins);
    }
    return it->second;
  };
  const auto may_close = [&](int64_t i, int64_t c, uint64_t seen) {
    return i >= closing && c >= least && (seen | none[static_cast<size_t>(i)]) == all;
  };
  const auto connect = [&](int32_t from, std::initializer_list<Expr> parts, int32_t to) {
    if (to != kNowhere) grammar_.connect(from, Symbol::terminal(pool.sequence(parts)), to);
  };
  const Expr quote = pool.byte('"'), brace = pool.byte('}');
  const int32_t first = most == 0 ? kNowhere : state(0, 0, 0, true);
  const bool may_be_empty = may_close(0, 0, 0);
  if (first == kNowhere && !may_be_empty) return Symbol();
  connect(grammar_.start(rule), {pool.byte('{'), space, quote}, first);
  if (may_be_empty) connect(grammar_.start(rule), {pool.byte('{'), space, brace}, end);
  while (!open.empty()) {
    const Place place = open.back();
    const auto [i, c, seen, begins] = place;
    open.pop_back();
    const int32_t from = states.at(place);
    if (!begins) {
      if (may_close(i, c, seen)) connect(from, {space, brace}, end);
      if ((most == kUnbounded || c < most) && (i < n || !others.empty()))
        connect(from, {space, pool.byte(','), space, quote}, state(i, c, seen, true));
      continue;
    }
    const int64_t next = std::min(c + 1, counts - 1);
    if (i == n) {
      for (const Other& other : others) {
        if (other.found & seen) continue;
        const int32_t to = state(n, next, seen | other.sure | other.found, false);
        if (to != kNowhere) grammar_.connect(from, other.member, to);
      }
      continue;
    }
    const auto at = static_cast<size_t>(i);
    if (!members.named[at].required) {
      const int32_t to = state(i + 1, c, seen | missing[at], true);
      if (to != kNowhere) grammar_.connect(from, to);
    }
    for (const auto& [sure, found, name, value] : values[at]) {
      if (found & seen) continue;
      const int32_t to = state(i + 1, next, seen | sure | found, false);
      if (to == kNowhere) continue;
      if (value.is_terminal()) {
        connect(from, {keys[at], value.index}, to);
      } else {
        const auto [it, added] = between.try_emplace({value.index, to}, 0);
        if (added) {
          it->second = grammar_.add_state(rule);
          grammar_.connect(it->second, value, to);
        }
        connect(from, {keys[at]}, it->second);
      }
    }
  }
  return Symbol::rule(rule);
}

}  // namespace vecton::grammar
