#include "checkpoint/written_by.h"

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/json.h"

namespace vecton::checkpoint {

namespace {

bool has_mlx_header(const std::filesystem::path& file) {
  std::ifstream weights(file, std::ios::binary);
  char start[256] = {};
  weights.read(start, sizeof start);
  const std::string_view header(start, static_cast<size_t>(weights.gcount()));
  return header.find(R"({"format":"mlx"})") != header.npos;
}

}  // namespace

bool written_since(const std::filesystem::path& folder, Version version) {
  const std::filesystem::path file = folder / "config_sentence_transformers.json";
  if (!std::filesystem::exists(file)) return false;
  const json::value document = base::read_json(file);
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

bool written_by_mlx(const std::filesystem::path& folder) {
  const std::filesystem::path config = folder / "config.json";
  if (base::is_file(config)) {
    const json::value document = base::read_json(config);
    const json::object* const root = document.if_object();
    if (root && root->contains("quantization")) return true;
  }
  // Without quantisation only the weights say so, where their header begins.
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with("model") && name.ends_with(".safetensors") && has_mlx_header(it->path()))
      return true;
  }
  return false;
}

}  // namespace vecton::checkpoint
