#include "grammar/schema_validator.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/utf8.h"
#include "grammar/json_text.h"
#include "grammar/limits.h"
#include "grammar/regex.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

bool is_integer(const json::value& value) {
  return value.is_int64() || value.is_uint64() ||
         (value.is_double() && std::trunc(value.get_double()) == value.get_double());
}

// Not for 64-bit integers that a double has not: they are compared as they are.
int compare(const json::value& x, const json::value& y) {
  if (x.is_int64() && y.is_int64())
    return x.get_int64() < y.get_int64() ? -1 : x.get_int64() > y.get_int64();
  const double a = x.to_number<double>(), b = y.to_number<double>();
  return a < b ? -1 : a > b;
}

unsigned type_of(const json::value& value) {
  if (value.is_null()) return kNull;
  if (value.is_bool()) return kBoolean;
  if (value.is_string()) return kString;
  if (value.is_array()) return kArray;
  if (value.is_object()) return kObject;
  return is_integer(value) ? kIntegers : kFractions;
}

const json::value* find(const json::value* schema, std::string_view key) {
  const json::object* object = schema->if_object();
  return object ? object->if_contains(key) : nullptr;
}

bool is_among(const json::value& value, const json::value& values) {
  const json::array* list = values.if_array();
  if (!list) return false;
  // Lists are asked about their own values most.
  const std::less<> before;
  if (!before(&value, list->data()) && before(&value, list->data() + list->size())) return true;
  return std::ranges::any_of(*list, [&](const json::value& v) { return json_equal(v, value); });
}

// How far the quotient is from a whole number; NaN for a divisor 0.
double off_multiple(const json::value& value, const json::value& divisor) {
  const double quotient = value.to_number<double>() / divisor.to_number<double>();
  return std::abs(quotient - std::round(quotient));
}

bool holds_for_number(const json::value& value, const json::object& schema) {
  if (schema.contains(kFraction) && is_integer(value)) return false;
  for (const bool least : {true, false}) {
    for (const SchemaBound& bound : schema_bounds(schema, least)) {
      const int order = least ? compare(value, *bound.number) : compare(*bound.number, value);
      if (order < 0 || (bound.strict && order == 0)) return false;
    }
  }
  const json::value *divisor = schema.if_contains("multipleOf"),
                    *other = schema.if_contains(kNotMultiple);
  constexpr double kRounding = 1e-9;
  if (divisor && divisor->is_number() && off_multiple(value, *divisor) > kRounding) return false;
  return !(other && off_multiple(value, *other) <= kRounding);
}

// What a schema says of a member by its name.
const json::value* member(const json::value* schema, std::string_view name) {
  const json::value* properties = find(schema, "properties");
  return properties ? find(properties, name) : nullptr;
}

using Parts = std::vector<const json::value*>;

// What all items are; nullptr where that is not said, or the first have schemas of their own.
const json::value* items_of(const Parts& parts) {
  const json::value* found = nullptr;
  for (const json::value* part : parts) {
    if (find(part, "prefixItems")) return nullptr;
    if (const json::value* v = find(part, "items"); v && !v->is_array()) found = v;
  }
  return found;
}

bool has_an_item(const Parts& parts) {
  return std::ranges::any_of(parts, [](const json::value* part) {
    const json::value* v = find(part, "minItems");
    return v && v->is_int64() && v->get_int64() > 0;
  });
}

// Whether there are no members but those that `properties` names.
bool is_closed(const Parts& parts) {
  return std::ranges::any_of(parts, [](const json::value* part) {
    const json::value* others = find(part, "additionalProperties");
    return others && others->is_bool() && !others->get_bool() && !find(part, "patternProperties");
  });
}

}  // namespace

bool json_equal(const json::value& x, const json::value& y) {
  if (x.is_number() && y.is_number()) return compare(x, y) == 0;
  if (x.kind() != y.kind()) return false;
  if (const json::array* a = x.if_array())
    return std::equal(a->begin(), a->end(), y.get_array().begin(), y.get_array().end(), json_equal);
  if (const json::object* a = x.if_object()) {
    const json::object& b = y.get_object();
    return a->size() == b.size() && std::all_of(a->begin(), a->end(), [&](const auto& m) {
             const json::value* other = b.if_contains(m.key());
             return other && json_equal(m.value(), *other);
           });
  }
  return x == y;
}

