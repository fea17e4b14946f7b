#include "grammar/array_tracker.h"

#include <algorithm>

#include "base/utf8.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

size_t mix(size_t hash, size_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 29;
}

bool is_number_byte(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '+' || byte == 'e' ||
         byte == 'E';
}

uint32_t hex_digit(uint8_t byte) {
  return byte <= '9' ? byte - uint32_t{'0'} : (byte | 0x20u) - 'a' + 10u;
}

[[noreturn]] void ambiguous() {
  throw Error(ErrorCode::kInvalidArgument,
              "the structure asked for is ambiguous: where an array with uniqueItems begins can't "
              "be told from its text");
}

// Whether digits may follow `begun` that make it `number`, which is canonical.
bool may_become(std::string_view begun, std::string_view number) {
  if (number == "0" && begun.starts_with('-')) begun.remove_prefix(1);
  if (number.starts_with(begun)) return true;
  if (begun.find('.') == std::string_view::npos) return false;
  // Zeros at the end of a fraction.
  while (begun.ends_with('0')) begun.remove_suffix(1);
  if (begun.ends_with('.')) begun.remove_suffix(1);
  return number.starts_with(begun);
}

}  // namespace

bool is_json_space(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

std::string canonical_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  // digits * 10^scale
  int64_t scale = 0;
  constexpr int64_t kFar = 1'000'000'000'000;  // beyond it all are infinite, or zero
  bool below = false;
  for (const char c : text.substr(e)) {
    if (c == '-') below = true;
    if (c >= '0' && c <= '9') scale = std::min(scale * 10 + (c - '0'), kFar);
  }
  if (below) scale = -scale;
  std::string digits;
  bool point = false;
  for (const char c : text.substr(0, e)) {
    if (c == '.') {
      point = true;
      continue;
    }
    if (!digits.empty() || c != '0') digits += c;
    if (point) --scale;
  }
  while (digits.ends_with('0')) {
    digits.pop_back();
    ++scale;
  }
  if (digits.empty()) return "0";
  const std::string sign = negative ? "-" : "";
  constexpr int64_t kShort = 400;
  if (scale > kShort || scale < -kShort) return sign + digits + "e" + std::to_string(scale);
  if (scale >= 0) return sign + digits + std::string(static_cast<size_t>(scale), '0');
  const auto decimals = static_cast<size_t>(-scale);
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - decimals, ".");
  return sign + digits;
}

void ArrayTracker::update_sizes() {
  place_.text = text_.size();
  place_.frames = frames_.size();
  place_.children = children_.size();
  place_.ids = ids_.size();
  place_.values = values_.size();
}

void ArrayTracker::rewind(const Place& place) {
  text_.resize(place.text);
  frames_.resize(place.frames);
  while (children_.size() > place.children) {
    items_.erase(children_.back().item);
    children_.pop_back();
  }
  ids_.resize(place.ids);
  while (values_.size() > place.values) {
    numbers_.erase(values_.back().key);
    values_.pop_back();
  }
  place_ = place;
}

void ArrayTracker::settle() {
  if (!tracking()) {
    *this = {};
    return;
  }
  // What is left of values that have ended.
  constexpr size_t kMuch = 4096;
  if (place_.mode != Mode::kAfter || ids_.size() + frames_.size() + text_.size() < kMuch) return;
  std::vector<Frame> frames;
  for (int32_t at = place_.frame; at >= 0; at = frames.back().parent)
    frames.push_back(frames_[static_cast<size_t>(at)]);
  std::reverse(frames.begin(), frames.end());
  std::vector<int32_t> ids;
  for (size_t i = 0; i < frames.size(); ++i) {
    frames[i].parent = static_cast<int32_t>(i) - 1;
    Span& span = frames[i].candidates;
    const size_t begin = ids.size();
    for (size_t at = span.begin; at < span.end; ++at) ids.push_back(ids_[at]);
    span = {begin, ids.size()};
  }
  frames_ = std::move(frames);
  ids_ = std::move(ids);
  text_.clear();
  place_.frame = static_cast<int32_t>(frames_.size()) - 1;
  place_.candidates = {};
  place_.scalar = 0;
  update_sizes();
}

