// SchemaDocument: a JSON schema, its references, and the schemas that others are rewritten to.
//
// Belongs to one compilation.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"

namespace vecton::grammar {

// Keywords of rewritten schemas alone. No schema of a request may have such keys.
constexpr std::string_view kLink = "\x01link";              // the schema with this number
constexpr std::string_view kNotEnum = "\x01notEnum";        // none of these values
constexpr std::string_view kNotPattern = "\x01notPattern";  // no match of this pattern
constexpr std::string_view kFraction =
    "\x01"
    "fraction";  // a number that is no integer

constexpr std::string_view kNotFormat = "\x01notFormat";      // no text of this format
constexpr std::string_view kNotMultiple = "\x01notMultiple";  // a number that is no multiple
// Of an array: from the item number "from" on, one satisfies "item".
constexpr std::string_view kRepeats = "\x01repeats";  // of an array: two items are equal
constexpr std::string_view kSomeItem = "\x01someItem";
// Of an object: a member is not as this schema says, by properties, patternProperties,
// additionalProperties and propertyNames, or one is missing that is required.
constexpr std::string_view kSomeMember = "\x01someMember";

class SchemaDocument {
 public:
  // Refuses what is nested too deep.
  explicit SchemaDocument(json::value schema);

  const json::value* root() const { return &root_; }
  // The schema itself, or what a link stands for.
  const json::value* follow(const json::value* schema) const;
  // The schema of a "$ref". Others than of the same document are refused.
  const json::value* resolve(const json::value* schema, std::string_view reference) const;
  // What holds exactly where `schema` does not. kUnsupported where that can't be written.
  const json::value* negation(const json::value* schema);
  // What `schema` was made as the negation of; nullptr for others.
  const json::value* negated(const json::value* schema) const;
  // if/then/else, and what is asked where a property is there, as anyOf; nullptr without them.
  const json::value* conditions(const json::value* schema);

  // "#/properties/a": where the schema stands in the request's document.
  std::string place(const json::value* schema) const;
  [[noreturn]] void refuse(const json::value* schema, std::string_view keyword,
                           const std::string& why) const;
  // Refuses a `format` that may not be read as an annotation.
  void check_format(const json::value* schema, std::string_view name) const;

 private:
  class Negation;
  struct Parent {
    const json::value* of = nullptr;
    std::string_view key;  // of an object
    size_t item = 0;       // of an array
  };

  void find_parents(const json::value& of) const;
  json::object link(const json::value* schema);
  json::value negate(const json::value& schema);

  json::value root_;
  std::deque<json::value> made_;
  std::vector<const json::value*> linked_;
  std::unordered_map<const json::value*, const json::value*> negations_, negated_, conditions_;
  std::unordered_map<const json::value*, const json::value*> made_for_;
  mutable std::unordered_map<const json::value*, Parent> parents_;  // of root_, once asked for
};

// Where a number has to lie, by minimum, exclusiveMaximum and so on, in the words of any draft.
struct SchemaBound {
  const json::value* number = nullptr;
  bool strict = false;
};
std::vector<SchemaBound> schema_bounds(const json::object& schema, bool least);

}  // namespace vecton::grammar
