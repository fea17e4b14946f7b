// anyOf and oneOf: which of their branches can hold beside all else that has to.
#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/json.h"
#include "grammar/schema_compiler.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

// Beyond it the same is written in more rules, or refused.
constexpr size_t kMaxComparisons = 3'000'000;

}  // namespace

bool SchemaCompiler::may_compare(size_t times) {
  comparisons_ += times;
  return comparisons_ < kMaxComparisons;
}

bool SchemaCompiler::disjoint(const json::value* first, const json::value* second) {
  const auto [it, added] = disjoint_.try_emplace({first, second}, false);
  if (added) it->second = validator_.disjoint(first, second);
  return it->second;
}

bool SchemaCompiler::satisfies(const json::value& value, const json::value* schema) {
  const auto [it, added] = satisfies_.try_emplace({&value, schema}, false);
  if (added) it->second = validator_.holds(value, schema);
  return it->second;
}

const std::vector<size_t>& SchemaCompiler::excluded(const json::array& branches,
                                                    const json::value* other) {
  const auto [it, added] = excluded_.try_emplace({&branches, other});
  if (added) {
    for (size_t i = 0; i < branches.size(); ++i) {
      if (validator_.disjoint(&branches[i], other)) it->second.push_back(i);
    }
  }
  return it->second;
}

const SchemaCompiler::Told& SchemaCompiler::told(const json::value* schema) {
  const auto [it, added] = told_.try_emplace(schema);
  if (!added) return it->second;
  Told& told = it->second;
  if (const json::value* required = find({schema}, "required"); required && required->is_array()) {
    for (const json::value& name : required->get_array()) {
      if (name.is_string()) told.required.push_back(name.get_string());
    }
  }
  const json::value* properties = find({schema}, "properties");
  if (properties && properties->is_object()) {
    for (const auto& [name, value] : properties->get_object()) {
      const std::vector<const json::value*>& parts = validator_.parts(&value);
      if (std::any_of(parts.begin(), parts.end(), [&](const json::value* part) {
            return part->is_bool() ? !part->get_bool()
                                   : find({part}, "const") || find({part}, "enum");
          }))
        told.enumerated.push_back(name);
    }
  }
  return told;
}

std::optional<SchemaCompiler::Facts> SchemaCompiler::facts(const Parts& parts) {
  Facts facts;
  for (const Part& part : parts) {
    for (const char* keyword : {"properties", "patternProperties"}) {
      const json::value* value = find(part, keyword);
      if (value && !value->is_object()) wrong(part, keyword, "an object");
    }
    const Told& told = this->told(part.schema);
    for (const std::string_view name : told.required) facts[name].required = true;
    for (const std::string_view name : told.enumerated) facts[name];
  }
  for (auto& fact : facts) {
    const std::string_view name = fact.first;
    Member& member = fact.second;
    if (!may_compare(parts.size())) continue;
    member.value = value_of(parts, name);
    const json::value* const* best = nullptr;
    for (const Part& part : member.value) {
      for (const json::value* const& of : validator_.parts(part.schema)) {
        if (of->is_bool() && !of->get_bool()) member.forbidden = true;
        const auto size = [&](const json::value* schema) {
          const json::value* list = find({schema}, "enum");
          return find({schema}, "const")    ? 1
                 : list && list->is_array() ? list->get_array().size()
                                            : 0;
        };
        if (size(of) > 0 && (!best || size(of) < size(*best))) best = &of;
      }
    }
    if (!best && !member.forbidden) member.forbidden = !name_is_taken(parts, name);
    if (best && !member.forbidden) {
      member.known = true;
      const auto add = [&](const json::value& value) {
        if (std::all_of(member.value.begin(), member.value.end(),
                        [&](const Part& part) { return satisfies(value, part.schema); }))
          member.candidates.push_back(&value);
      };
      if (const json::value* one = find({*best}, "const")) {
        add(*one);
      } else {
        for (const json::value& value : find({*best}, "enum")->get_array()) add(value);
      }
      member.forbidden = member.candidates.empty();
    }
    if (member.forbidden && member.required) return std::nullopt;
  }
  return facts;
}

bool SchemaCompiler::contradicts(const json::value* schema, const Facts& facts, int depth) {
  constexpr int kDeep = 3;
  const std::vector<const json::value*>& parts = validator_.parts(schema);
  std::vector<std::string_view> required;
  for (const json::value* part : parts) {
    if (part->is_bool()) {
      if (!part->get_bool()) return true;
      continue;
    }
    if ((schema_types(document_, part) & kObject) == 0) return true;
    for (const std::string_view name : told(part).required) {
      const auto it = facts.find(name);
      if (it == facts.end()) continue;
      if (it->second.forbidden) return true;
      required.push_back(name);
    }
  }
  for (const json::value* part : parts) {
    if (part->is_bool()) continue;
    const json::value *named = find({part}, "properties"),
                      *others = find({part}, "additionalProperties");
    const json::object* properties = named ? named->if_object() : nullptr;
    const bool closed =
        others && others->is_bool() && !others->get_bool() && !find({part}, "patternProperties");
    if (properties || closed) {
      for (const auto& [name, member] : facts) {
        const bool is_there =
            member.required || std::find(required.begin(), required.end(), name) != required.end();
        if (!is_there) continue;
        const json::value* value = properties ? properties->if_contains(name) : nullptr;
        if (!value) {
          if (closed) return true;
          continue;
        }
        const bool may_be =
            member.known ? std::any_of(member.candidates.begin(), member.candidates.end(),
                                       [&](const json::value* v) { return satisfies(*v, value); })
                         : std::none_of(member.value.begin(), member.value.end(),
                                        [&](const Part& p) { return disjoint(value, p.schema); });
        if (!may_be) return true;
      }
    }
    for (const char* keyword : {"anyOf", "oneOf"}) {
      const json::value* branches = depth < kDeep ? find({part}, keyword) : nullptr;
      if (branches && branches->is_array() &&
          std::all_of(branches->get_array().begin(), branches->get_array().end(),
                      [&](const json::value& b) { return contradicts(&b, facts, depth + 1); }))
        return true;
    }
  }
  return false;
}