int32_t ArrayTracker::number(Value value) {
  const auto [it, added] = numbers_.emplace(value.key, static_cast<int32_t>(values_.size()));
  if (added) values_.push_back(std::move(value));
  return it->second;
}

void ArrayTracker::begin_scalar(Mode mode, bool is_name) {
  place_.mode = mode;
  place_.is_name = is_name;
  place_.scalar = text_.size();
  place_.escape = 0;
  place_.high = 0;
}

// What the child may turn out to be: an item that there was, or what the container's own
// candidates have at this place.
void ArrayTracker::begin_child() {
  const Frame& f = frame();
  place_.mode = Mode::kValue;
  Span span{ids_.size(), ids_.size()};
  if (f.unique) {
    for (int32_t c = f.last; c >= 0; c = children_[static_cast<size_t>(c)].before)
      ids_.push_back(children_[static_cast<size_t>(c)].value);
  }
  for (size_t at = f.candidates.begin; at < f.candidates.end; ++at) {
    const Value& value = values_[static_cast<size_t>(ids_[at])];
    if (f.object) {
      for (const auto& [name, member] : value.members) {
        if (name == f.name) ids_.push_back(member);
      }
    } else if (f.count < value.items.size()) {
      ids_.push_back(value.items[f.count]);
    }
  }
  span.end = ids_.size();
  place_.candidates = span;
}

bool ArrayTracker::fits(const Value& value) const {
  switch (place_.mode) {
    case Mode::kString:
      return value.kind() == 's' && value.text().starts_with(scalar());
    case Mode::kNumber:
      return value.kind() == 'n' && may_become(scalar(), value.text());
    case Mode::kLiteral:
      return value.kind() == 'l' && value.text().starts_with(scalar());
    default:
      return true;
  }
}

void ArrayTracker::narrow() {
  const Span old = place_.candidates;
  if (place_.is_name || old.empty()) return;
  const size_t begin = ids_.size();
  for (size_t at = old.begin; at < old.end; ++at) {
    if (fits(values_[static_cast<size_t>(ids_[at])])) ids_.push_back(ids_[at]);
  }
  if (ids_.size() - begin == old.end - old.begin) {
    ids_.resize(begin);
  } else {
    place_.candidates = {begin, ids_.size()};
  }
}

void ArrayTracker::open(bool object, bool unique) {
  Frame f{place_.frame, object, unique, ++arrays_, -1, -1, 0, {}, object ? size_t{1} : size_t{2}};
  f.candidates.begin = ids_.size();
  for (size_t at = place_.candidates.begin; at < place_.candidates.end; ++at) {
    if (values_[static_cast<size_t>(ids_[at])].kind() == (object ? '{' : '['))
      ids_.push_back(ids_[at]);
  }
  f.candidates.end = ids_.size();
  frames_.push_back(f);
  place_.frame = static_cast<int32_t>(frames_.size()) - 1;
  if (object) {
    place_.mode = Mode::kName;
  } else {
    begin_child();
  }
}

void ArrayTracker::close(bool object) {
  const Frame f = frame();
  if (f.object != object) return void(place_.frame = -1);
  Value value;
  for (int32_t c = f.last; c >= 0;) {
    const Child& child = children_[static_cast<size_t>(c)];
    if (!object) {
      value.items.push_back(child.value);
    } else if (std::none_of(value.members.begin(), value.members.end(),
                            [&](const auto& m) { return m.first == child.name; })) {
      value.members.emplace_back(child.name, child.value);
    }
    c = child.before;
  }
  std::reverse(value.items.begin(), value.items.end());
  std::sort(value.members.begin(), value.members.end());
  value.key = object ? "{" : "[";
  for (const int32_t item : value.items) value.key += std::to_string(item) + ",";
  for (const auto& [name, member] : value.members)
    value.key += std::to_string(name) + ":" + std::to_string(member) + ",";
  place_.frame = f.parent;
  if (tracking()) complete(number(std::move(value)));
}

