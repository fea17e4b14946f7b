// The parsed form of a chat template: what parser.cpp makes, scopes.cpp completes and the
// interpreter walks. Immutable afterwards and shared by threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chat/operators.h"
#include "chat/value.h"

namespace vecton::chat {

// Where a variable lives: slot `index` of the activation `hops` functions further out. A name that
// no statement sets anywhere in its functions has no slot and is looked up in the context.
struct Slot {
  int hops = 0, index = -1;
};

struct Expression;

struct Argument {
  enum class Kind : uint8_t { kPositional, kNamed, kList, kDict };
  Kind kind = Kind::kPositional;
  std::string name;
  Expression* value = nullptr;
};

struct Expression {
  enum class Kind : uint8_t {
    kConstant,
    kName,
    kTuple,
    kList,
    kDict,        // items: key, value, key, value ...
    kArithmetic,  // ops[0]; two items
    kNegative,
    kPositive,
    kNot,
    kAnd,
    kOr,
    kCompare,  // items[0] ops[0] items[1] ops[1] items[2] ...
    kConcat,
    kAttribute,    // items[0].text
    kItem,         // items[0][items[1]]
    kSlice,        // items: start, stop, step, each null where it is not given
    kCall,         // items[0](arguments)
    kFilter,       // items[0] | text(arguments); items[0] is null in a filter block
    kTest,         // items[0] is text(arguments)
    kConditional,  // items: then, condition, otherwise or null
    kMember,       // target of {% set name.attribute %}: items[0] is the name
  };

  Kind kind = Kind::kConstant;
  int line = 0;
  int height = 1;  // of the tree below
  std::string text;
  Value value;
  std::vector<Operator> ops;
  std::vector<Expression*> items;
  std::vector<Argument> arguments;
  Slot slot;
};

struct Statement;
using Body = std::vector<Statement*>;

// What happens where a scope is entered: each name that is set or read there gets its first value.
struct Load {
  enum class Source : uint8_t { kNothing, kContext, kOuter };
  int index = 0;  // the slot in the activation of the scope
  Source source = Source::kNothing;
  std::string name;
  Slot outer;
};

struct Scope {
  std::vector<Load> loads;
};

// Statements that run with slots of their own: the template, macros, recursive loops, blocks.
struct Function {
  int slots = 0;
};

struct Signature {
  std::vector<std::string> names;
  std::vector<Slot> slots;            // of the parameters
  std::vector<Expression*> defaults;  // of the last parameters
  bool takes_caller = false, takes_kwargs = false, takes_varargs = false;
  bool explicit_caller = false;  // `caller` is among the names
  Slot caller, kwargs, varargs;
};

struct Statement {
  enum class Kind : uint8_t {
    kText,
    kOutput,
    kIf,
    kFor,
    kSet,
    kSetBlock,
    kMacro,
    kCall,
    kFilter,
    kWith,
    kBlock,
    kBreak,
    kContinue,
  };

  Kind kind = Kind::kText;
  int line = 0;
  int height = 1;
  std::string text;                      // kText; the name of kMacro and kBlock
  std::vector<Expression*> expressions;  // kOutput, kWith: values; kIf: conditions
  std::vector<Body> bodies;              // kIf: one per condition, and else; others: [0], else [1]
  Expression* target = nullptr;          // kFor, kSet, kSetBlock
  std::vector<Expression*> targets;      // kWith
  Expression* source = nullptr;          // kFor: what is iterated; kSet: the value; kCall: the call
  Expression* condition = nullptr;       // kFor
  Expression* filter = nullptr;          // kFilter, kSetBlock
  bool recursive = false;
  bool extended = false;    // kFor: the variable `loop` is used
  bool generation = false;  // kCall: a {% generation %} block
  bool top_level = false;   // what it sets is seen by blocks
  Scope scope, else_scope, test_scope;
  Slot slot;                          // kMacro: its name; kFor: `loop`
  Expression* test_target = nullptr;  // kFor: the target as the condition sees it
  Signature signature;                // kMacro, kCall
  Function function;                  // kMacro, kCall, kBlock, a recursive kFor
  Function test_function;             // kFor: runs the condition
};

// A whole template; owns its nodes side by side, so that freeing them needs no stack.
struct Program {
  std::vector<std::unique_ptr<Expression>> expressions;
  std::vector<std::unique_ptr<Statement>> statements;
  Body body;
  Scope scope;
  Function function;
};

}  // namespace vecton::chat
