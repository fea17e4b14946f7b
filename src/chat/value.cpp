#include "chat/value.h"

#include <algorithm>
#include <cmath>

#include "chat/interpreter.h"

namespace vecton::chat {

namespace {

constexpr size_t kSmall = 8;  // dicts of more keys have an index

int kind_of(const Value& key) {
  switch (key.type()) {
    case Type::kNone:
      return 0;
    case Type::kBool:
    case Type::kInt:
    case Type::kFloat:
      return 1;
    case Type::kText:
      return 2;
    case Type::kTuple:
      return 3;
    case Type::kUndefined:
      return 4;
    default:
      return 5;
  }
}

int sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral())
    return sign(a.integer() < b.integer(), a.integer() > b.integer());
  const double x = a.number(), y = b.number();
  if (std::isnan(x) || std::isnan(y))
    return sign(std::isnan(y) && !std::isnan(x), std::isnan(x) && !std::isnan(y));
  return sign(x<y, x> y);
}

int compare_keys(const Value& a, const Value& b) {
  const int kind = kind_of(a), other = kind_of(b);
  if (kind != other) return sign(kind < other, true);
  switch (kind) {
    case 1:
      return compare_numbers(a, b);
    case 2:
      return a.text().compare(b.text());
    case 3: {
      const auto &x = a.items(), &y = b.items();
      for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
        if (const int order = compare_keys(x[i], y[i])) return order;
      }
      return sign(x.size() < y.size(), x.size() > y.size());
    }
    case 5:
      return sign(std::less<>()(a.object(), b.object()), std::less<>()(b.object(), a.object()));
    default:
      return 0;
  }
}

}  // namespace

Value Value::boolean(bool value) {
  Value result(Type::kBool);
  result.integer_ = value;
  return result;
}

Value Value::integer(Int value) {
  Value result(Type::kInt);
  result.integer_ = value;
  return result;
}

Value Value::real(double value) {
  Value result(Type::kFloat);
  result.real_ = value;
  return result;
}

Value Value::text(std::string text) {
  auto object = std::make_shared<Text>();
  object->text = std::move(text);
  return of(Type::kText, std::move(object));
}

Value Value::of(Type type, std::shared_ptr<const Object> object) {
  Value result(type);
  result.object_ = std::move(object);
  return result;
}

const std::string& Value::text() const { return get<Text>().text; }
const std::vector<Value>& Value::items() const { return get<Sequence>().items; }

Value Value::as_safe(bool safe) const {
  Value result = *this;
  result.safe_ = safe;
  return result;
}

bool KeyLess::operator()(const Value& a, const Value& b) const { return compare_keys(a, b) < 0; }

size_t Dict::index(const Value& key) const {
  if (!places_.empty()) {
    const auto found = places_.find(key);
    return found == places_.end() ? items.size() : found->second;
  }
  size_t i = 0;
  while (i < items.size() && compare_keys(items[i].first, key) != 0) ++i;
  return i;
}

const Value* Dict::find(const Value& key) const {
  const size_t i = index(key);
  return i < items.size() ? &items[i].second : nullptr;
}

const Value* Dict::find(std::string_view key) const {
  if (!places_.empty()) return find(Value::text(std::string(key)));
  for (const auto& [name, value] : items) {
    if (name.is_text() && name.text() == key) return &value;
  }
  return nullptr;
}

void Dict::set(const Value& key, Value value) {
  const size_t i = index(key);
  if (i < items.size()) {
    items[i].second = std::move(value);
    return;
  }
  items.emplace_back(key, std::move(value));
  if (!places_.empty()) {
    places_.emplace(key, i);
  } else if (items.size() > kSmall) {
    for (size_t place = 0; place < items.size(); ++place)
      places_.emplace(items[place].first, place);
  }
}

Int Range::length() const {
  if (step > 0) return start < stop ? (stop - start - 1) / step + 1 : 0;
  return start > stop ? (start - stop - 1) / -step + 1 : 0;
}

Heap::~Heap() {
  // Objects that are kept may own others, which are buried in turn.
  for (auto& object : kept_) object.reset();
}

void Heap::check_room(size_t bytes) const {
  if (bytes > limits_.memory || bytes_ > limits_.memory - bytes) {
    throw Failure("the template needs more than " + std::to_string(limits_.memory >> 20) +
                  " MiB of memory");
  }
}

void Heap::take(size_t bytes) {
  check_room(bytes);
  bytes_ += bytes;
}

