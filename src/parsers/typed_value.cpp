#include "parsers/typed_value.h"

#include <cmath>
#include <optional>

#include "base/ascii.h"
#include "base/json_text.h"
#include "parsers/characters.h"
#include "parsers/python_literal.h"

namespace vecton::parsers {

namespace {

constexpr int kMaxAlternatives = 16;  // of anyOf in anyOf

// In the order in which they are tried.
enum Type : unsigned {
  kNull = 1,
  kInteger = 2,
  kNumber = 4,
  kBoolean = 8,
  kObject = 16,
  kArray = 32,
  kString = 64
};

unsigned type_of_word(std::string_view word) {
  constexpr struct {
    std::string_view word;
    unsigned type;
  } kWords[] = {
      {"null", kNull},      {"none", kNull},       {"nonetype", kNull}, {"integer", kInteger},
      {"int", kInteger},    {"long", kInteger},    {"number", kNumber}, {"float", kNumber},
      {"double", kNumber},  {"boolean", kBoolean}, {"bool", kBoolean},  {"object", kObject},
      {"dict", kObject},    {"array", kArray},     {"list", kArray},    {"tuple", kArray},
      {"string", kString},  {"str", kString},      {"text", kString},   {"enum", kString},
      {"varchar", kString},
  };
  for (const auto& entry : kWords) {
    if (entry.word == word) return entry.type;
  }
  return 0;
}

unsigned type_of_value(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return kNull;
    case json::kind::bool_:
      return kBoolean;
    case json::kind::int64:
    case json::kind::uint64:
      return kInteger;
    case json::kind::double_:
      return kNumber;
    case json::kind::string:
      return kString;
    case json::kind::array:
      return kArray;
    case json::kind::object:
      return kObject;
  }
  return 0;
}

// The types that a schema allows; 0 when it does not say.
unsigned types_of(const json::object* schema, int depth = 0) {
  if (!schema || depth > kMaxAlternatives) return 0;
  unsigned types = 0;
  if (const json::value* type = schema->if_contains("type")) {
    if (type->is_string()) types |= type_of_word(type->get_string());
    if (type->is_array()) {
      for (const json::value& one : type->get_array()) {
        if (one.is_string()) types |= type_of_word(one.get_string());
      }
    }
    return types;
  }
  if (const json::value* values = schema->if_contains("enum"); values && values->is_array()) {
    for (const json::value& value : values->get_array()) types |= type_of_value(value);
    return types;
  }
  if (const json::value* value = schema->if_contains("const")) return type_of_value(*value);
  for (const char* key : {"anyOf", "oneOf"}) {
    const json::value* list = schema->if_contains(key);
    if (!list || !list->is_array()) continue;
    for (const json::value& one : list->get_array()) {
      const unsigned type = types_of(one.if_object(), depth + 1);
      if (type == 0) return 0;
      types |= type;
    }
  }
  return types;
}

std::optional<json::value> parsed(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error) return {};
  return value;
}

std::string quoted(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

std::optional<std::string> number(std::string_view text, bool whole) {
  const std::optional<json::value> value = parsed(text);
  if (!value || !value->is_number()) return {};
  if (!value->is_double()) return std::string(text);
  const double real = value->get_double();
  if (!std::isfinite(real)) return {};
  if (!whole) return std::string(text);
  if (std::trunc(real) != real || std::abs(real) > 9e15) return {};
  return std::to_string(static_cast<long long>(real));
}

// An object or a list, as JSON or as Python writes it.
std::optional<std::string> container(std::string_view text, char open) {
  if (!text.starts_with(open)) return {};
  if (parsed(text)) return std::string(text);
  return json_of_python(text);
}

}  // namespace

std::string typed_value(std::string_view text, const json::object* schema) {
  const std::string_view word = trimmed(text);
  const unsigned types = types_of(schema);
  if (types == 0) return parsed(word) ? std::string(word) : quoted(text);
  const std::string small = word.size() <= 5 ? base::ascii_lower(word) : "";
  if (types & kNull && (small == "null" || small == "none")) return "null";
  std::optional<std::string> found;
  if (types & kInteger) found = number(word, true);
  if (!found && types & kNumber) found = number(word, false);
  if (!found && types & kBoolean) {
    if (small == "true" || small == "1") found = "true";
    if (small == "false" || small == "0") found = "false";
  }
  if (!found && types & kObject) found = container(word, '{');
  if (!found && types & kArray) found = container(word, '[');
  return found ? *found : quoted(text);
}

bool is_string_only(const json::object* schema) { return types_of(schema) == kString; }

}  // namespace vecton::parsers
