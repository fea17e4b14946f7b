// SchemaCompiler: sets of schemas that all have to hold of a value, to symbols of a grammar. Used
// by json_schema.cpp and the files of its types alone; belongs to one compilation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grammar/array_rule.h"
#include "grammar/json_text.h"
#include "grammar/schema_validator.h"

namespace vecton::grammar {

class SchemaCompiler {
 public:
  SchemaCompiler(Grammar& grammar, SchemaDocument& document, const JsonOptions& options)
      : grammar_(grammar),
        document_(document),
        options_(options),
        text_(grammar.pool, options),
        validator_(document, grammar.pool) {}

  Symbol compile_root();

 private:
  // A schema, and which of its keywords others stand for already.
  struct Part {
    const json::value* schema;
    unsigned done = 0;
    auto operator<=>(const Part&) const = default;
  };
  enum Done : unsigned { kAnyOf = 1, kOneOf = 2, kMerged = 4 };
  // In the order in which they were found.
  using Parts = std::vector<Part>;
  struct PartsHash {
    size_t operator()(const Parts& parts) const {
      size_t hash = parts.size();
      for (const Part& part : parts)
        hash = (hash ^ std::hash<const void*>()(part.schema) ^ part.done) * 0x9E3779B97F4A7C15u;
      return hash ^ hash >> 32;
    }
  };

  struct Known {
    Symbol symbol{};
    bool ready = false;
    int32_t rule = -1;  // where it was asked for before it was ready
  };

  Symbol compile_whole(Parts parts);
  Symbol compile(Parts parts);
  // What the parts come to; nullptr where nothing satisfies them.
  Known* known(Parts parts);
  // anyOf or oneOf of a part, with the branches that may hold.
  struct Choice {
    size_t part;
    bool one;
    std::vector<size_t> branches, rivals;  // rivals: of oneOf, what must not hold beside a branch
  };
  // Parts, and the choice among them that leaves least.
  struct Decided {
    Parts parts;
    std::optional<Choice> smallest{};
    size_t choices = 0;
  };
  Symbol compile_now(const Decided& decided);
  void define(Known& known, const Decided& decided);
  // Adds what $ref, allOf, if and their kin say. False where nothing satisfies them.
  bool expand(Parts& parts);
  bool is_same(const json::value* first, const json::value* second);
  // Whether no other part stands for something that this one says.
  bool is_alone(const json::value* schema);
  // Whether other parts stand for all that it says.
  bool is_done(const Part& part) const;
  // Leaves out what others say already. False where two exclude each other.
  bool simplify(Parts& parts);
  Symbol values(const Parts& parts, const json::array& candidates);
  Symbol string(const Parts& parts);
  Symbol number(const Parts& parts, bool integer);

  // schema_choices.cpp
  // What is known of members that objects have to have, or of which few values are left.
  struct Member {
    bool required = false, forbidden = false;
    Parts value;
    bool known = false;  // candidates are all values that it may have
    std::vector<const json::value*> candidates;
  };
  using Facts = std::unordered_map<std::string_view, Member>;
  enum class Decision { kNone, kTaken, kImpossible };
  // Takes the branches of choices that leave no other; else finds the smallest choice.
  Decision decide(Decided& decided);
  Choice choice(const Parts& parts, size_t at, bool one, const Facts* facts);
  void take(Parts& parts, const Choice& choice, size_t branch);
  Symbol branches(const Parts& parts, const Choice& choice);
  Symbol objects_apart(const Parts& parts);
  // Nothing where a member that has to be there can have no value.
  std::optional<Facts> facts(const Parts& parts);
  // Whether surely no object of which the facts hold satisfies the schema.
  bool contradicts(const json::value* schema, const Facts& facts, int depth);
  // Names that a schema requires, and those of which it lists the values.
  struct Told {
    std::vector<std::string_view> required, enumerated;
  };
  const Told& told(const json::value* schema);
  bool disjoint(const json::value* first, const json::value* second);
  bool satisfies(const json::value& value, const json::value* schema);
  // The branches of a list that can't hold where `other` does.
  const std::vector<size_t>& excluded(const json::array& branches, const json::value* other);
  bool may_compare(size_t times);

  // schema_arrays.cpp
  // What the parts say of an array.
  struct Items {
    struct Lists {
      const json::array* first;  // nullptr = none has a schema of its own
      const json::value* others;
    };
    std::vector<Lists> lists;  // of each part
    size_t prefix = 0;         // items with a schema of their own
    int64_t least = 0, most = kUnbounded;
    // An item that has to be there.
    struct Some {
      int64_t from;
      const json::value* schema;  // nullptr: it is equal to one before it
    };
    std::vector<Some> some;
    const Part *unique = nullptr, *repeats = nullptr;  // which of the parts says so
  };
  Symbol array(const Parts& parts);
  void add_items(const Part& part, Items& items);
  void add_demands(const Part& part, Items& items);
  Parts value_at(const Items& items, size_t index) const;
  void check_unique(const Items& items);
  void connect_all(const Items& items, Symbol others, ArrayRule& rule);
  // Where items have to be there: Items::some.
  void connect_some(const Parts& parts, const Items& items, ArrayRule& rule);
  // The item of a number that those of Items::some are whose bits are `found`.
  Symbol value_with(const Items& items, int64_t index, unsigned found);
  static bool repeats(const Items& items, unsigned found);
  // Whether it was seen that so many different values satisfy the parts.
  bool has_values(const Parts& parts, int64_t number);