unsigned schema_types(const SchemaDocument& document, const json::value* schema) {
  const json::value* type = find(schema, "type");
  if (!type) return kAllTypes;
  const auto one = [&](const json::value& name) -> unsigned {
    static constexpr std::pair<std::string_view, unsigned> kNames[] = {
        {"null", kNull},     {"boolean", kBoolean}, {"string", kString},    {"array", kArray},
        {"object", kObject}, {"number", kNumbers},  {"integer", kIntegers}, {"any", kAllTypes}};
    if (name.is_string()) {
      for (const auto& [known, types] : kNames) {
        if (name.get_string() == known) return types;
      }
    }
    throw Error(ErrorCode::kInvalidArgument, "json schema: 'type' at " + document.place(schema) +
                                                 " is " + json::serialize(name) +
                                                 "; it has to be null, boolean, string, array, "
                                                 "object, number or integer, or a list of these");
  };
  if (!type->is_array()) return one(*type);
  unsigned types = 0;
  for (const json::value& name : type->get_array()) types |= one(name);
  return types;
}

bool SchemaValidator::matches(const json::value* schema, std::string_view pattern,
                              std::string_view text) {
  const auto [it, added] = patterns_.emplace(pattern, kNever);
  if (added)
    it->second = parse_regex(pool_, pattern, Match::kSearch, Spelling::kUtf8,
                             "json schema: a pattern at " + document_.place(schema));
  return pool_.matches(it->second, text);
}

bool SchemaValidator::holds(const json::value& value, const json::value* schema, int depth) {
  if (++steps_ > kMaxValidatorSteps)
    throw Error(ErrorCode::kInvalidArgument,
                "json schema: it is too complex: its enums and oneOfs take too long to compare");
  if (depth > 4 * kMaxNesting)
    throw Error(ErrorCode::kInvalidArgument,
                "json schema: it refers to itself without end at " + document_.place(schema));
  schema = document_.follow(schema);
  if (schema->is_bool()) return schema->get_bool();
  const json::object* object = schema->if_object();
  if (!object) return false;
  if ((schema_types(document_, schema) & type_of(value)) == 0) return false;
  for (const auto& [key, what] : *object) {
    if (!keyword_holds(value, schema, key, what, depth)) return false;
  }
  const json::value* conditions = document_.conditions(schema);
  if (conditions && !holds(value, conditions, depth + 1)) return false;
  if (value.is_number()) return holds_for_number(value, *object);
  if (value.is_string()) return holds_for_string(value.get_string(), schema);
  if (value.is_array()) return holds_for_array(value.get_array(), schema, depth);
  if (value.is_object()) return holds_for_object(value.get_object(), schema, depth);
  return true;
}

bool SchemaValidator::keyword_holds(const json::value& value, const json::value* schema,
                                    std::string_view key, const json::value& what, int depth) {
  if (key == "const") return json_equal(value, what);
  if (key == "enum") return is_among(value, what);
  if (key == kNotEnum) return !is_among(value, what);
  if (key == "not") return !holds(value, &what, depth + 1);
  if (key == "$ref" && what.is_string())
    return holds(value, document_.resolve(schema, what.get_string()), depth + 1);
  if (!what.is_array() || (key != "allOf" && key != "anyOf" && key != "oneOf")) return true;
  const json::array& schemas = what.get_array();
  const auto holding = std::ranges::count_if(
      schemas, [&](const json::value& s) { return holds(value, &s, depth + 1); });
  if (key == "allOf") return holding == std::ssize(schemas);
  return key == "anyOf" ? holding > 0 : holding == 1;
}

