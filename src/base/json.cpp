#include "base/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <charconv>

#include "base/mapped_file.h"
#include "base/python_json.h"
#include "vecton/error.h"

namespace vecton::base {

namespace {

constexpr size_t kMaxDepth = 256;  // deeper documents are hostile, not configuration

// Boost's own numbers with a fraction can be off by their last bit; these are the nearest.
class Handler {
 public:
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;

  using Error = boost::system::error_code;
  using Text = json::string_view;

  explicit Handler(json::value_stack& values) : values_(values) {}

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return true; }
  bool on_object_end(size_t size, Error&) { return values_.push_object(size), true; }
  bool on_array_begin(Error&) { return true; }
  bool on_array_end(size_t size, Error&) { return values_.push_array(size), true; }
  bool on_key_part(Text part, size_t, Error&) { return values_.push_chars(part), true; }
  bool on_key(Text part, size_t, Error&) { return values_.push_key(part), true; }
  bool on_string_part(Text part, size_t, Error&) { return values_.push_chars(part), true; }
  bool on_string(Text part, size_t, Error&) { return values_.push_string(part), true; }
  bool on_number_part(Text part, Error&) { return number_.append(part.data(), part.size()), true; }
  bool on_int64(int64_t value, Text, Error&) {
    number_.clear();
    return values_.push_int64(value), true;
  }
  bool on_uint64(uint64_t value, Text, Error&) {
    number_.clear();
    return values_.push_uint64(value), true;
  }
  bool on_double(double value, Text part, Error&) {
    number_.append(part.data(), part.size());
    std::from_chars(number_.data(), number_.data() + number_.size(),
                    value);  // keeps it if too large
    number_.clear();
    return values_.push_double(value), true;
  }
  bool on_bool(bool value, Error&) { return values_.push_bool(value), true; }
  bool on_null(Error&) { return values_.push_null(), true; }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

 private:
  json::value_stack& values_;
  std::string number_;
};

// "line 3, column 7 (byte 41)", counted from 1; bytes from 0. A text of one line has no line.
std::string place_of(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto lines = static_cast<size_t>(std::ranges::count(before, '\n'));
  const size_t column = at - (lines > 0 ? before.rfind('\n') + 1 : 0);
  const bool one_line = text.find('\n') == text.npos;
  return (one_line ? "" : "line " + std::to_string(lines + 1) + ", ") + "column " +
         std::to_string(column + 1) + " (byte " + std::to_string(at) + ")";
}

// What people and programs write that JSON does not have.
std::string reason_of(std::string_view text, size_t at, const boost::system::error_code& error) {
  if (text.starts_with("\xef\xbb\xbf"))
    return "it begins with a byte order mark: save it as UTF-8 without one";
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return "it is UTF-16: save it as UTF-8";
  const std::string_view rest = text.substr(std::min(at, text.size()));
  const auto last = text.substr(0, at).find_last_not_of(" \t\r\n");
  if (rest.starts_with('}') || rest.starts_with(']')) {
    if (last != std::string_view::npos && text[last] == ',')
      return "a comma stands before the closing bracket: JSON has none there";
  }
  if (rest.empty()) return "the text ends too early";
  if (static_cast<unsigned char>(rest.front()) < 0x20)
    return "control characters of a string are written as \\n, \\t or \\u0000";
  for (const std::string_view number : {"NaN", "Infinity", "-Infinity", "nan", "inf"}) {
    if (rest.starts_with(number)) return std::string(number) + " is no number of JSON";
  }
  if (rest.starts_with('\'')) return "strings have double quotes in JSON";
  if (rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#'))
    return "JSON has no comments";
  for (const std::string_view word : {"True", "False", "None"}) {
    if (rest.starts_with(word))
      return std::string(word) + " is Python's: JSON has true, false and null";
  }
  return error.message();
}

}  // namespace

json::value parse_json(std::string_view text, const std::string& what, json::storage_ptr memory) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value_stack values;
  values.reset(memory);
  json::basic_parser<Handler> parser(options, values);
  boost::system::error_code error;
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    error = json::error::extra_data;
  }
  if (error) {
    throw Error(ErrorCode::kCorrupt, what + ": not valid JSON at " + place_of(text, used) + ": " +
                                         reason_of(text, used, error));
  }
  return values.release();
}

json::value read_json(const std::filesystem::path& file, json::storage_ptr memory) {
  const MappedFile map(file);
  return parse_python_json(map.text(), file.string(), BadBytes::kRefuse, memory);
}

}  // namespace vecton::base