SchemaCompiler::Choice SchemaCompiler::choice(const Parts& parts, size_t at, bool one,
                                              const Facts* facts) {
  const char* keyword = one ? "oneOf" : "anyOf";
  const json::value* list = find(parts[at], keyword);
  if (!list->is_array() || list->get_array().empty())
    wrong(parts[at], keyword, "a list of schemas");
  const json::array& options = list->get_array();
  // Out by anything; and out by what does not speak of this choice itself.
  std::vector<bool> out(options.size()), apart(options.size());
  for (const Part& part : parts) {
    if (!may_compare(1)) break;
    const bool alone = is_alone(part.schema);
    for (const size_t i : excluded(options, part.schema)) {
      out[i] = true;
      apart[i] = apart[i] || alone;
    }
  }
  Choice choice{at, one, {}, {}};
  for (size_t i = 0; i < out.size(); ++i) {
    if (!apart[i] && facts && may_compare(facts->size()) && contradicts(&options[i], *facts, 0))
      out[i] = apart[i] = true;
    if (!out[i]) choice.branches.push_back(i);
    if (one && !apart[i]) choice.rivals.push_back(i);
  }
  return choice;
}

void SchemaCompiler::take(Parts& parts, const Choice& choice, size_t branch) {
  const auto& [at, one, branches, rivals] = choice;
  const json::value* schema = parts[at].schema;
  const json::array& options = find(parts[at], one ? "oneOf" : "anyOf")->get_array();
  parts[at].done |= one ? kOneOf : kAnyOf;
  add_value_parts(&options[branch], parts);
  for (const size_t other : rivals) {
    if (other == branch || disjoint(&options[branch], &options[other])) continue;
    try {
      add_value_parts(document_.negation(&options[other]), parts);
    } catch (const Error& error) {
      document_.refuse(schema, "oneOf",
                       "has branches that may both hold (" + std::to_string(branch) + " and " +
                           std::to_string(other) + "): " + error.what());
    }
  }
}

SchemaCompiler::Decision SchemaCompiler::decide(Decided& decided) {
  auto& [parts, smallest, choices] = decided;
  smallest.reset();
  choices = 0;
  unsigned types = kAllTypes;
  bool open = false;
  for (const Part& part : parts) {
    // Of values that are listed each is tried.
    if (find(part, "const") || find(part, "enum")) return Decision::kNone;
    types &= schema_types(document_, part.schema);
    open = open || (!(part.done & kAnyOf) && find(part, "anyOf")) ||
           (!(part.done & kOneOf) && find(part, "oneOf"));
  }
  if (types == 0) return Decision::kImpossible;
  if (!open) return Decision::kNone;
  // Of other values what is said of members says nothing.
  std::optional<Facts> known;
  if (types == kObject) {
    known = facts(parts);
    if (!known) return Decision::kImpossible;
  }
  bool changed = false;
  for (size_t i = 0, size = parts.size(); i < size; ++i) {
    for (const bool one : {false, true}) {
      if ((parts[i].done & (one ? kOneOf : kAnyOf)) || !find(parts[i], one ? "oneOf" : "anyOf"))
        continue;
      Choice next = choice(parts, i, one, known ? &*known : nullptr);
      if (next.branches.empty()) return Decision::kImpossible;
      if (next.branches.size() == 1) {
        take(parts, next, next.branches[0]);
        changed = true;
        continue;
      }
      ++choices;
      if (!smallest || next.branches.size() < smallest->branches.size()) smallest = std::move(next);
    }
  }
  return changed ? Decision::kTaken : Decision::kNone;
}

Symbol SchemaCompiler::branches(const Parts& parts, const Choice& choice) {
  std::vector<Symbol> symbols;
  for (const size_t i : choice.branches) {
    Parts branch = parts;
    take(branch, choice, i);
    symbols.push_back(compile(std::move(branch)));
  }
  return grammar_.any_of(symbols);
}

// What members are decides choices only where all values are objects.
Symbol SchemaCompiler::objects_apart(const Parts& parts) {
  static const json::value kObjects(json::object{{"type", "object"}}),
      kOthers(json::object{{"type", {"null", "boolean", "string", "array", "number"}}});
  std::vector<Symbol> symbols;
  for (const json::value* of : {&kObjects, &kOthers}) {
    Parts some = parts;
    some.push_back({of});
    symbols.push_back(compile(std::move(some)));
  }
  return grammar_.any_of(symbols);
}

}  // namespace vecton::grammar