bool SchemaValidator::holds_for_string(std::string_view text, const json::value* schema) {
  const auto length = static_cast<int64_t>(utf8::count(text));
  if (const json::value* v = find(schema, "minLength");
      v && v->is_int64() && length < v->get_int64())
    return false;
  if (const json::value* v = find(schema, "maxLength");
      v && v->is_int64() && length > v->get_int64())
    return false;
  if (const json::value* v = find(schema, "pattern");
      v && v->is_string() && !matches(schema, v->get_string(), text))
    return false;
  if (const json::value* v = find(schema, kNotPattern);
      v && v->is_string() && matches(schema, v->get_string(), text))
    return false;
  if (const json::value* v = find(schema, "format"); v && v->is_string()) {
    const std::optional<Expr> format = text_.format(v->get_string(), Spelling::kUtf8);
    if (format && !pool_.matches(*format, text)) return false;
  }
  if (const json::value* v = find(schema, kNotFormat)) {
    if (!pool_.matches(text_.other_format(v->get_string(), Spelling::kUtf8), text)) return false;
  }
  return true;
}

bool SchemaValidator::holds_for_array(const json::array& array, const json::value* schema,
                                      int depth) {
  const auto size = static_cast<int64_t>(array.size());
  if (const json::value* v = find(schema, "minItems"); v && v->is_int64() && size < v->get_int64())
    return false;
  if (const json::value* v = find(schema, "maxItems"); v && v->is_int64() && size > v->get_int64())
    return false;
  const auto repeats = [&] {
    for (size_t i = 0; i < array.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (json_equal(array[i], array[j])) return true;
      }
    }
    return false;
  };
  if (const json::value* v = find(schema, "uniqueItems");
      v && v->is_bool() && v->get_bool() && repeats())
    return false;
  if (find(schema, kRepeats) && !repeats()) return false;
  const json::value *items = find(schema, "items"), *prefix = find(schema, "prefixItems");
  if (items && items->is_array()) prefix = std::exchange(items, find(schema, "additionalItems"));
  for (size_t i = 0; i < array.size(); ++i) {
    const json::value* of = prefix && prefix->is_array() && i < prefix->get_array().size()
                                ? &prefix->get_array()[i]
                                : items;
    if (of && !holds(array[i], of, depth + 1)) return false;
  }
  const auto has = [&](const json::value& item, int64_t from) {
    for (auto i = static_cast<size_t>(from); i < array.size(); ++i) {
      if (holds(array[i], &item, depth + 1)) return true;
    }
    return false;
  };
  if (const json::value* some = find(schema, kSomeItem);
      some && !has(some->at("item"), some->at("from").get_int64()))
    return false;
  if (const json::value* item = find(schema, "contains")) {
    const json::value* number = find(schema, "minContains");
    if (!(number && number->is_int64() && number->get_int64() == 0) && !has(*item, 0)) return false;
  }
  return true;
}

bool SchemaValidator::holds_for_object(const json::object& object, const json::value* schema,
                                       int depth) {
  const auto size = static_cast<int64_t>(object.size());
  if (const json::value* v = find(schema, "minProperties");
      v && v->is_int64() && size < v->get_int64())
    return false;
  if (const json::value* v = find(schema, "maxProperties");
      v && v->is_int64() && size > v->get_int64())
    return false;
  if (const json::value* some = find(schema, kSomeMember);
      some && holds_for_members(object, document_.follow(some), depth))
    return false;
  return holds_for_members(object, schema, depth);
}

bool SchemaValidator::holds_for_members(const json::object& object, const json::value* schema,
                                        int depth) {
  if (const json::value* v = find(schema, "required"); v && v->is_array()) {
    for (const json::value& name : v->get_array()) {
      if (name.is_string() && !object.contains(name.get_string())) return false;
    }
  }
  const json::value *properties = find(schema, "properties"),
                    *patterns = find(schema, "patternProperties");
  const json::value *others = find(schema, "additionalProperties"),
                    *names = find(schema, "propertyNames");
  for (const auto& [name, value] : object) {
    bool known = false;
    if (names && !holds(json::value(name), names, depth + 1)) return false;
    if (const json::value* of = properties ? find(properties, name) : nullptr) {
      known = true;
      if (!holds(value, of, depth + 1)) return false;
    }
    if (patterns && patterns->is_object()) {
      for (const auto& [pattern, of] : patterns->get_object()) {
        if (!matches(schema, pattern, name)) continue;
        known = true;
        if (!holds(value, &of, depth + 1)) return false;
      }
    }
    if (!known && others && !holds(value, others, depth + 1)) return false;
  }
  return true;
}

