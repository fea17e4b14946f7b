#include "grammar/schema_document.h"

#include <algorithm>
#include <array>
#include <functional>

#include "grammar/json_text.h"
#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

void check(const json::value& value, int depth) {
  if (depth > kMaxNesting)
    throw Error(ErrorCode::kInvalidArgument,
                "json schema: it nests deeper than " + std::to_string(kMaxNesting) + " levels");
  if (value.is_object()) {
    for (const auto& [key, member] : value.get_object()) {
      if (std::string_view(key).starts_with('\x01'))
        throw Error(ErrorCode::kInvalidArgument, "json schema: a key begins with U+0001");
      check(member, depth + 1);
    }
  } else if (value.is_array()) {
    for (const json::value& member : value.get_array()) check(member, depth + 1);
  }
}

// %41 and ~1 of JSON pointers in references.
std::string unescape(std::string_view part) {
  std::string out;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1')) {
      out += part[++i] == '0' ? '~' : '/';
    } else if (part[i] == '%' && i + 2 < part.size() &&
               std::isxdigit(static_cast<unsigned char>(part[i + 1])) &&
               std::isxdigit(static_cast<unsigned char>(part[i + 2]))) {
      out += static_cast<char>(std::stoi(std::string(part.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += part[i];
    }
  }
  return out;
}

const json::value* step(const json::value* at, const std::string& part) {
  if (const json::object* object = at->if_object()) return object->if_contains(part);
  const json::array* array = at->if_array();
  if (!array || part.empty() || part.size() > 6 ||
      !std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isdigit(c); }))
    return nullptr;
  return array->if_contains(std::stoul(part));
}

// The first value, of all inside, of which `is` holds.
const json::value* search(const json::value& value,
                          const std::function<bool(const json::value&)>& is) {
  if (is(value)) return &value;
  if (const json::object* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      if (const json::value* found = search(member, is)) return found;
    }
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& member : *array) {
      if (const json::value* found = search(member, is)) return found;
    }
  }
  return nullptr;
}

bool has_text(const json::value& value, std::string_view key, std::string_view text) {
  const json::object* object = value.if_object();
  const json::value* found = object ? object->if_contains(key) : nullptr;
  if (!found || !found->is_string()) return false;
  std::string_view name = found->get_string();
  // "http://x/y#" names the document as "http://x/y" does.
  if (name.size() > 1 && name.ends_with('#')) name.remove_suffix(1);
  return name == text;
}

json::object typed(std::string_view type, std::string_view key, json::value value) {
  return {{"type", type}, {key, std::move(value)}};
}

}  // namespace

SchemaDocument::SchemaDocument(json::value schema) : root_(std::move(schema)) {
  check(root_, 0);
  if (!root_.is_object() && !root_.is_bool())
    throw Error(ErrorCode::kInvalidArgument, "json schema: a schema is an object, true or false");
}

const json::value* SchemaDocument::follow(const json::value* schema) const {
  while (const json::object* object = schema->if_object()) {
    const json::value* number = object->if_contains(kLink);
    if (!number) break;
    schema = linked_[static_cast<size_t>(number->get_int64())];
  }
  return schema;
}

json::object SchemaDocument::link(const json::value* schema) {
  linked_.push_back(schema);
  return {{kLink, static_cast<int64_t>(linked_.size() - 1)}};
}

void SchemaDocument::find_parents(const json::value& of) const {
  if (const json::object* object = of.if_object()) {
    for (const auto& [key, member] : *object) {
      parents_[&member] = {&of, key, 0};
      find_parents(member);
    }
  } else if (const json::array* array = of.if_array()) {
    for (const json::value& item : *array) {
      parents_[&item] = {&of, {}, static_cast<size_t>(&item - array->data())};
      find_parents(item);
    }
  }
}

std::string SchemaDocument::place(const json::value* schema) const {
  if (parents_.empty()) find_parents(root_);
  std::string path;
  for (auto it = parents_.find(schema); it != parents_.end(); it = parents_.find(schema)) {
    const auto& [parent, key, item] = it->second;
    const std::string name = parent->is_array() ? std::to_string(item) : std::string(key);
    path.insert(0, "/" + name);
    schema = parent;
  }
  if (schema == &root_) return "#" + path;
  const auto it = made_for_.find(schema);
  return it == made_for_.end() ? "#" : place(it->second);
}