  // schema_objects.cpp
  struct Members {
    struct Named {
      std::string name;
      bool required;
      Parts value;
    };
    struct Others {
      Expr name;  // in quotes
      Parts value;
    };
    std::vector<Named> named;
    int64_t least = 0, most = kUnbounded;
    std::vector<Others> others;
    // Of a schema that does not hold (kSomeMember): a member is otherwise than it says.
    struct Otherwise {
      const json::value* schema;
      struct Kind {
        Expr name;                 // in quotes
        const json::value* value;  // does not hold of it; nullptr: any value
        bool all = false;          // of the names that are spoken of, it has all
      };
      std::vector<Kind> kinds;
    };
    std::vector<Otherwise> otherwise;

    void add(std::string_view name, bool required);
  };
  // Of patternProperties.
  struct NamePattern {
    const json::value* schema;
    size_t part;
    Expr matches, others;  // the names, in quotes
  };
  // Names that match some patterns, and no others.
  struct NameSet {
    Expr name;
    std::vector<size_t> matched;
  };
  // What a member can be, and which of Members::otherwise it stands for, a bit each: surely, or
  // because it is held to that.
  struct Meant {
    uint64_t sure, found;
    Expr name;
    Symbol value;
  };
  Symbol object(const Parts& parts);
  bool name_is_taken(const Parts& parts, std::string_view name);
  Parts value_of(const Parts& parts, std::string_view name);
  Expr names_of_pattern(const Part& part, std::string_view pattern);
  // Names of properties of which `names` holds.
  Expr property_names(const Part& part, const json::value* names);
  void add_required(const Part& part, Members& members);
  void limit_members(const Part& part, Members& members);
  // Names of a schema that does not hold: what it says of them is to be otherwise.
  void name_otherwise(const Part& part, Members& members);
  void add_patterns(const Parts& parts, size_t at, std::vector<NamePattern>& patterns);
  // Every set of patterns that one of the names can match at once.
  std::vector<NameSet> name_sets(const Parts& parts, const std::vector<NamePattern>& patterns,
                                 Expr names);
  // Nothing where no member may have such a name.
  std::optional<Parts> value_of_others(const Parts& parts, const std::vector<NamePattern>& patterns,
                                       const std::vector<size_t>& matched);
  void add_others(const Parts& parts, Members& members);
  void add_otherwise(const Parts& parts, Members& members);
  // With the values of a name, or of the names that are not listed.
  std::vector<Meant> meanings(const Members& members, Expr name, const Parts& value,
                              const std::string* known);
  // What a name that is listed is to a schema that does not hold.
  std::vector<Members::Otherwise::Kind> kinds_of(const Members::Otherwise& otherwise, Expr name,
                                                 const std::string& known);
  // Whether a value of these parts surely does not satisfy the schema.
  bool excludes(const Parts& parts, const json::value* schema);
  bool says(const Parts& parts, const json::value* schema) const;
  // Which of Members::otherwise an object without the member stands for, a bit each.
  uint64_t otherwise_without(const Members& members, std::string_view name) const;
  Symbol object_of(const Members& members);

  const json::value* find(const Part& part, std::string_view key) const {
    const json::object* object = part.schema->if_object();
    return object ? object->if_contains(key) : nullptr;
  }
  // A keyword whose value is a number of things.
  int64_t count(const Part& part, std::string_view key, int64_t otherwise) const;
  [[noreturn]] void wrong(const Part& part, std::string_view key, const std::string& wanted) const;
  void add_value_parts(const json::value* schema, Parts& parts) const;

  Grammar& grammar_;
  SchemaDocument& document_;
  const JsonOptions& options_;
  JsonText text_;
  SchemaValidator validator_;
  std::unordered_map<Parts, Known, PartsHash> known_;   // by what is left of the parts, sorted
  std::unordered_map<Parts, Known*, PartsHash> asked_;  // by the parts
  struct PairHash {
    size_t operator()(const std::pair<const void*, const void*>& pair) const {
      return std::hash<const void*>()(pair.first) * 31 + std::hash<const void*>()(pair.second);
    }
  };
  std::unordered_map<std::pair<const void*, const void*>, bool, PairHash> disjoint_, same_,
      satisfies_;
  std::unordered_map<std::pair<const void*, const void*>, std::vector<size_t>, PairHash> excluded_;
  std::unordered_map<const void*, Told> told_;
  std::unordered_map<const void*, bool> alone_;
  size_t comparisons_ = 0;  // of schemas with others
  std::vector<std::pair<Known*, Decided>> later_;
  int depth_ = 0;
  bool counts_values_ = true;
};

}  // namespace vecton::grammar
