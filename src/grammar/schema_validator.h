// Whether a value satisfies a schema: which values of an enum are left, and whether two schemas can
// hold at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/expression.h"
#include "grammar/json_text.h"
#include "grammar/schema_document.h"

namespace vecton::grammar {

class SchemaValidator {
 public:
  // `pool` is where patterns are compiled.
  SchemaValidator(SchemaDocument& document, ExpressionPool& pool)
      : document_(document), pool_(pool), text_(pool, {.compact = true}) {}

  bool holds(const json::value& value, const json::value* schema) {
    return holds(value, schema, 0);
  }
  // True where surely no value satisfies both.
  bool disjoint(const json::value* first, const json::value* second) {
    return disjoint(first, second, 0);
  }
  bool matches(const json::value* schema, std::string_view pattern, std::string_view text);
  // A schema with all that $ref and allOf add to it.
  const std::vector<const json::value*>& parts(const json::value* schema);

 private:
  bool holds(const json::value& value, const json::value* schema, int depth);
  // What one of the schema's keywords says of values of any type.
  bool keyword_holds(const json::value& value, const json::value* schema, std::string_view key,
                     const json::value& what, int depth);
  bool holds_for_string(std::string_view text, const json::value* schema);
  bool holds_for_array(const json::array& array, const json::value* schema, int depth);
  bool holds_for_object(const json::object& object, const json::value* schema, int depth);
  bool holds_for_members(const json::object& object, const json::value* schema, int depth);
  bool disjoint(const json::value* first, const json::value* second, int depth);

  // A schema and its parts().
  struct Side {
    const json::value* schema;
    const std::vector<const json::value*>& parts;
  };
  // Where the side lists its values, or schemas that they satisfy: whether `other` excludes all.
  // Nothing where that doesn't decide it.
  std::optional<bool> values_disjoint(const Side& side, const json::value* other, int depth);
  // Whether numbers have to be above one bound and below a lesser one.
  static bool bounds_disjoint(const Side& above, const Side& below);
  bool items_disjoint(const Side& first, const Side& second, int depth);
  // Whether a member that the side requires can't be one of the other's.
  bool members_disjoint(const Side& side, const Side& other, int depth);
  bool member_disjoint(std::string_view name, const Side& side, const Side& other, int depth);

  SchemaDocument& document_;
  ExpressionPool& pool_;
  JsonText text_;
  std::unordered_map<std::string, Expr> patterns_;
  std::unordered_map<const json::value*, std::vector<const json::value*>> parts_;
  size_t steps_ = 0;
};

// The types that a schema's `type` takes, a bit each; kAllTypes without one.
enum SchemaType : unsigned {
  kNull = 1,
  kBoolean = 2,
  kString = 4,
  kArray = 8,
  kObject = 16,
  kFractions = 32,
  kIntegers = 64
};
constexpr unsigned kNumbers = kFractions | kIntegers, kAllTypes = 127;
unsigned schema_types(const SchemaDocument& document, const json::value* schema);
bool json_equal(const json::value& x, const json::value& y);

}  // namespace vecton::grammar
