#include "grammar/json_schema.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/json.h"
#include "grammar/limits.h"
#include "grammar/schema_compiler.h"
#include "vecton/error.h"

namespace vecton::grammar {

void SchemaCompiler::wrong(const Part& part, std::string_view key,
                           const std::string& wanted) const {
  throw Error(ErrorCode::kInvalidArgument, "json schema: '" + std::string(key) + "' at " +
                                               document_.place(part.schema) + " has to be " +
                                               wanted);
}

int64_t SchemaCompiler::count(const Part& part, std::string_view key, int64_t otherwise) const {
  const json::value* value = find(part, key);
  if (!value) return otherwise;
  // 3.0 is a number of things as well.
  if (value->is_double() && value->get_double() >= 0 && value->get_double() < 1e15 &&
      value->get_double() == static_cast<double>(static_cast<int64_t>(value->get_double())))
    return static_cast<int64_t>(value->get_double());
  if (value->is_uint64()) return INT64_MAX / 4;
  if (!value->is_int64() || value->get_int64() < 0) wrong(part, key, "a whole number from 0");
  return std::min(value->get_int64(), INT64_MAX / 4);
}

void SchemaCompiler::add_value_parts(const json::value* schema, Parts& parts) const {
  parts.push_back({document_.follow(schema), 0});
}

Symbol SchemaCompiler::compile_root() { return compile_whole({{document_.root(), 0}}); }

Symbol SchemaCompiler::compile_whole(Parts whole) {
  if (!grammar_.pool.nullable(text_.space())) grammar_.space_is_optional = false;
  const Symbol root = compile(std::move(whole));
  while (!later_.empty()) {
    const auto [known, decided] = std::move(later_.back());
    later_.pop_back();
    define(*known, decided);
  }
  return root;
}

bool SchemaCompiler::expand(Parts& parts) {
  for (size_t at = 0; at < parts.size(); ++at) {
    const Part part = parts[at];
    if (part.schema->is_bool()) {
      if (!part.schema->get_bool()) return false;
      continue;
    }
    if (!part.schema->is_object())
      throw Error(ErrorCode::kInvalidArgument, "json schema: a schema at " +
                                                   document_.place(part.schema) +
                                                   " is neither an object nor true or false");
    if (part.done & kMerged) continue;
    parts[at].done |= kMerged;
    const auto add = [&](const json::value* schema) {
      schema = document_.follow(schema);
      if (std::none_of(parts.begin(), parts.end(),
                       [&](const Part& p) { return p.schema == schema; }))
        parts.push_back({schema, 0});
    };
    if (const json::value* ref = find(part, "$ref")) {
      if (!ref->is_string()) wrong(part, "$ref", "a string");
      add(document_.resolve(part.schema, ref->get_string()));
    }
    if (const json::value* all = find(part, "allOf")) {
      if (!all->is_array()) wrong(part, "allOf", "a list of schemas");
      for (const json::value& schema : all->get_array()) add(&schema);
    }
    if (const json::value* other = find(part, "not")) add(document_.negation(other));
    if (const json::value* conditions = document_.conditions(part.schema)) add(conditions);
    for (const char* keyword : {"unevaluatedItems", "unevaluatedProperties", "$dynamicRef",
                                "$recursiveRef", "extends", "disallow"}) {
      const json::value* value = find(part, keyword);
      if (value && !(value->is_bool() && value->get_bool()))
        document_.refuse(part.schema, keyword, "is not taken");
    }
  }
  std::erase_if(parts, [](const Part& part) { return part.schema->is_bool(); });
  return true;
}

Symbol SchemaCompiler::compile(Parts parts) {
  for (Part& part : parts) part.schema = document_.follow(part.schema);
  Known* known = nullptr;
  if (const auto it = asked_.find(parts); it != asked_.end()) {
    known = it->second;
  } else {
    known = this->known(std::move(parts));
  }
  if (!known) return Symbol();
  if (known->ready) return known->symbol;
  if (known->rule < 0) known->rule = grammar_.add_rule("");
  return Symbol::rule(known->rule);
}

SchemaCompiler::Known* SchemaCompiler::known(Parts parts) {
  Known*& asked = asked_[parts];
  Decided decided{std::move(parts)};
  for (Decision decision = Decision::kTaken; decision == Decision::kTaken;) {
    if (!expand(decided.parts) || !simplify(decided.parts)) return nullptr;
    decision = decide(decided);
    if (decision == Decision::kImpossible) return nullptr;
  }
  Parts key = decided.parts;
  std::sort(key.begin(), key.end());
  key.erase(std::unique(key.begin(), key.end()), key.end());
  const auto [it, added] = known_.try_emplace(std::move(key));
  Known* const known = asked = &it->second;
  if (!added) return known;
  if (known_.size() > kMaxSchemas)
    throw Error(ErrorCode::kInvalidArgument, "json schema: its schemas combine in more than " +
                                                 std::to_string(kMaxSchemas) + " ways");
  constexpr int kDeep = 60;
  if (depth_ > kDeep) {  // when the stack is free again
    later_.emplace_back(known, std::move(decided));
  } else {
    define(*known, decided);
  }
  return known;
}

void SchemaCompiler::define(Known& known, const Decided& decided) {
  ++depth_;
  const Symbol symbol = compile_now(decided);
  --depth_;
  known.ready = true;
  known.symbol = symbol;
  if (known.rule >= 0) grammar_.define(known.rule, symbol);
}

bool SchemaCompiler::is_same(const json::value* first, const json::value* second) {
  if (first == second) return true;
  const auto [it, added] = same_.try_emplace({first, second}, false);
  if (added) it->second = *first == *second;
  return it->second;
}

bool SchemaCompiler::is_alone(const json::value* schema) {
  static constexpr std::array<std::string_view, 9> kInPlace = {"$ref",
                                                               "allOf",
                                                               "anyOf",
                                                               "oneOf",
                                                               "not",
                                                               "if",
                                                               "dependencies",
                                                               "dependentRequired",
                                                               "dependentSchemas"};
  const auto [it, added] = alone_.try_emplace(schema, false);
  if (added)
    it->second = std::none_of(kInPlace.begin(), kInPlace.end(),
                              [&](std::string_view key) { return find({schema}, key); });
  return it->second;
}

bool SchemaCompiler::is_done(const Part& part) const {
  static constexpr std::array<std::string_view, 15> kMergedKeys = {"$ref",
                                                                   "allOf",
                                                                   "not",
                                                                   "if",
                                                                   "then",
                                                                   "else",
                                                                   "dependencies",
                                                                   "dependentRequired",
                                                                   "dependentSchemas",
                                                                   "title",
                                                                   "description",
                                                                   "default",
                                                                   "examples",
                                                                   "definitions",
                                                                   "$defs"};
  const json::object& object = part.schema->get_object();
  return std::all_of(object.begin(), object.end(), [&](const auto& member) {
    const std::string_view key = member.key();
    return (key == "anyOf" && (part.done & kAnyOf)) || (key == "oneOf" && (part.done & kOneOf)) ||
           std::find(kMergedKeys.begin(), kMergedKeys.end(), key) != kMergedKeys.end();
  });
}

bool SchemaCompiler::simplify(Parts& parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const json::value* negated = document_.negated(parts[i].schema);
    if (!negated) continue;
    bool said = false;
    for (size_t j = 0; j < parts.size() && !said; ++j) {
      if (is_same(parts[j].schema, negated)) return false;
      said = j != i && is_alone(parts[j].schema) && may_compare(1) &&
             disjoint(negated, parts[j].schema);
    }
    if (said) parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i--));
  }
  std::erase_if(parts, [&](const Part& part) { return is_done(part); });
  return true;
}

