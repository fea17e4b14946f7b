#include "vecton/options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

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

std::string trimmed(std::string text) {
  const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), space).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), space));
  return text;
}

fs::path without_tilde(const std::string& path) {
  if (path == "~" || path.starts_with("~/")) return environment("HOME") + path.substr(1);
  return path;
}

bool is_true(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return value == "1" || value == "true" || value == "yes" || value == "on";
}

fs::path hub_home() {
  if (const std::string home = environment("HF_HOME"); !home.empty()) return without_tilde(home);
  const std::string cache = environment("XDG_CACHE_HOME");
  return without_tilde(cache.empty() ? "~/.cache" : cache) / "huggingface";
}

std::string read_token(const fs::path& home) {
  if (std::string token = trimmed(first_set({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}));
      !token.empty()) {
    return token;
  }
  const std::string path = environment("HF_TOKEN_PATH");
  std::ifstream file(path.empty() ? home / "token" : without_tilde(path));
  return trimmed(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace

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