void SchemaDocument::refuse(const json::value* schema, std::string_view keyword,
                            const std::string& why) const {
  throw Error(ErrorCode::kUnsupported,
              "json schema: '" + std::string(keyword) + "' at " + place(schema) + " " + why);
}

void SchemaDocument::check_format(const json::value* schema, std::string_view name) const {
  if (const auto why = why_format_is_refused(name))
    refuse(schema, "format", "is '" + std::string(name) + "', which " + *why);
}

const json::value* SchemaDocument::resolve(const json::value* schema,
                                           std::string_view reference) const {
  const size_t hash = reference.find('#');
  const std::string_view document = reference.substr(0, hash);
  const std::string_view fragment =
      hash == std::string_view::npos ? "" : reference.substr(hash + 1);
  const json::value* at = &root_;
  if (!document.empty()) {
    at = search(root_, [&](const json::value& v) {
      return has_text(v, "$id", document) || has_text(v, "id", document);
    });
    if (!at)
      refuse(schema, "$ref",
             "leads to another document ('" + std::string(reference) +
                 "'): put its schema into $defs");
  }
  if (!fragment.empty() && fragment[0] != '/') {
    const json::value* found = search(*at, [&](const json::value& v) {
      return has_text(v, "$anchor", fragment) || has_text(v, "$id", "#" + std::string(fragment)) ||
             has_text(v, "id", "#" + std::string(fragment));
    });
    if (!found)
      throw Error(ErrorCode::kInvalidArgument, "json schema: '$ref' at " + place(schema) +
                                                   " leads nowhere: '" + std::string(reference) +
                                                   "'");
    return found;
  }
  for (size_t begin = 1; begin <= fragment.size();) {
    const size_t end = std::min(fragment.find('/', begin), fragment.size());
    at = step(at, unescape(fragment.substr(begin, end - begin)));
    if (!at)
      throw Error(ErrorCode::kInvalidArgument, "json schema: '$ref' at " + place(schema) +
                                                   " leads nowhere: '" + std::string(reference) +
                                                   "'");
    begin = end + 1;
  }
  return at;
}

const json::value* SchemaDocument::conditions(const json::value* schema) {
  const auto [it, added] = conditions_.emplace(schema, nullptr);
  if (!added) return it->second;
  const json::object& object = schema->get_object();
  json::array all;
  if (const json::value* condition = object.if_contains("if")) {
    const json::value *then = object.if_contains("then"), *otherwise = object.if_contains("else");
    if (then || otherwise) {
      json::array yes{link(condition)}, no{link(negation(condition))};
      if (then) yes.push_back(link(then));
      if (otherwise) no.push_back(link(otherwise));
      all.push_back(json::object{
          {"anyOf", json::array{json::object{{"allOf", yes}}, json::object{{"allOf", no}}}}});
    }
  }
  for (const std::string_view keyword : {"dependentRequired", "dependentSchemas", "dependencies"}) {
    const json::value* dependents = object.if_contains(keyword);
    if (!dependents) continue;
    if (!dependents->is_object())
      throw Error(ErrorCode::kInvalidArgument, "json schema: '" + std::string(keyword) + "' at " +
                                                   place(schema) + " has to be an object");
    for (const auto& [name, what] : dependents->get_object()) {
      json::array with{json::object{{"required", json::array{name}}}};
      if (what.is_array()) {
        with.push_back(json::object{{"required", what}});
      } else {
        with.push_back(link(&what));
      }
      json::object without{{"properties", json::object{{name, false}}}};
      all.push_back(json::object{{"anyOf", json::array{without, json::object{{"allOf", with}}}}});
    }
  }
  if (all.empty()) return nullptr;
  made_.push_back(json::object{{"allOf", all}});
  made_for_[&made_.back()] = schema;
  return conditions_[schema] = &made_.back();
}

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
  const json::object* object = schema.if_object();
  if (!object)
    throw Error(ErrorCode::kInvalidArgument, "json schema: a schema at " + place(&schema) +
                                                 " is neither an object nor true or false");
  json::array alternatives;
  for (const auto& [key, value] : *object) negate_keyword(schema, key, value, alternatives);
  negate_members(schema, alternatives);
  if (alternatives.empty()) return false;
  return json::object{{"anyOf", alternatives}};
}

