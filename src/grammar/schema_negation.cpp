// Schemas that hold exactly where others do not.
#include <algorithm>
#include <cstdint>

#include "grammar/json_text.h"
#include "grammar/schema_document.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

json::object typed(std::string_view type, std::string_view key, json::value value) {
  return {{"type", type}, {key, std::move(value)}};
}

json::object all_of(const json::array& schemas) { return {{"allOf", schemas}}; }

}  // namespace

// Of one schema: each keyword adds what holds where the keyword does not.
class SchemaDocument::Negation {
 public:
  Negation(SchemaDocument& document, const json::value& schema)
      : document_(document), schema_(schema), object_(schema.get_object()) {}

  json::value made() {
    for (const auto& [key, value] : object_) {
      if (const Rewrite rewrite = rewrite_of(key)) (this->*rewrite)({key, value});
    }
    members();
    if (alternatives_.empty()) return false;
    return json::object{{"anyOf", alternatives_}};
  }

 private:
  struct Keyword {
    std::string_view key;
    const json::value& value;
  };
  using Rewrite = void (Negation::*)(const Keyword&);

  // nullptr: it says nothing of values. Those of rewritten schemas that have no row are never met
  // here: what they are made for is their negation.
  static Rewrite rewrite_of(std::string_view key) {
    using N = Negation;
    static constexpr std::pair<std::string_view, Rewrite> kRewrites[] = {
        {"$ref", &N::reference},
        {"type", &N::type},
        {"const", &N::constant},
        {"enum", &N::enumeration},
        {kNotEnum, &N::not_enumeration},
        {"items", &N::items},
        {"prefixItems", &N::items},
        {"additionalItems", &N::items},
        {"uniqueItems", &N::unique_items},
        {"contains", &N::contains},
        {"format", &N::format},
        {"multipleOf", &N::multiple_of},
        {"oneOf", &N::one_of},
        {"if", &N::conditions},
        {"dependencies", &N::conditions},
        {"dependentRequired", &N::conditions},
        {"dependentSchemas", &N::conditions},
        {"minimum", &N::least_number},
        {"exclusiveMinimum", &N::least_number},
        {"maximum", &N::most_number},
        {"exclusiveMaximum", &N::most_number},
        {"minLength", &N::least_count},
        {"minItems", &N::least_count},
        {"minProperties", &N::least_count},
        {"maxLength", &N::most_count},
        {"maxItems", &N::most_count},
        {"maxProperties", &N::most_count},
        {"pattern", &N::pattern},
        {"allOf", &N::every},
        {"anyOf", &N::any},
        {"not", &N::negated},
        {"unevaluatedItems", &N::not_taken},
        {"unevaluatedProperties", &N::not_taken},
        {"$dynamicRef", &N::not_taken},
        {"$recursiveRef", &N::not_taken},
        {"extends", &N::not_taken}};
    const auto* const row =
        std::ranges::find(kRewrites, key, &std::pair<std::string_view, Rewrite>::first);
    return row == std::end(kRewrites) ? nullptr : row->second;
  }

  [[noreturn]] void wrong(std::string_view key) const {
    throw Error(ErrorCode::kInvalidArgument, "json schema: '" + std::string(key) + "' at " +
                                                 document_.place(&schema_) +
                                                 " is not what JSON Schema has there");
  }
  const json::array& list(const Keyword& k) const {
    if (!k.value.is_array()) wrong(k.key);
    return k.value.get_array();
  }
  int64_t count(const Keyword& k) const {
    if (!k.value.is_int64() || k.value.get_int64() < 0) wrong(k.key);
    return k.value.get_int64();
  }
  json::object negation(const json::value& schema) {
    return document_.link(document_.negation(&schema));
  }
  void add(json::object schema) { alternatives_.push_back(std::move(schema)); }

  void reference(const Keyword& k) {
    if (k.value.is_string()) add(negation(*document_.resolve(&schema_, k.value.get_string())));
  }

