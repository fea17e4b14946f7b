// Value: what an expression of a chat template gives, with the types that Python's values have
// there. Heap: where the values of one rendering live, and what they may cost. Used by all of
// chat/. A Heap and its values belong to one thread; constants of a parsed template are shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vecton::chat {

// Python's integers have no bounds. These have: what does not fit is an error.
__extension__ typedef __int128 Int;

enum class Type : uint8_t {
  kMissing,    // no value at all: an argument that was not given, a name nobody has set
  kUndefined,  // what a missing name or element evaluates to
  kNone,
  kBool,
  kInt,
  kFloat,
  kText,
  kList,
  kTuple,
  kDict,
  kRange,
  kView,      // keys(), values() or items() of a dict
  kIterator,  // items one after the other, once
  kNamespace,
  kLoop,  // the variable `loop`
  kCallable,
};

// The error of a template: a wrong operation, or too much of one. The interpreter adds the line.
class Failure : public std::exception {
 public:
  explicit Failure(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

struct Object {
  virtual ~Object() = default;
};

class Value {
 public:
  Value() : type_(Type::kMissing), integer_(0) {}
  static Value none() { return Value(Type::kNone); }
  static Value boolean(bool value);
  static Value integer(Int value);
  static Value real(double value);
  // Text that nobody accounts for: constants of a template, names.
  static Value text(std::string text);
  static Value of(Type type, std::shared_ptr<const Object> object);

  Type type() const { return type_; }
  bool is(Type type) const { return type_ == type; }
  bool missing() const { return is(Type::kMissing); }
  bool undefined() const { return is(Type::kUndefined); }
  bool is_none() const { return is(Type::kNone); }
  bool is_text() const { return is(Type::kText); }
  bool is_sequence() const { return is(Type::kList) || is(Type::kTuple); }
  bool is_integral() const { return is(Type::kInt) || is(Type::kBool); }
  bool is_number() const { return is_integral() || is(Type::kFloat); }

  bool boolean() const { return integer_ != 0; }
  Int integer() const { return integer_; }  // of kInt and kBool
  double real() const { return real_; }     // of kFloat
  // Of kInt, kBool and kFloat.
  double number() const { return is(Type::kFloat) ? real_ : static_cast<double>(integer_); }
  const std::string& text() const;
  const std::vector<Value>& items() const;  // of kList and kTuple

  // Text that needs no escaping any more (markupsafe's Markup).
  bool safe() const { return safe_; }
  Value as_safe(bool safe) const;

  template <typename T>
  T& get() const {
    return const_cast<T&>(static_cast<const T&>(*object_));
  }
  const Object* object() const { return object_.get(); }

 private:
  explicit Value(Type type) : type_(type), integer_(0) {}

  Type type_;
  bool safe_ = false;
  union {
    Int integer_;
    double real_;
  };
  std::shared_ptr<const Object> object_;
};

struct Text : Object {
  std::string text;
};

struct Undefined : Object {
  std::string message;  // of the error when it is used
};

struct Sequence : Object {
  std::vector<Value> items;
  bool group = false;  // a tuple of the filter groupby: its items have the names grouper and list
};

// Orders keys: by kind, then by value, where numbers of all types are of one kind.
struct KeyLess {
  bool operator()(const Value& a, const Value& b) const;
};

// A dict: keys in the order in which they came.
struct Dict : Object {
  std::vector<std::pair<Value, Value>> items;

  // The value of a key, or null. The key must be hashable (check_hashable).
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(const Value& key, Value value);

 private:
  size_t index(const Value& key) const;

  std::map<Value, size_t, KeyLess> places_;  // when there are many
};

struct Range : Object {
  Int start = 0, stop = 0, step = 1;
  Int length() const;
};

struct View : Object {
  enum class Kind { kKeys, kValues, kItems };
  Kind kind = Kind::kKeys;
  Value dict;
};

struct Iterator : Object {
  std::function<bool(Value&)> next;  // false at the end
};

struct Namespace : Object {
  Dict attributes;
};

// Bounds on one rendering.
struct Limits {
  size_t steps = 20'000'000;  // operations, and pieces of text or lists that they touch
  size_t memory = 256 << 20;  // bytes of live values
  size_t output = 64 << 20;   // bytes of the rendered text
  size_t depth = 1500;        // operations inside one another
};

class Heap {
 public:
  explicit Heap(const Limits& limits) : limits_(limits) {}
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  const Limits& limits() const { return limits_; }

  Value text(std::string text);
  Value list(std::vector<Value> items) { return sequence(Type::kList, std::move(items)); }
  Value tuple(std::vector<Value> items) { return sequence(Type::kTuple, std::move(items)); }
  Value group(Value grouper, Value list);
  Value dict(std::unique_ptr<Dict> dict);
  Value undefined(std::string message);
  Value iterator(std::function<bool(Value&)> next);

  // An object that lives as long as the values that refer to it, none of which it may come to own.
  std::shared_ptr<const Object> own(std::unique_ptr<Object> object, size_t bytes);
  // An object that lives until the rendering ends, and may so be part of a cycle.
  template <typename T>
  T* keep(std::unique_ptr<T> object, size_t bytes = sizeof(T)) {
    take(bytes);
    kept_.push_back(std::move(object));
    return static_cast<T*>(kept_.back().get());
  }
  static Value refer(Type type, const Object* object);

  // Counts items that an object which is kept has grown by.
  void take_items(size_t count);

  // Counts work. Throws when there was too much of it.
  void step(size_t count = 1) {
    steps_ += count;
    if (steps_ > limits_.steps) too_long();
  }
  void touch(size_t bytes) { step(bytes / 64); }
  // Throws when that many more bytes would be too many: asked before they are allocated.
  void check_room(size_t bytes) const;

  // Counts operations inside one another while it lives.
  class Depth {
   public:
    explicit Depth(Heap& heap) : heap_(heap) {
      if (++heap_.depth_ > heap_.limits_.depth) heap_.too_deep();
    }
    ~Depth() { --heap_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Heap& heap_;
  };

 private:
  Value sequence(Type type, std::vector<Value> items, bool group = false);
  void take(size_t bytes);
  void bury(Object* object, size_t bytes);
  [[noreturn]] void too_long() const;
  [[noreturn]] void too_deep();

  const Limits limits_;
  size_t steps_ = 0, bytes_ = 0, depth_ = 0;
  std::vector<std::unique_ptr<Object>> kept_;
  std::vector<std::unique_ptr<Object>> dead_;  // freed one by one: nested values need no stack
  bool burying_ = false;
};

const char* type_name(const Value& value);  // as Python calls it: "str", "NoneType"
bool truthy(const Value& value);
// The bytes that a list, tuple or dict of so many items is counted with.
size_t bytes_of_items(size_t count);

}  // namespace vecton::chat
