#include "vecton/options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include "base/ascii.h"
#include "base/memory_info.h"
#include "vecton/error.h"

namespace vecton {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kDefaultEndpoint = "https://huggingface.co";

// The variable's value; empty counts as not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string first_set(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = environment(name); !value.empty()) return value;
  }
  return "";
}

fs::path without_tilde(const std::string& path) {
  if (path == "~" || path.starts_with("~/")) return environment("HOME") + path.substr(1);
  return path;
}

bool is_true(std::string_view given) {
  const std::string value = base::ascii_lower(given);
  return value == "1" || value == "true" || value == "yes" || value == "on";
}

fs::path hub_home() {
  if (const std::string home = environment("HF_HOME"); !home.empty()) return without_tilde(home);
  const std::string cache = environment("XDG_CACHE_HOME");
  return without_tilde(cache.empty() ? "~/.cache" : cache) / "huggingface";
}

std::string read_token(const fs::path& home) {
  if (std::string token(base::trimmed(first_set({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})));
      !token.empty()) {
    return token;
  }
  const std::string path = environment("HF_TOKEN_PATH");
  std::ifstream file(path.empty() ? home / "token" : without_tilde(path));
  return std::string(base::trimmed(std::string(std::istreambuf_iterator<char>(file), {})));
}

[[noreturn]] void wrong(const char* name, const std::string& expected) {
  throw Error(ErrorCode::kInvalidArgument,
              std::string(name) + "=" + environment(name) + ": expected " + expected, name);
}

// All of `text` as a number, or `otherwise`.
template <typename T>
T number_in(const std::string& text, T otherwise) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

}  // namespace

EngineDefaults EngineDefaults::from_environment() {
  EngineDefaults defaults;
  // OpenMP allows a number for each level of nesting; the first is that of a program's threads.
  const std::string threads = environment("OMP_NUM_THREADS");
  if (!threads.empty()) {
    defaults.threads =
        number_in(std::string(base::trimmed(threads.substr(0, threads.find(',')))), 0);
    if (defaults.threads < 1) wrong("OMP_NUM_THREADS", "a number of threads");
  }
  if (const std::string paged = environment("VLLM_METAL_USE_PAGED_ATTENTION"); !paged.empty()) {
    if (paged != "0" && paged != "1") wrong("VLLM_METAL_USE_PAGED_ATTENTION", "0 or 1");
    defaults.enable_prefix_caching = paged == "1";
  }
  const std::string fraction = environment("VLLM_METAL_MEMORY_FRACTION");
  if (!fraction.empty() && fraction != "auto") {
    const double share = number_in(fraction, 0.0);
    if (!(share > 0 && share <= 1))
      wrong("VLLM_METAL_MEMORY_FRACTION", "auto, or a number above 0 and up to 1");
    defaults.cache_bytes =
        static_cast<int64_t>(share * static_cast<double>(base::available_memory()));
  }
  if (const std::string seconds = environment("VLLM_IMAGE_FETCH_TIMEOUT"); !seconds.empty()) {
    defaults.image_fetch_timeout = number_in(seconds, 0.0);
    if (!(defaults.image_fetch_timeout > 0 && defaults.image_fetch_timeout <= 3600))
      wrong("VLLM_IMAGE_FETCH_TIMEOUT", "a number of seconds above 0 and up to 3600");
  }
  return defaults;
}

HubOptions HubOptions::from_environment() {
  const fs::path home = hub_home();
  const std::string cache = first_set({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  HubOptions options;
  options.cache = cache.empty() ? home / "hub" : without_tilde(cache);
  options.endpoint = environment("HF_ENDPOINT");
  if (options.endpoint.empty()) options.endpoint = kDefaultEndpoint;
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  options.token = read_token(home);
  options.offline = is_true(first_set({"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}));
  return options;
}

}  // namespace vecton