  void type(const Keyword& k) {
    const auto has = [&](std::string_view type) {
      const auto is = [&](const json::value& v) { return v.is_string() && v.get_string() == type; };
      return is(k.value) || (k.value.is_array() && std::ranges::any_of(k.value.get_array(), is));
    };
    json::array others;
    for (const std::string_view type : {"null", "boolean", "string", "array", "object"}) {
      if (!has(type)) others.push_back(json::value(type));
    }
    if (!has("number") && !has("integer")) others.push_back("number");
    if (!others.empty()) add({{"type", others}});
    if (!has("number") && has("integer")) add(typed("number", kFraction, true));
  }

  void constant(const Keyword& k) { add({{kNotEnum, json::array{k.value}}}); }
  void enumeration(const Keyword& k) { add({{kNotEnum, k.value}}); }
  void not_enumeration(const Keyword& k) { add({{"enum", k.value}}); }

  // The first items, each with a schema of its own, and those behind them, in the words of any
  // draft.
  void items(const Keyword& k) {
    const json::value *items = object_.if_contains("items"),
                      *first = object_.if_contains("prefixItems");
    if (items && items->is_array()) first = items;
    if (&k.value == first) return first_items(k);
    if (k.key == "items" || (k.key == "additionalItems" && items && items == first)) {
      const auto from =
          static_cast<int64_t>(first && first->is_array() ? first->get_array().size() : 0);
      add(typed("array", kSomeItem, json::object{{"from", from}, {"item", negation(k.value)}}));
    }
  }

  void first_items(const Keyword& k) {
    json::array before;
    for (const json::value& sub : list(k)) {
      before.push_back(negation(sub));
      json::object one = typed("array", "prefixItems", before);
      one["minItems"] = static_cast<int64_t>(before.size());
      add(std::move(one));
      before.back() = true;
    }
  }

  void unique_items(const Keyword& k) {
    if (k.value.is_bool() && k.value.get_bool()) add(typed("array", kRepeats, true));
  }

  void contains(const Keyword& k) {
    if (object_.contains("minContains") || object_.contains("maxContains"))
      document_.refuse(&schema_, k.key, "can't be negated with minContains or maxContains");
    add(typed("array", "items", negation(k.value)));
  }

  void format(const Keyword& k) {
    if (!k.value.is_string()) wrong(k.key);
    const std::string name(k.value.get_string());
    if (!is_known_format(name)) return document_.check_format(&schema_, name);
    if (!can_negate_format(name))
      document_.refuse(&schema_, k.key,
                       "can't be negated: not every text of '" + name + "' is known");
    add(typed("string", kNotFormat, k.value));
  }

  void pattern(const Keyword& k) { add(typed("string", kNotPattern, k.value)); }
  void multiple_of(const Keyword& k) { add(typed("number", kNotMultiple, k.value)); }

  void least_number(const Keyword& k) { bound(k, true, "maximum", "exclusiveMaximum"); }
  void most_number(const Keyword& k) { bound(k, false, "minimum", "exclusiveMinimum"); }
  // Beyond a strict bound its number lies too.
  void bound(const Keyword& k, bool least, std::string_view other, std::string_view strict_other) {
    if (k.value.is_bool()) return;  // draft 4's, of which the bound speaks
    if (!k.value.is_number()) wrong(k.key);
    for (const SchemaBound& bound : schema_bounds(object_, least)) {
      if (bound.number == &k.value)
        add(typed("number", bound.strict ? other : strict_other, k.value));
    }
  }

  struct Counted {
    std::string_view least, type, most;
  };
  static constexpr Counted kCounted[] = {{"minLength", "string", "maxLength"},
                                         {"minItems", "array", "maxItems"},
                                         {"minProperties", "object", "maxProperties"}};
  void least_count(const Keyword& k) {
    const Counted& of = *std::ranges::find(kCounted, k.key, &Counted::least);
    if (count(k) > 0) add(typed(of.type, of.most, count(k) - 1));
  }
  void most_count(const Keyword& k) {
    const Counted& of = *std::ranges::find(kCounted, k.key, &Counted::most);
    // Nothing has more than the largest number there is.
    if (count(k) < INT64_MAX) add(typed(of.type, of.least, count(k) + 1));
  }

