#include "base/json.h"

#include <boost/json/src.hpp>

#include "base/mapped_file.h"
#include "vecton/error.h"

namespace vecton {

namespace {
constexpr size_t kMaxDepth = 256;  // deeper documents are hostile, not configuration
}

json::value parse_json(std::string_view text, const std::string& what, json::storage_ptr memory) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::parser parser({}, options);
  parser.reset(memory);
  boost::system::error_code error;
  const size_t used = parser.write(text.data(), text.size(), error);
  if (error) {
    throw Error(ErrorCode::kCorrupt,
                what + ": not valid JSON at byte " + std::to_string(used) + ": " + error.message());
  }
  return parser.release();
}

json::value read_json(const std::filesystem::path& file, json::storage_ptr memory) {
  const MappedFile map(file);
  return parse_json(map.text(), file.string(), memory);
}

}  // namespace vecton