const std::vector<const json::value*>& SchemaValidator::parts(const json::value* schema) {
  const auto [it, added] = parts_.try_emplace(schema);
  std::vector<const json::value*>& out = it->second;
  if (!added) return out;
  out.push_back(document_.follow(schema));
  for (size_t at = 0; at < out.size() && at < 64; ++at) {
    const auto add = [&](const json::value* part) {
      part = document_.follow(part);
      if (std::find(out.begin(), out.end(), part) == out.end()) out.push_back(part);
    };
    if (const json::value* ref = find(out[at], "$ref"); ref && ref->is_string())
      add(document_.resolve(out[at], ref->get_string()));
    if (const json::value* all = find(out[at], "allOf"); all && all->is_array()) {
      for (const json::value& part : all->get_array()) add(&part);
    }
  }
  return out;
}

bool SchemaValidator::disjoint(const json::value* first, const json::value* second, int depth) {
  if (depth > 4) return false;
  const Side sides[2] = {{first, parts(first)}, {second, parts(second)}};
  unsigned types = kAllTypes;
  for (const Side& side : sides) {
    for (const json::value* part : side.parts) {
      if (part->is_bool() && !part->get_bool()) return true;
      types &= schema_types(document_, part);
    }
  }
  if (types == 0) return true;
  const Side &x = sides[0], &y = sides[1];
  if (const auto apart = values_disjoint(x, y.schema, depth)) return *apart;
  if (const auto apart = values_disjoint(y, x.schema, depth)) return *apart;
  if ((types & ~kNumbers) == 0) return bounds_disjoint(x, y) || bounds_disjoint(y, x);
  if (types == kArray) return items_disjoint(x, y, depth);
  return types == kObject && (members_disjoint(x, y, depth) || members_disjoint(y, x, depth));
}

std::optional<bool> SchemaValidator::values_disjoint(const Side& side, const json::value* other,
                                                     int depth) {
  for (const json::value* part : side.parts) {
    if (const json::value* one = find(part, "const")) return !holds(*one, other);
    if (const json::value* some = find(part, "enum"); some && some->is_array())
      return std::ranges::none_of(some->get_array(),
                                  [&](const json::value& v) { return holds(v, other); });
    // Each branch apart.
    for (const char* key : {"anyOf", "oneOf"}) {
      const json::value* branches = find(part, key);
      if (branches && branches->is_array() &&
          std::ranges::all_of(branches->get_array(),
                              [&](const json::value& b) { return disjoint(&b, other, depth + 1); }))
        return true;
    }
  }
  return std::nullopt;
}

bool SchemaValidator::bounds_disjoint(const Side& above, const Side& below) {
  for (const json::value* x : above.parts) {
    for (const json::value* y : below.parts) {
      if (!x->is_object() || !y->is_object()) continue;
      for (const SchemaBound& low : schema_bounds(x->get_object(), true)) {
        for (const SchemaBound& high : schema_bounds(y->get_object(), false)) {
          const int order = compare(*low.number, *high.number);
          if (order > 0 || (order == 0 && (low.strict || high.strict))) return true;
        }
      }
    }
  }
  return false;
}

bool SchemaValidator::items_disjoint(const Side& first, const Side& second, int depth) {
  const json::value *x = items_of(first.parts), *y = items_of(second.parts);
  return x && y && (has_an_item(first.parts) || has_an_item(second.parts)) &&
         disjoint(x, y, depth + 1);
}

bool SchemaValidator::members_disjoint(const Side& side, const Side& other, int depth) {
  for (const json::value* part : side.parts) {
    const json::value* required = find(part, "required");
    if (!required || !required->is_array()) continue;
    for (const json::value& name : required->get_array()) {
      if (name.is_string() && member_disjoint(name.get_string(), side, other, depth)) return true;
    }
  }
  return false;
}

bool SchemaValidator::member_disjoint(std::string_view name, const Side& side, const Side& other,
                                      int depth) {
  bool named = false;
  for (const json::value* part : other.parts) {
    const json::value* theirs = member(part, name);
    if (!theirs) continue;
    named = true;
    for (const json::value* own : side.parts) {
      const json::value* ours = member(own, name);
      if (ours && disjoint(ours, theirs, depth + 1)) return true;
    }
  }
  return !named && is_closed(other.parts);
}

}  // namespace vecton::grammar