void Heap::take_items(size_t count) { take(bytes_of_items(count)); }

void Heap::too_long() const {
  throw Failure("the template takes more than " + std::to_string(limits_.steps) + " steps");
}

void Heap::too_deep() {
  --depth_;
  throw Failure("maximum recursion depth exceeded");
}

void Heap::bury(Object* object, size_t bytes) {
  bytes_ -= bytes;
  dead_.emplace_back(object);
  if (burying_) return;
  burying_ = true;
  while (!dead_.empty()) {
    const std::unique_ptr<Object> next = std::move(dead_.back());
    dead_.pop_back();
  }
  burying_ = false;
}

std::shared_ptr<const Object> Heap::own(std::unique_ptr<Object> object, size_t bytes) {
  bytes += 128;  // the object itself and what counts its owners
  take(bytes);
  return std::shared_ptr<Object>(object.release(),
                                 [this, bytes](Object* dead) { bury(dead, bytes); });
}

Value Heap::text(std::string text) {
  touch(text.size());
  auto object = std::make_unique<Text>();
  object->text = std::move(text);
  const size_t bytes = object->text.capacity();
  return Value::of(Type::kText, own(std::move(object), bytes));
}

Value Heap::sequence(Type type, std::vector<Value> items, bool group) {
  step(items.size() / 8);
  auto object = std::make_unique<Sequence>();
  object->items = std::move(items);
  object->group = group;
  const size_t bytes = object->items.capacity() * sizeof(Value);
  return Value::of(type, own(std::move(object), bytes));
}

Value Heap::group(Value grouper, Value list) {
  return sequence(Type::kTuple, {std::move(grouper), std::move(list)}, true);
}

Value Heap::dict(std::unique_ptr<Dict> dict) {
  step(dict->items.size() / 8);
  const size_t bytes = bytes_of_items(dict->items.size());
  return Value::of(Type::kDict, own(std::move(dict), bytes));
}

Value Heap::undefined(std::string message) {
  auto object = std::make_unique<Undefined>();
  object->message = std::move(message);
  const size_t bytes = object->message.capacity();
  return Value::of(Type::kUndefined, own(std::move(object), bytes));
}

Value Heap::iterator(std::function<bool(Value&)> next) {
  auto object = std::make_unique<Iterator>();
  object->next = std::move(next);
  return Value::of(Type::kIterator, own(std::move(object), 256));
}

Value Heap::refer(Type type, const Object* object) {
  return Value::of(type, std::shared_ptr<const Object>(std::shared_ptr<const Object>(), object));
}

size_t bytes_of_items(size_t count) { return count * (3 * sizeof(Value) + 64); }

const char* type_name(const Value& value) {
  switch (value.type()) {
    case Type::kMissing:
    case Type::kUndefined:
      return "Undefined";
    case Type::kNone:
      return "NoneType";
    case Type::kBool:
      return "bool";
    case Type::kInt:
      return "int";
    case Type::kFloat:
      return "float";
    case Type::kText:
      return value.safe() ? "Markup" : "str";
    case Type::kList:
      return "list";
    case Type::kTuple:
      return "tuple";
    case Type::kDict:
      return "dict";
    case Type::kRange:
      return "range";
    case Type::kView:
      switch (value.get<View>().kind) {
        case View::Kind::kKeys:
          return "dict_keys";
        case View::Kind::kValues:
          return "dict_values";
        default:
          return "dict_items";
      }
    case Type::kIterator:
      return "generator";
    case Type::kNamespace:
      return "Namespace";
    case Type::kLoop:
      return "LoopContext";
    case Type::kCallable:
      return value.get<Callable>().type_name();
  }
  return "object";
}

bool truthy(const Value& value) {
  switch (value.type()) {
    case Type::kMissing:
    case Type::kUndefined:
    case Type::kNone:
      return false;
    case Type::kBool:
    case Type::kInt:
      return value.integer() != 0;
    case Type::kFloat:
      return value.real() != 0;
    case Type::kText:
      return !value.text().empty();
    case Type::kList:
    case Type::kTuple:
      return !value.items().empty();
    case Type::kDict:
      return !value.get<Dict>().items.empty();
    case Type::kRange:
      return value.get<Range>().length() > 0;
    case Type::kView:
      return truthy(value.get<View>().dict);
    default:
      return true;
  }
}

}  // namespace vecton::chat