void ArrayTracker::complete(int32_t value) {
  Frame f = frame();
  const Span old = f.candidates;
  f.candidates.begin = ids_.size();
  for (size_t at = old.begin; at < old.end; ++at) {
    const Value& other = values_[static_cast<size_t>(ids_[at])];
    const bool same = f.object ? std::binary_search(other.members.begin(), other.members.end(),
                                                    std::pair(f.name, value))
                               : f.count < other.items.size() && other.items[f.count] == value;
    if (same) ids_.push_back(ids_[at]);
  }
  f.candidates.end = ids_.size();
  const uint64_t item = item_of(f, value);
  const bool first = f.unique && items_.insert(item).second;
  children_.push_back({f.last, f.name, value, first ? item : 0});
  f.last = static_cast<int32_t>(children_.size()) - 1;
  f.hash = mix(mix(f.hash, static_cast<size_t>(f.name)), static_cast<size_t>(value));
  ++f.count;
  frames_.push_back(f);
  place_.frame = static_cast<int32_t>(frames_.size()) - 1;
  place_.mode = Mode::kAfter;
  place_.candidates = {};
}

void ArrayTracker::push_string(uint8_t byte) {
  constexpr uint8_t kEscape = 1, kUnicode = 2, kUnicodeEnd = 6;
  if (place_.escape >= kUnicode) {
    place_.code = place_.code << 4 | (hex_digit(byte) & 15u);
    if (++place_.escape < kUnicodeEnd) return;
    place_.escape = 0;
    if (place_.code >= 0xD800 && place_.code < 0xDC00) {
      place_.high = place_.code;
      return;
    }
    uint32_t code = place_.code;
    if (place_.high) code = 0x10000 + ((place_.high - 0xD800) << 10) + (code - 0xDC00);
    place_.high = 0;
    utf8::append(text_, code);
  } else if (place_.escape == kEscape) {
    place_.escape = 0;
    if (byte == 'u') {
      place_.escape = kUnicode;
      place_.code = 0;
      return;
    }
    constexpr std::string_view kNames = "bfnrt", kMeans = "\b\f\n\r\t";
    const size_t at = kNames.find(static_cast<char>(byte));
    text_ += at == std::string_view::npos ? static_cast<char>(byte) : kMeans[at];
  } else if (byte == '\\') {
    place_.escape = kEscape;
    return;
  } else if (byte == '"') {
    const int32_t value = number({"s" + std::string(scalar()), {}, {}});
    if (!place_.is_name) return complete(value);
    Frame f = frame();
    f.name = value;
    frames_.push_back(f);
    place_.frame = static_cast<int32_t>(frames_.size()) - 1;
    place_.mode = Mode::kColon;
    return;
  } else {
    text_ += static_cast<char>(byte);
  }
  narrow();
}

void ArrayTracker::push_value(uint8_t byte, bool opens) {
  if (byte == '[' || byte == '{') return open(byte == '{', opens);
  if (byte == ']') return close(false);  // an empty array
  if (byte == '"') {
    begin_scalar(Mode::kString);
  } else {
    begin_scalar(is_number_byte(byte) ? Mode::kNumber : Mode::kLiteral);
    text_ += static_cast<char>(byte);
  }
  narrow();
}

