#include "server/auth.h"

#include <algorithm>
#include <cctype>

namespace vecton::server {

namespace {

constexpr std::string_view kScheme = "bearer ";

bool same(std::string_view given, const std::string& key) {
  unsigned difference = given.size() != key.size();
  for (size_t i = 0; i < key.size(); ++i) {
    const char c = i < given.size() ? given[i] : '\0';
    difference |= static_cast<unsigned char>(c) ^ static_cast<unsigned char>(key[i]);
  }
  return difference == 0;
}

}  // namespace

bool authorized(std::string_view header, const std::vector<std::string>& keys) {
  const std::string_view scheme = header.substr(0, kScheme.size());
  const auto lower = [](unsigned char c) { return static_cast<char>(std::tolower(c)); };
  if (!std::equal(scheme.begin(), scheme.end(), kScheme.begin(), kScheme.end(),
                  [&](char a, char b) { return lower(static_cast<unsigned char>(a)) == b; })) {
    return false;
  }
  std::string_view key = header.substr(kScheme.size());
  while (key.starts_with(' ')) key.remove_prefix(1);
  bool found = false;
  for (const std::string& known : keys)
    found |= same(key, known);  // all of them, whichever matches
  return found;
}

}  // namespace vecton::server