// One alternative for all that is said of members: an object has one that is otherwise.
void SchemaDocument::negate_members(const json::value& schema, json::array& out) {
  const json::object& object = schema.get_object();
  const auto wrong = [&](std::string_view key) {
    throw Error(ErrorCode::kInvalidArgument, "json schema: '" + std::string(key) + "' at " +
                                                 place(&schema) +
                                                 " is not what JSON Schema has there");
  };
  const json::value *properties = object.if_contains("properties"),
                    *required = object.if_contains("required");
  if (properties && !properties->is_object()) wrong("properties");
  if (required && required->is_bool()) required = nullptr;  // draft 3, of the property itself
  if (required && !required->is_array()) wrong("required");
  const json::array names = required ? required->get_array() : json::array();
  for (const json::value& name : names) {
    if (!name.is_string()) wrong("required");
  }
  const size_t known = properties ? properties->get_object().size() : 0;
  const bool others = object.contains("patternProperties") ||
                      object.contains("additionalProperties") || object.contains("propertyNames");
  if (!others && known == 0 && names.empty()) return;
  if (!others && known == 0 && names.size() == 1) {
    out.push_back(typed("object", "properties", json::object{{names[0].get_string(), false}}));
    return;
  }
  if (!others && known == 1 && names.size() <= 1) {
    const auto& [name, sub] = *properties->get_object().begin();
    if (names.empty() || names[0].get_string() == name) {
      json::object one = typed("object", "properties", json::object{{name, link(negation(&sub))}});
      if (names.empty()) one["required"] = json::array{name};
      out.push_back(std::move(one));
      return;
    }
  }
  out.push_back(typed("object", kSomeMember, link(&schema)));
}

// None holds, or two do.
json::value SchemaDocument::negate_one_of(const json::array& branches) {
  json::array none, out;
  for (size_t i = 0; i < branches.size(); ++i) {
    none.push_back(link(negation(&branches[i])));
    for (size_t j = 0; j < i; ++j)
      out.push_back(json::object{{"allOf", json::array{link(&branches[j]), link(&branches[i])}}});
  }
  out.push_back(json::object{{"allOf", none}});
  return json::object{{"anyOf", out}};
}