void ArrayTracker::push(uint8_t byte, bool opens) {
  if (!tracking()) {
    if (opens) open(false, true);
    return update_sizes();
  }
  if (place_.mode == Mode::kNumber && !is_number_byte(byte))
    complete(number({"n" + canonical_number(scalar()), {}, {}}));
  if (opens && place_.mode != Mode::kValue) ambiguous();
  const bool blank = is_json_space(byte);
  switch (place_.mode) {
    case Mode::kString:
      push_string(byte);
      break;
    case Mode::kNumber:
      text_ += static_cast<char>(byte);
      narrow();
      break;
    case Mode::kLiteral:
      text_ += static_cast<char>(byte);
      narrow();
      if (scalar() == "true" || scalar() == "false" || scalar() == "null")
        complete(number({"l" + std::string(scalar()), {}, {}}));
      break;
    case Mode::kValue:
      if (!blank) push_value(byte, opens);
      break;
    case Mode::kName:
      if (byte == '"') begin_scalar(Mode::kString, true);
      if (byte == '}') close(true);
      break;
    case Mode::kColon:
      if (byte == ':') begin_child();
      break;
    case Mode::kAfter:
      if (byte == ',' && frame().object) {
        place_.mode = Mode::kName;
      } else if (byte == ',') {
        begin_child();
      } else if (byte == ']' || byte == '}') {
        close(byte == '}');
      } else if (!blank) {
        place_.frame = -1;  // no JSON
      }
      break;
  }
  update_sizes();
}

bool ArrayTracker::is_fresh() const {
  if (!tracking() || !frame().unique) ambiguous();
  if (place_.mode == Mode::kNumber) {
    const auto it = numbers_.find("n" + canonical_number(scalar()));
    return it == numbers_.end() || !items_.contains(item_of(frame(), it->second));
  }
  if (place_.mode != Mode::kAfter) ambiguous();
  return children_[static_cast<size_t>(frame().last)].item != 0;
}

bool ArrayTracker::may_repeat() const {
  if (!tracking()) return false;
  const Span own = frame().candidates;
  const auto has_name = [&](const auto& is) {
    for (size_t at = own.begin; at < own.end; ++at) {
      for (const auto& [name, member] : values_[static_cast<size_t>(ids_[at])].members) {
        if (is(name)) return true;
      }
    }
    return false;
  };
  switch (place_.mode) {
    case Mode::kAfter:
    case Mode::kName:
      return !own.empty();
    case Mode::kColon:
      return has_name([&](int32_t name) { return name == frame().name; });
    case Mode::kString:
      if (place_.is_name)
        return has_name([&](int32_t name) {
          return values_[static_cast<size_t>(name)].text().starts_with(scalar());
        });
      return !place_.candidates.empty();
    case Mode::kValue:
      // Or it ends as an empty array.
      if (!frame().object && frame().count == 0 && !own.empty()) return true;
      return !place_.candidates.empty();
    default:
      return !place_.candidates.empty();
  }
}

bool ArrayTracker::array_may_repeat() const { return !frame().candidates.empty(); }

bool ArrayTracker::is_outermost() const { return frame().parent < 0; }

bool ArrayTracker::is_near_item() const {
  return may_repeat() || (tracking() && frame().unique &&
                          (place_.mode == Mode::kAfter || place_.mode == Mode::kNumber));
}

size_t ArrayTracker::signature() const {
  size_t hash = static_cast<size_t>(place_.mode) * 8 + place_.escape;
  const auto add = [&](size_t value) { hash = mix(hash, value); };
  add(place_.is_name);
  if (place_.escape > 1) add(place_.code);
  add(place_.high);
  for (size_t at = place_.candidates.begin; at < place_.candidates.end; ++at)
    add(static_cast<size_t>(ids_[at]));
  if (place_.mode == Mode::kNumber) {
    add(std::hash<std::string>()(canonical_number(scalar())));
    add(scalar().find('.') != std::string_view::npos);
  } else if (place_.mode == Mode::kString || place_.mode == Mode::kLiteral) {
    add(std::hash<std::string_view>()(scalar()));
  }
  for (int32_t at = place_.frame; at >= 0; at = frames_[static_cast<size_t>(at)].parent) {
    const Frame& f = frames_[static_cast<size_t>(at)];
    add(f.hash);
    if (f.object) add(static_cast<size_t>(f.name));
    for (size_t i = f.candidates.begin; i < f.candidates.end; ++i)
      add(static_cast<size_t>(ids_[i]));
  }
  return hash;
}

}  // namespace vecton::grammar