  // None holds, or two do.
  void one_of(const Keyword& k) {
    const json::array& branches = list(k);
    json::array none, out;
    for (size_t i = 0; i < branches.size(); ++i) {
      none.push_back(negation(branches[i]));
      for (size_t j = 0; j < i; ++j)
        out.push_back(
            all_of(json::array{document_.link(&branches[j]), document_.link(&branches[i])}));
    }
    out.push_back(all_of(none));
    add({{"anyOf", out}});
  }

  void every(const Keyword& k) {
    for (const json::value& sub : list(k)) add(negation(sub));
  }
  void any(const Keyword& k) {
    json::array all;
    for (const json::value& sub : list(k)) all.push_back(negation(sub));
    add(all_of(all));
  }
  void negated(const Keyword& k) { add(document_.link(&k.value)); }
  void conditions(const Keyword&) {
    if (const json::value* all = document_.conditions(&schema_)) add(negation(*all));
  }

  void not_taken(const Keyword& k) {
    document_.refuse(
        &schema_, k.key,
        "is taken in no schema that has to be negated (inside of 'not', 'if', or a 'oneOf' whose "
        "branches overlap)");
  }

  // One alternative for all that is said of members: an object has one that is otherwise.
  void members() {
    const json::value* properties = object_.if_contains("properties");
    if (properties && !properties->is_object()) wrong("properties");
    const json::array names = required_names();
    const size_t known = properties ? properties->get_object().size() : 0;
    const bool others = object_.contains("patternProperties") ||
                        object_.contains("additionalProperties") ||
                        object_.contains("propertyNames");
    if (!others && known == 0 && names.empty()) return;
    if (!others && known == 0 && names.size() == 1)
      return add(typed("object", "properties", json::object{{names[0].get_string(), false}}));
    if (!others && known == 1 && names.size() <= 1) {
      const auto& [name, sub] = *properties->get_object().begin();
      if (names.empty() || names[0].get_string() == name) {
        json::object one = typed("object", "properties", json::object{{name, negation(sub)}});
        if (names.empty()) one["required"] = json::array{name};
        return add(std::move(one));
      }
    }
    add(typed("object", kSomeMember, document_.link(&schema_)));
  }

  json::array required_names() const {
    const json::value* required = object_.if_contains("required");
    if (!required || required->is_bool()) return {};  // draft 3, of the property itself
    if (!required->is_array()) wrong("required");
    for (const json::value& name : required->get_array()) {
      if (!name.is_string()) wrong("required");
    }
    return required->get_array();
  }

  SchemaDocument& document_;
  const json::value& schema_;
  const json::object& object_;
  json::array alternatives_;
};

const json::value* SchemaDocument::negation(const json::value* schema) {
  schema = follow(schema);
  const auto [it, added] = negations_.emplace(schema, nullptr);
  if (!added) return it->second;
  json::value& place = made_.emplace_back();  // before what is inside: it may come back here
  negations_[schema] = &place;
  negations_[&place] = schema;
  negated_[&place] = schema;
  made_for_[&place] = schema;
  place = negate(*schema);
  return &place;
}

const json::value* SchemaDocument::negated(const json::value* schema) const {
  const auto it = negated_.find(schema);
  return it == negated_.end() ? nullptr : it->second;
}

json::value SchemaDocument::negate(const json::value& schema) {
  if (schema.is_bool()) return !schema.get_bool();
  if (!schema.is_object())
    throw Error(ErrorCode::kInvalidArgument, "json schema: a schema at " + place(&schema) +
                                                 " is neither an object nor true or false");
  return Negation(*this, schema).made();
}

}  // namespace vecton::grammar