Symbol SchemaCompiler::compile_now(const Decided& decided) {
  const Parts& parts = decided.parts;
  const json::array* candidates = nullptr;
  json::array single;
  for (const Part& part : parts) {
    if (const json::value* value = find(part, "const")) {
      single.push_back(*value);
      return values(parts, single);
    }
    if (const json::value* list = find(part, "enum")) {
      if (!list->is_array()) wrong(part, "enum", "a list of values");
      if (!candidates || list->get_array().size() < candidates->size())
        candidates = &list->get_array();
    }
  }
  if (candidates) return values(parts, *candidates);
  unsigned types = kAllTypes;
  for (const Part& part : parts) types &= schema_types(document_, part.schema);
  if (types == 0) return Symbol();
  // With few choices there is little that members decide.
  constexpr size_t kFewChoices = 2;
  if (decided.smallest && decided.choices > kFewChoices && types & kObject && types != kObject)
    return objects_apart(parts);
  if (decided.smallest) return branches(parts, *decided.smallest);
  for (const Part& part : parts) {
    const json::value* excluded = find(part, kNotEnum);
    if (!excluded) continue;
    if (!excluded->is_array()) wrong(part, "enum", "a list of values");
    for (const json::value& value : excluded->get_array()) {
      if (value.is_null()) types &= ~unsigned{kNull};
      if ((value.is_object() && (types & kObject)) || (value.is_array() && (types & kArray)))
        document_.refuse(part.schema, "not", "can't exclude an object or an array");
    }
  }
  std::vector<Symbol> symbols;
  if (types & kObject) symbols.push_back(object(parts));
  if (types & kArray) symbols.push_back(array(parts));
  if (types & kString) symbols.push_back(string(parts));
  if (types & kNumbers) symbols.push_back(number(parts, (types & kFractions) == 0));
  if (types & kBoolean) {
    for (const bool value : {true, false}) {
      const bool taken = std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
        const json::value* excluded = find(part, kNotEnum);
        return !excluded || std::none_of(excluded->get_array().begin(), excluded->get_array().end(),
                                         [&](const json::value& v) { return v == value; });
      });
      if (taken) symbols.push_back(Symbol::terminal(text_.value(value)));
    }
  }
  if (types & kNull) symbols.push_back(Symbol::terminal(text_.value(nullptr)));
  return grammar_.any_of(symbols);
}