void SchemaDocument::negate_keyword(const json::value& schema, std::string_view key,
                                    const json::value& value, json::array& out) {
  const auto bad = [&]() {
    throw Error(ErrorCode::kInvalidArgument, "json schema: '" + std::string(key) + "' at " +
                                                 place(&schema) +
                                                 " is not what JSON Schema has there");
  };
  const auto count = [&] {
    if (!value.is_int64() || value.get_int64() < 0) bad();
    return value.get_int64();
  };
  const auto each = [&](const auto& add) {
    if (!value.is_array()) bad();
    for (const json::value& member : value.get_array()) add(member);
  };
  if (key == "$ref" && value.is_string()) {
    out.push_back(link(negation(resolve(&schema, value.get_string()))));
  } else if (key == "type") {
    json::array others;
    const auto has = [&](std::string_view type) {
      const auto is = [&](const json::value& v) { return v.is_string() && v.get_string() == type; };
      return is(value) || (value.is_array() &&
                           std::any_of(value.get_array().begin(), value.get_array().end(), is));
    };
    for (const std::string_view type : {"null", "boolean", "string", "array", "object"}) {
      if (!has(type)) others.push_back(json::value(type));
    }
    if (!has("number") && !has("integer")) others.push_back("number");
    if (!others.empty()) out.push_back(json::object{{"type", others}});
    if (!has("number") && has("integer")) out.push_back(typed("number", kFraction, true));
  } else if (key == "const") {
    out.push_back(json::object{{kNotEnum, json::array{value}}});
  } else if (key == "enum") {
    out.push_back(json::object{{kNotEnum, value}});
  } else if (key == kNotEnum) {
    out.push_back(json::object{{"enum", value}});
  } else if (key == "items" || key == "prefixItems" || key == "additionalItems") {
    const json::object& object = schema.get_object();
    const json::value *items = object.if_contains("items"),
                      *first = object.if_contains("prefixItems");
    if (items && items->is_array()) first = items;
    if (&value == first) {
      json::array before;
      each([&](const json::value& sub) {
        before.push_back(link(negation(&sub)));
        json::object one = typed("array", "prefixItems", before);
        one["minItems"] = static_cast<int64_t>(before.size());
        out.push_back(std::move(one));
        before.back() = true;
      });
    } else if (key == "items" || (key == "additionalItems" && items == first && items)) {
      const auto from =
          static_cast<int64_t>(first && first->is_array() ? first->get_array().size() : 0);
      out.push_back(typed("array", kSomeItem,
                          json::object{{"from", from}, {"item", link(negation(&value))}}));
    }
  } else if (key == "uniqueItems") {
    if (value.is_bool() && value.get_bool()) out.push_back(typed("array", kRepeats, true));
  } else if (key == "contains") {
    if (schema.get_object().contains("minContains") || schema.get_object().contains("maxContains"))
      refuse(&schema, "contains", "can't be negated with minContains or maxContains");
    out.push_back(typed("array", "items", link(negation(&value))));
  } else if (key == "format") {
    if (!value.is_string()) bad();
    if (!is_known_format(value.get_string())) return check_format(&schema, value.get_string());
    if (!can_negate_format(value.get_string()))
      refuse(
          &schema, key,
          "can't be negated: not every text of '" + std::string(value.get_string()) + "' is known");
    out.push_back(typed("string", kNotFormat, value));
  } else if (key == "multipleOf") {
    out.push_back(typed("number", kNotMultiple, value));
  } else if (key == "oneOf") {
    if (!value.is_array()) bad();
    out.push_back(negate_one_of(value.get_array()));
  } else if (key == "if" || key == "dependencies" || key == "dependentRequired" ||
             key == "dependentSchemas") {
    if (const json::value* all = conditions(&schema)) out.push_back(link(negation(all)));
  } else if (key == "minimum" || key == "exclusiveMinimum" || key == "maximum" ||
             key == "exclusiveMaximum") {
    if (value.is_bool()) return;  // draft 4's, of which the bound speaks
    if (!value.is_number()) bad();
    const bool least = key == "minimum" || key == "exclusiveMinimum";
    for (const SchemaBound& bound : schema_bounds(schema.get_object(), least)) {
      if (bound.number != &value) continue;
      out.push_back(typed("number",
                          least ? (bound.strict ? "maximum" : "exclusiveMaximum")
                                : (bound.strict ? "minimum" : "exclusiveMinimum"),
                          value));
    }
  } else if (key == "minLength" || key == "minItems" || key == "minProperties") {
    static constexpr std::array<std::array<std::string_view, 3>, 3> kOther = {
        {{"minLength", "string", "maxLength"},
         {"minItems", "array", "maxItems"},
         {"minProperties", "object", "maxProperties"}}};
    for (const auto& [name, type, other] : kOther) {
      if (name == key && count() > 0) out.push_back(typed(type, other, count() - 1));
    }
  } else if (key == "maxLength" || key == "maxItems" || key == "maxProperties") {
    static constexpr std::array<std::array<std::string_view, 3>, 3> kOther = {
        {{"maxLength", "string", "minLength"},
         {"maxItems", "array", "minItems"},
         {"maxProperties", "object", "minProperties"}}};
    for (const auto& [name, type, other] : kOther) {
      if (name == key) out.push_back(typed(type, other, count() + 1));
    }
  } else if (key == "pattern") {
    out.push_back(typed("string", kNotPattern, value));
  } else if (key == "allOf") {
    each([&](const json::value& sub) { out.push_back(link(negation(&sub))); });
  } else if (key == "anyOf") {
    json::array all;
    each([&](const json::value& sub) { all.push_back(link(negation(&sub))); });
    out.push_back(json::object{{"allOf", all}});
  } else if (key == "not") {
    out.push_back(link(&value));
  } else {
    // Those of rewritten schemas are never met here: what they are made for is their negation.
    static constexpr std::array<std::string_view, 5> kAsserting = {
        "unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef", "extends"};
    if (std::find(kAsserting.begin(), kAsserting.end(), key) != kAsserting.end())
      refuse(&schema, key,
             "is taken in no schema that has to be negated (inside of 'not', 'if', or a 'oneOf' "
             "whose branches overlap)");
  }
}

std::vector<SchemaBound> schema_bounds(const json::object& schema, bool least) {
  std::vector<SchemaBound> out;
  const json::value* plain = schema.if_contains(least ? "minimum" : "maximum");
  const json::value* strict = schema.if_contains(least ? "exclusiveMinimum" : "exclusiveMaximum");
  if (plain && plain->is_number())
    out.push_back({plain, strict && strict->is_bool() && strict->get_bool()});
  if (strict && strict->is_number()) out.push_back({strict, true});
  return out;
}

}  // namespace vecton::grammar
