// ArrayTracker: the values in the arrays that a text is in, so that no item comes twice where a
// schema says so. A grammar knows where an item may end (Edge::Kind::kFresh), this knows which
// items there were.
//
// Equal is what JSON has as equal: 1 and 1.0, "a" and "\u0061", members in any order; of a name
// that comes twice the last value counts. A value; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace vecton::grammar {

class ArrayTracker {
 public:
  // A place of the text, to come back to. Coming back to one forgets the ones behind it.
  struct Place {
    enum class Mode : uint8_t { kValue, kString, kNumber, kLiteral, kAfter, kName, kColon };
    struct Span {
      size_t begin = 0, end = 0;
      bool empty() const { return begin == end; }
    };
    int32_t frame = -1;  // the container that the text is in; -1: in no tracked array
    Mode mode = Mode::kValue;
    bool is_name = false;         // the string is a member's name
    uint8_t escape = 0;           // how much of a string's escape there was
    uint32_t code = 0, high = 0;  // of \uXXXX, and the first half of a pair
    Span candidates;              // what the value that comes or has begun may turn out to be
    size_t scalar = 0;            // where the text of the scalar begins
    size_t text = 0, frames = 0, children = 0, ids = 0, values = 0;  // sizes
  };

  bool tracking() const { return place_.frame >= 0; }
  bool in_string() const { return tracking() && place_.mode == Place::Mode::kString; }
  // The text's next byte. `opens`: behind it an array has begun whose items have to differ. Throws
  // Error where the grammar and JSON differ about what is an array.
  void push(uint8_t byte, bool opens);
  // Whether the item that ends here differs from all before it.
  bool is_fresh() const;
  // Whether what has begun may still turn out to be equal to something before it. Where not, any
  // end of it will do.
  bool may_repeat() const;
  // Of the array that the text is in: whether it is itself an item that may turn out to be equal.
  bool array_may_repeat() const;
  bool is_outermost() const;  // it stands in no other
  // Whether may_repeat() may come to be true without the end of an item.
  bool is_near_item() const;
  // Equal where the same may follow.
  size_t signature() const;

  const Place& place() const { return place_; }
  void rewind(const Place& place);
  // Nothing before this place is gone back to.
  void settle();

 private:
  using Mode = Place::Mode;
  using Span = Place::Span;
  struct Value {
    std::string key;                                   // kind and content
    std::vector<std::pair<int32_t, int32_t>> members;  // names and values, sorted
    std::vector<int32_t> items;
    char kind() const { return key[0]; }
    std::string_view text() const { return std::string_view(key).substr(1); }
  };
  // A container and what it has had so far. Never changed: what follows makes another.
  struct Frame {
    int32_t parent;
    bool object, unique;
    uint32_t array;  // its number among all that there were
    int32_t name;    // of the member that is being read
    int32_t last;    // child
    size_t count;
    Span candidates;  // what the container may turn out to be
    size_t hash;      // of its children
  };
  struct Child {
    int32_t before, name, value;
    uint64_t item;  // in items_; 0 where it is in none that is compared, or was there before
  };

  const Frame& frame() const { return frames_[static_cast<size_t>(place_.frame)]; }
  std::string_view scalar() const { return std::string_view(text_).substr(place_.scalar); }
  void update_sizes();
  void begin_scalar(Mode mode, bool is_name = false);
  void begin_child();
  void narrow();
  bool fits(const Value& value) const;
  void open(bool object, bool unique);
  void close(bool object);
  void complete(int32_t value);
  void push_string(uint8_t byte);
  void push_value(uint8_t byte, bool opens);
  int32_t number(Value value);
  static uint64_t item_of(const Frame& frame, int32_t value) {
    return uint64_t{frame.array} << 32 | static_cast<uint32_t>(value);
  }

  Place place_;
  std::string text_;  // of scalars, as what they stand for
  std::vector<Frame> frames_;
  std::vector<Child> children_;
  std::vector<int32_t> ids_;  // what spans are of
  std::vector<Value> values_;
  std::unordered_map<std::string, int32_t> numbers_;  // by key
  std::unordered_set<uint64_t> items_;                // of arrays, by item_of()
  uint32_t arrays_ = 0;
};

// Whitespace of JSON.
bool is_json_space(uint8_t byte);
// A JSON number by its value: equal numbers have equal texts, decimals where that is short.
std::string canonical_number(std::string_view text);

}  // namespace vecton::grammar
