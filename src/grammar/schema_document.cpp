#include "grammar/schema_document.h"

#include <algorithm>
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
