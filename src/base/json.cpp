#include "base/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <charconv>

#include "base/mapped_file.h"
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
    throw Error(ErrorCode::kCorrupt,
                what + ": not valid JSON at byte " + std::to_string(used) + ": " + error.message());
  }
  return values.release();
}

json::value read_json(const std::filesystem::path& file, json::storage_ptr memory) {
  const MappedFile map(file);
  return parse_json(map.text(), file.string(), memory);
}

}  // namespace vecton::base
