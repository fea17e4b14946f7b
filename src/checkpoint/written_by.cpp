#include "checkpoint/written_by.h"

#include <charconv>
#include <string>
#include <utility>

#include "base/json.h"

namespace vecton {

bool written_since(const std::filesystem::path& folder, Version version) {
  const std::filesystem::path file = folder / "config_sentence_transformers.json";
  if (!std::filesystem::exists(file)) return false;
  const json::value document = read_json(file);
  const json::object* const root = document.if_object();
  const json::value* const versions = root ? root->if_contains("__version__") : nullptr;
  const json::object* const each = versions ? versions->if_object() : nullptr;
  const json::value* const own = each ? each->if_contains("sentence_transformers") : nullptr;
  if (!own || !own->is_string()) return false;
  const std::string text(own->get_string());
  const char* const end = text.data() + text.size();
  Version found;
  const auto major = std::from_chars(text.data(), end, found.major);
  if (major.ec != std::errc()) return false;
  if (major.ptr != end && *major.ptr == '.') std::from_chars(major.ptr + 1, end, found.minor);
  return std::pair(found.major, found.minor) >= std::pair(version.major, version.minor);
}

}  // namespace vecton
