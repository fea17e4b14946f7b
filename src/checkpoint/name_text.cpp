#include "checkpoint/name_text.h"

#include <algorithm>

#include "base/json.h"
#include "base/utf8.h"
#include "checkpoint/safetensors.h"

namespace vecton::checkpoint {

namespace {

constexpr size_t kShown = 200;

std::string_view cut(std::string_view text) { return text.substr(0, utf8::boundary(text, kShown)); }

}  // namespace

std::string name_text(std::string_view name) {
  const bool plain =
      !name.empty() && name.size() <= kShown &&
      std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~' && c != '"'; });
  return plain ? std::string(name) : quoted_text(name);
}

std::string quoted_text(std::string_view text) {
  if (text.size() <= kShown) return json::serialize(json::string(text));
  return json::serialize(json::string(cut(text))) + "...";
}

std::string names_text(const std::vector<std::string>& names) {
  constexpr size_t kMost = 20;
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) list += (i ? ", " : "") + names[i];
  return names.size() <= kMost ? list
                               : list + " and " + std::to_string(names.size() - kMost) + " more";
}

std::string title(const StoredTensor& tensor) {
  return tensor.source + ": " + name_text(tensor.name);
}

std::string value_text(const json::value& value) {
  const std::string text = json::serialize(value);
  return text.size() <= kShown ? text : std::string(cut(text)) + "...";
}

}  // namespace vecton::checkpoint