Symbol SchemaCompiler::values(const Parts& parts, const json::array& candidates) {
  std::vector<Expr> texts;
  std::vector<std::string_view> strings;
  for (const json::value& value : candidates) {
    const bool good = std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
      return validator_.holds(value, part.schema);
    });
    if (!good) continue;
    if (value.is_string()) {
      strings.emplace_back(value.get_string());
    } else {
      texts.push_back(text_.value(value));
    }
  }
  if (!strings.empty()) texts.push_back(text_.quoted(text_.any_literal(strings)));
  return Symbol::terminal(grammar_.pool.any_of(std::move(texts)));
}

Symbol SchemaCompiler::string(const Parts& parts) {
  ExpressionPool& pool = grammar_.pool;
  std::vector<Expr> all;
  int64_t least = 0, most = kUnbounded;
  for (const Part& part : parts) {
    const auto pattern = [&](const json::value& value, std::string_view keyword) {
      if (!value.is_string()) wrong(part, keyword, "a string");
      return text_.pattern(value.get_string(), [&] {
        return "json schema: '" + std::string(keyword) + "' at " + document_.place(part.schema);
      });
    };
    if (const json::value* value = find(part, "pattern")) all.push_back(pattern(*value, "pattern"));
    if (const json::value* value = find(part, kNotPattern)) {
      all.push_back(pool.complement(pattern(*value, "pattern")));
      all.push_back(text_.any_characters(Spelling::kJson));
    }
    if (const json::value* value = find(part, "format")) {
      if (!value->is_string()) wrong(part, "format", "a string");
      const std::optional<Expr> format = text_.format(value->get_string(), Spelling::kJson);
      if (format) {
        all.push_back(*format);
      } else {
        document_.check_format(part.schema, value->get_string());
      }
    }
    if (const json::value* value = find(part, kNotFormat)) {
      all.push_back(text_.other_format(value->get_string(), Spelling::kJson));
    }
    if (const json::value* excluded = find(part, kNotEnum)) {
      std::vector<std::string_view> texts;
      for (const json::value& value : excluded->get_array()) {
        if (value.is_string()) texts.emplace_back(value.get_string());
      }
      if (!texts.empty()) {
        all.push_back(pool.complement(text_.any_literal(texts)));
        all.push_back(text_.any_characters(Spelling::kJson));
      }
    }
    least = std::max(least, count(part, "minLength", 0));
    const int64_t limit = count(part, "maxLength", kUnbounded);
    if (limit != kUnbounded) most = most == kUnbounded ? limit : std::min(most, limit);
  }
  if (least == 1 && !all.empty()) {  // what is not empty has a character
    all.push_back(pool.complement(kEmptyText));
    least = 0;
  }
  if (least > 0 || most != kUnbounded) {
    const Spelling spelling = all.empty() ? Spelling::kJsonEscapes : Spelling::kJson;
    all.push_back(pool.repeat(characters(pool, CharacterSet::any(), spelling), least, most));
  }
  if (all.empty()) return Symbol::terminal(text_.string());
  return Symbol::terminal(text_.quoted(pool.all_of(std::move(all))));
}

