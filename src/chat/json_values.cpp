#include "chat/json_values.h"

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>

#include "base/json.h"
#include "chat/literal.h"
#include "vecton/error.h"

namespace vecton::chat {

namespace {

constexpr size_t kMaxDepth = 256;

using boost::system::error_code;

// Builds values as the parser meets them.
class Builder {
 public:
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;

  explicit Builder(Heap& heap) : heap_(heap) {}

  Value take() { return std::move(result_); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) { return open(std::make_unique<Dict>()); }
  bool on_object_end(size_t, error_code&) {
    Open object = std::move(open_.back());
    open_.pop_back();
    return add(heap_.dict(std::move(object.dict)));
  }

  bool on_array_begin(error_code&) { return open(nullptr); }
  bool on_array_end(size_t, error_code&) {
    Open list = std::move(open_.back());
    open_.pop_back();
    return add(heap_.list(std::move(list.items)));
  }

  bool on_key_part(boost::json::string_view part, size_t, error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(boost::json::string_view part, size_t, error_code&) {
    text_.append(part.data(), part.size());
    open_.back().key = heap_.text(std::exchange(text_, {}));
    return true;
  }
  bool on_string_part(boost::json::string_view part, size_t, error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(boost::json::string_view part, size_t, error_code&) {
    text_.append(part.data(), part.size());
    return add(heap_.text(std::exchange(text_, {})));
  }

  bool on_number_part(boost::json::string_view part, error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(int64_t value, boost::json::string_view, error_code&) {
    text_.clear();
    return add(Value::integer(value));
  }
  bool on_uint64(uint64_t value, boost::json::string_view, error_code&) {
    text_.clear();
    return add(Value::integer(static_cast<Int>(value)));
  }
  bool on_double(double, boost::json::string_view part, error_code&) {
    text_.append(part.data(), part.size());
    const std::string number = std::exchange(text_, {});
    if (number.find_first_of(".eE") != std::string::npos) return add(real(number));
    const bool negative = number.starts_with('-');
    const Int magnitude = parse_integer(std::string_view(number).substr(negative ? 1 : 0), 0);
    return add(Value::integer(negative ? -magnitude : magnitude));
  }

  bool on_bool(bool value, error_code&) { return add(Value::boolean(value)); }
  bool on_null(error_code&) { return add(Value::none()); }
  bool on_comment_part(boost::json::string_view, error_code&) { return true; }
  bool on_comment(boost::json::string_view, error_code&) { return true; }

 private:
  struct Open {
    std::unique_ptr<Dict> dict;  // null: a list
    std::vector<Value> items;
    Value key;
  };

  bool open(std::unique_ptr<Dict> dict) {
    open_.push_back({std::move(dict), {}, {}});
    return true;
  }

  bool add(Value value) {
    heap_.step();
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().dict) {
      open_.back().dict->set(open_.back().key, std::move(value));
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }

  static Value real(const std::string& number) {
    const bool negative = number.starts_with('-');
    const double value = parse_float(std::string_view(number).substr(negative ? 1 : 0));
    return Value::real(negative ? -value : value);
  }

  Heap& heap_;
  std::vector<Open> open_;
  std::string text_;
  Value result_;
};

}  // namespace

Value parse_json_values(Heap& heap, std::string_view text, const std::string& what) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<Builder> parser(options, heap);
  error_code error;
  size_t used = 0;
  try {
    used = parser.write_some(false, text.data(), text.size(), error);
  } catch (const Failure& failure) {
    throw Error(ErrorCode::kInvalidArgument, what + ": " + failure.what(), what);
  }
  if (!error && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    error = boost::json::error::extra_data;
  }
  if (error) {
    throw Error(ErrorCode::kInvalidArgument,
                what + ": not valid JSON at byte " + std::to_string(used) + ": " + error.message(),
                what);
  }
  return parser.handler().take();
}

}  // namespace vecton::chat
