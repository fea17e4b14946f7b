#include <algorithm>

#include "base/json.h"
#include "grammar/limits.h"
#include "grammar/object_rule.h"
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

Expr SchemaCompiler::property_names(const Part& part, const json::value* names) {
  // A property's name is a string whatever the schema says.
  static const json::value kIsString(json::object{{"type", "string"}});
  const Symbol name = compile({{names, 0}, {&kIsString, 0}});
  if (!name.is_terminal()) document_.refuse(part.schema, "propertyNames", "is too complex");
  return name.index;
}

void SchemaCompiler::add_patterns(const Parts& parts, size_t at,
                                  std::vector<NamePattern>& patterns) {
  ExpressionPool& pool = grammar_.pool;
  const json::value* found = find(parts[at], "patternProperties");
  if (!found) return;
  for (const auto& [pattern, schema] : found->get_object()) {
    const Expr matches = names_of_pattern(parts[at], pattern);
    const Expr others =
        pool.all_of({pool.complement(matches), text_.any_characters(Spelling::kJson)});
    patterns.push_back({&schema, at, text_.quoted(matches), text_.quoted(others)});
  }
}

std::vector<SchemaCompiler::NameSet> SchemaCompiler::name_sets(
    const Parts& parts, const std::vector<NamePattern>& patterns, Expr names) {
  ExpressionPool& pool = grammar_.pool;
  std::vector<NameSet> sets{{names, {}}};
  for (size_t p = 0; p < patterns.size(); ++p) {
    std::vector<NameSet> split;
    for (const NameSet& set : sets) {
      for (const bool matches : {true, false}) {
        const Expr part = matches ? patterns[p].matches : patterns[p].others;
        // Two patterns that exclude each other do so in every set.
        if (!std::ranges::all_of(set.matched, [&](size_t q) {
              return pool.has_text(pool.all_of({part, patterns[q].matches}));
            }))
          continue;
        NameSet next{pool.all_of({set.name, part}), set.matched};
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
  return sets;
}

std::optional<SchemaCompiler::Parts> SchemaCompiler::value_of_others(
    const Parts& parts, const std::vector<NamePattern>& patterns,
    const std::vector<size_t>& matched) {
  Parts value;
  std::vector<bool> known(parts.size());
  for (const size_t p : matched) {
    known[patterns[p].part] = true;
    add_value_parts(patterns[p].schema, value);
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    if (known[i]) continue;
    if (const json::value* others = find(parts[i], "additionalProperties")) {
      others = document_.follow(others);
      if (others->is_bool() && !others->get_bool()) return std::nullopt;
      add_value_parts(others, value);
    } else if (options_.closed_objects && find(parts[i], "properties")) {
      return std::nullopt;
    }
  }
  return value;
}

void SchemaCompiler::add_others(const Parts& parts, Members& members) {
  ExpressionPool& pool = grammar_.pool;
  std::vector<NamePattern> patterns;
  std::vector<Expr> names;  // what all of them are
  for (size_t i = 0; i < parts.size(); ++i) {
    add_patterns(parts, i, patterns);
    if (const json::value* schema = find(parts[i], "propertyNames"))
      names.push_back(property_names(parts[i], document_.follow(schema)));
  }
  if (!members.named.empty()) {
    // Not the named ones, in any spelling.
    std::vector<std::string_view> named;
    for (const Members::Named& member : members.named) named.push_back(member.name);
    const Expr other = pool.complement(text_.any_literal(named));
    names.push_back(text_.quoted(pool.all_of({other, text_.any_characters(Spelling::kJson)})));
  }
  const Expr all = names.empty() ? text_.string() : pool.all_of(std::move(names));
  for (const auto& [name, matched] : name_sets(parts, patterns, all)) {
    auto value = value_of_others(parts, patterns, matched);
    if (value && pool.has_text(name)) members.others.push_back({name, std::move(*value)});
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
    if (const json::value* names = find(of, "propertyNames"))
      otherwise.kinds.push_back({property_names(of, document_.negation(names)), nullptr});
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

void SchemaCompiler::Members::add(std::string_view name, bool required) {
  const auto it = std::ranges::find(named, name, &Named::name);
  if (it != named.end()) {
    it->required = it->required || required;
  } else {
    named.push_back({std::string(name), required, {}});
  }
}

void SchemaCompiler::add_required(const Part& part, Members& members) {
  const json::value* required = find(part, "required");
  if (!required || required->is_bool()) return;  // draft 3, of the property itself
  if (!required->is_array()) wrong(part, "required", "a list of names");
  for (const json::value& name : required->get_array()) {
    if (!name.is_string()) wrong(part, "required", "a list of names");
    members.add(name.get_string(), true);
  }
}

void SchemaCompiler::limit_members(const Part& part, Members& members) {
  members.least = std::max(members.least, count(part, "minProperties", 0));
  const int64_t limit = count(part, "maxProperties", kUnbounded);
  if (limit != kUnbounded)
    members.most = members.most == kUnbounded ? limit : std::min(members.most, limit);
}

void SchemaCompiler::name_otherwise(const Part& part, Members& members) {
  const json::value* some = find(part, kSomeMember);
  if (!some) return;
  const Part of{document_.follow(some)};
  if (const json::value* properties = find(of, "properties")) {
    for (const auto& [name, schema] : properties->get_object()) members.add(name, false);
  }
  if (const json::value* required = find(of, "required"); required && required->is_array()) {
    for (const json::value& name : required->get_array()) members.add(name.get_string(), false);
  }
}

Symbol SchemaCompiler::object(const Parts& parts) {
  Members members;
  for (const Part& part : parts) {
    for (const char* keyword : {"properties", "patternProperties"}) {
      const json::value* value = find(part, keyword);
      if (value && !value->is_object()) wrong(part, keyword, "an object");
    }
    if (const json::value* properties = find(part, "properties")) {
      for (const auto& [name, schema] : properties->get_object()) members.add(name, false);
    }
  }
  for (const Part& part : parts) {
    add_required(part, members);
    limit_members(part, members);
  }
  for (const Part& part : parts) name_otherwise(part, members);
  add_others(parts, members);
  add_otherwise(parts, members);
  for (Members::Named& named : members.named) {
    named.value = value_of(parts, named.name);
    static const json::value kNothing(false);
    if (!name_is_taken(parts, named.name)) named.value = {{&kNothing, 0}};
  }
  return object_of(members);
}

uint64_t SchemaCompiler::otherwise_without(const Members& members, std::string_view name) const {
  uint64_t found = 0;
  for (size_t i = 0; i < members.otherwise.size(); ++i) {
    const json::value* names = find({members.otherwise[i].schema}, "required");
    if (names && names->is_array() &&
        std::ranges::any_of(names->get_array(),
                            [&](const json::value& n) { return n.get_string() == name; }))
      found |= uint64_t{1} << i;
  }
  return found;
}

Symbol SchemaCompiler::object_of(const Members& members) {
  ExpressionPool& pool = grammar_.pool;
  const auto n = static_cast<int64_t>(members.named.size());
  const int64_t required = std::ranges::count_if(members.named, &Members::Named::required);
  ObjectMembers object{.named = {},
                       .others = {},
                       .least = members.least <= required ? 0 : members.least,
                       .most = members.most,
                       .all = (uint64_t{1} << members.otherwise.size()) - 1};
  if (members.others.empty() && object.most >= n) object.most = kUnbounded;
  if (object.most != kUnbounded && (object.most < required || object.most < object.least))
    return Symbol();
  if (members.others.empty() && object.least > n) return Symbol();
  const int64_t most_counted = static_cast<int64_t>(kMaxGrammarStates) / 4 / (n + 1);
  if (object.counted() >= most_counted)
    throw Error(ErrorCode::kUnsupported,
                "json schema: minProperties or maxProperties of more than " +
                    std::to_string(most_counted) + " is not taken here");
  const Expr space = text_.space();
  const Expr colon = pool.sequence({space, pool.byte(':'), space});
  // Behind its first quote, which all have in common.
  const auto key_of = [&](Expr name) { return pool.concat(pool.derivative(name, '"'), colon); };
  for (const Members::Named& named : members.named) {
    const Expr name = text_.string_literal(named.name);
    ObjectMembers::Named& of = object.named.emplace_back(ObjectMembers::Named{
        key_of(name), named.required, otherwise_without(members, named.name), {}});
    for (const Meant& meant : meanings(members, name, named.value, &named.name))
      of.ways.push_back({meant.sure, meant.found, meant.value});
  }
  for (const Members::Others& other : members.others) {
    for (const Meant& meant : meanings(members, other.name, other.value, nullptr)) {
      const Symbol key = Symbol::terminal(key_of(meant.name));
      object.others.push_back({meant.sure, meant.found, grammar_.sequence({key, meant.value})});
    }
  }
  return object_rule(grammar_, space, object);
}

}  // namespace vecton::grammar
