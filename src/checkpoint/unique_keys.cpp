#include "checkpoint/unique_keys.h"

#include <boost/json/basic_parser_impl.hpp>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton {

namespace {

using Code = boost::system::error_code;

// Follows the keys of every open object; values are passed over.
struct KeyFollower {
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  std::vector<std::unordered_set<std::string>> open;
  std::string key;
  std::optional<std::string> twice;

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(size_t, Code&) {
    open.pop_back();
    return true;
  }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(size_t, Code&) { return true; }
  bool on_key_part(json::string_view part, size_t, Code&) {
    key.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, size_t, Code& error) {
    key.append(part.data(), part.size());
    const auto [place, fresh] = open.back().insert(std::exchange(key, {}));
    if (fresh) return true;
    twice = *place;
    error = json::error::extra_data;
    return false;
  }
  bool on_string_part(json::string_view, size_t, Code&) { return true; }
  bool on_string(json::string_view, size_t, Code&) { return true; }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(int64_t, json::string_view, Code&) { return true; }
  bool on_uint64(uint64_t, json::string_view, Code&) { return true; }
  bool on_double(double, json::string_view, Code&) { return true; }
  bool on_bool(bool, Code&) { return true; }
  bool on_null(Code&) { return true; }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }
};

}  // namespace

void require_unique_keys(std::string_view text, const std::string& what) {
  json::basic_parser<KeyFollower> parser(json::parse_options{});
  Code error;
  parser.write_some(false, text.data(), text.size(), error);
  const std::optional<std::string>& twice = parser.handler().twice;
  if (twice)
    throw Error(ErrorCode::kCorrupt, what + ": the key " + quoted_text(*twice) + " is there twice");
}

}  // namespace vecton