Symbol SchemaCompiler::number(const Parts& parts, bool integer) {
  // The tightest of bounds is the one that all texts are within: each is held on its own.
  ExpressionPool& pool = grammar_.pool;
  std::vector<Expr> all;
  NumberBounds plain;
  plain.integer = integer;
  all.push_back(text_.number(plain));
  for (const Part& part : parts) {
    for (const char* keyword :
         {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}) {
      const json::value* value = find(part, keyword);
      if (value && !value->is_number() && !value->is_bool()) wrong(part, keyword, "a number");
    }
    for (const bool least : {true, false}) {
      for (const SchemaBound& bound : schema_bounds(part.schema->get_object(), least)) {
        NumberBounds bounds = plain;
        (least ? bounds.least : bounds.most) =
            NumberBounds::Bound{decimal_of(*bound.number), bound.strict};
        all.push_back(text_.number(bounds));
      }
    }
    NumberBounds bounds = plain;
    if (const json::value* divisor = find(part, "multipleOf")) {
      if (!divisor->is_number() || divisor->to_number<double>() <= 0)
        wrong(part, "multipleOf", "a number above 0");
      bounds.divisors.push_back(decimal_of(*divisor));
    }
    if (const json::value* divisor = find(part, kNotMultiple)) {
      if (!divisor->is_number() || divisor->to_number<double>() <= 0)
        wrong(part, "multipleOf", "a number above 0");
      bounds.others.push_back(decimal_of(*divisor));
    }
    if (const json::value* excluded = find(part, kNotEnum)) {
      for (const json::value& value : excluded->get_array()) {
        if (value.is_number()) bounds.excluded.push_back(decimal_of(value));
      }
    }
    bounds.fraction = find(part, kFraction) != nullptr;
    if (!bounds.divisors.empty() || !bounds.others.empty() || !bounds.excluded.empty() ||
        bounds.fraction) {
      try {
        all.push_back(text_.number(bounds));
      } catch (const Error& error) {
        document_.refuse(part.schema, "multipleOf", std::string("is not taken: ") + error.what());
      }
    }
  }
  return Symbol::terminal(pool.all_of(std::move(all)));
}

Symbol parsed_json_schema(Grammar& grammar, json::value schema, const JsonOptions& options) {
  SchemaDocument document(std::move(schema));
  return SchemaCompiler(grammar, document, options).compile_root();
}

Symbol json_schema(Grammar& grammar, std::string_view schema, const JsonOptions& options) {
  if (schema.size() > kMaxTextBytes)
    throw Error(ErrorCode::kInvalidArgument, "json schema: it is longer than 1 MiB");
  json::value parsed;
  try {
    parsed = base::parse_json(schema, "json schema");
  } catch (const Error& error) {  // it is a request's, no file's that is damaged
    throw Error(ErrorCode::kInvalidArgument, error.what());
  }
  return parsed_json_schema(grammar, std::move(parsed), options);
}

Symbol json_object(Grammar& grammar, const JsonOptions& options) {
  return parsed_json_schema(grammar, json::object{{"type", "object"}}, options);
}

}  // namespace vecton::grammar
