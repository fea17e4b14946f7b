#include "checkpoint/config.h"

#include <cmath>
#include <map>
#include <utility>

#include "base/json.h"
#include "checkpoint/config_keys.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

struct Config::State {
  std::string file;
  std::string path;  // "text_config." inside a nested object
  json::object values;
  std::set<std::string, std::less<>> read;
  std::map<std::string, Config, std::less<>> children;

  std::string name(std::string_view key) const { return path + std::string(key); }

  // Present and not null.
  const json::value* find(std::string_view key) const {
    const json::value* value = values.if_contains(key);
    return value && !value->is_null() ? value : nullptr;
  }

  const json::value* take(std::string_view key) {
    read.emplace(key);
    return find(key);
  }

  [[noreturn]] void fail(ErrorCode code, std::string_view key, const std::string& message) const {
    throw Error(code, file + ": " + quoted_text(name(key)) + ": " + message);
  }
  [[noreturn]] void wrong(std::string_view key, const std::string& expected,
                          const json::value* found) const {
    const std::string text = found ? value_text(*found) : "nothing";
    fail(ErrorCode::kCorrupt, key, "expected " + expected + ", found " + text);
  }

  int64_t to_integer(std::string_view key, const json::value* value, int64_t least,
                     int64_t most = kMost) const {
    const int64_t* number = value ? value->if_int64() : nullptr;
    if (!number || *number < least || *number > most) {
      wrong(key, "an integer from " + std::to_string(least) + " to " + std::to_string(most), value);
    }
    return *number;
  }

  double to_number(std::string_view key, const json::value* value) const {
    if (!value || !value->is_number()) wrong(key, "a number", value);
    const double number = value->to_number<double>();
    if (!std::isfinite(number)) wrong(key, "a finite number", value);
    return number;
  }

  std::string to_text(std::string_view key, const json::value* value) const {
    if (!value || !value->is_string()) wrong(key, "a string", value);
    return std::string(value->get_string());
  }

  const json::array* to_list(std::string_view key, const json::value* value) const {
    if (value && !value->is_array()) wrong(key, "a list", value);
    return value ? &value->get_array() : nullptr;
  }
};

namespace {

// Objects called ..._config are merged key by key, anything else is replaced.
void lay_over(json::object& below, const json::object& above) {
  for (const auto& [key, value] : above) {
    json::value* old = below.if_contains(key);
    const bool nested =
        std::string_view(key).ends_with("_config") && value.is_object() && old && old->is_object();
    if (nested) {
      lay_over(old->get_object(), value.get_object());
    } else {
      below[key] = value;
    }
  }
}

// 1 and 1.0 are the same setting.
bool same_value(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

}  // namespace

Config Config::read(const std::filesystem::path& file) { return read(file, json::object{}); }

Config Config::read(const std::filesystem::path& file, const json::object& overrides) {
  json::value document = base::read_json(file);
  if (!document.is_object())
    throw Error(ErrorCode::kCorrupt, file.string() + ": expected a JSON object");
  return Config(std::move(document.get_object()), file.string(), overrides);
}

Config::Config(json::object values, std::string file, const json::object& overrides)
    : Config(std::move(values), std::move(file)) {
  lay_over(state_->values, overrides);
}

Config::Config(json::object values, std::string file) : state_(std::make_shared<State>()) {
  state_->values = std::move(values);
  state_->file = std::move(file);
}

const std::string& Config::file() const { return state_->file; }

const json::object& Config::values() const { return state_->values; }

int64_t Config::integer(std::string_view key, int64_t least, int64_t most) const {
  return state_->to_integer(key, state_->take(key), least, most);
}

int64_t Config::integer_or(std::string_view key, int64_t fallback, int64_t least,
                           int64_t most) const {
  const json::value* value = state_->take(key);
  return value ? state_->to_integer(key, value, least, most) : fallback;
}

double Config::number(std::string_view key) const {
  return state_->to_number(key, state_->take(key));
}

double Config::number_or(std::string_view key, double fallback) const {
  const json::value* value = state_->take(key);
  return value ? state_->to_number(key, value) : fallback;
}

bool Config::boolean_or(std::string_view key, bool fallback) const {
  const json::value* value = state_->take(key);
  if (!value) return fallback;
  if (!value->is_bool()) state_->wrong(key, "true or false", value);
  return value->get_bool();
}

std::string Config::string(std::string_view key) const {
  return state_->to_text(key, state_->take(key));
}

std::string Config::string_or(std::string_view key, std::string_view fallback) const {
  const json::value* value = state_->take(key);
  return value ? state_->to_text(key, value) : std::string(fallback);
}

std::vector<std::string> Config::strings_or_empty(std::string_view key) const {
  std::vector<std::string> result;
  if (const json::array* list = state_->to_list(key, state_->take(key))) {
    for (const json::value& item : *list) result.push_back(state_->to_text(key, &item));
  }
  return result;
}

std::vector<int64_t> Config::integers_or_empty(std::string_view key) const {
  std::vector<int64_t> result;
  if (const json::array* list = state_->to_list(key, state_->take(key))) {
    for (const json::value& item : *list) result.push_back(state_->to_integer(key, &item, 0));
  }
  return result;
}

std::optional<Config> Config::child(std::string_view key) const {
  const json::value* value = state_->take(key);
  if (!value) return std::nullopt;
  if (!value->is_object()) state_->wrong(key, "an object", value);
  const auto known = state_->children.find(key);
  if (known != state_->children.end()) return known->second;
  Config child(value->get_object(), state_->file);
  child.state_->path = state_->name(key) + ".";
  state_->children.emplace(key, child);
  return child;
}

bool Config::has(std::string_view key) const { return state_->find(key) != nullptr; }

bool Config::is_null(std::string_view key) const {
  return !state_->take(key) && state_->values.contains(key);
}

bool Config::is_string(std::string_view key) const {
  const json::value* value = state_->take(key);
  return value && value->is_string();
}

const json::value* Config::raw(std::string_view key) const { return state_->take(key); }

void Config::ignore(std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys) state_->take(key);
}

void Config::require(std::string_view key, const Value& expected) const {
  const json::value only =
      std::visit([](const auto& value) { return json::value(value); }, expected);
  const json::value* value = state_->take(key);
  if (!value || same_value(*value, only)) return;
  state_->fail(ErrorCode::kUnsupported, key,
               value_text(*value) + " is not supported, only " + value_text(only));
}

std::vector<std::string> Config::unread() const {
  std::vector<std::string> names;
  for (const auto& [key, value] : state_->values) {
    if (!value.is_null() && !state_->read.contains(std::string_view(key)))
      names.push_back(state_->name(key));
  }
  for (const auto& [key, child] : state_->children) {
    for (std::string& name : child.unread()) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> Config::check_read() const {
  std::vector<std::string> unknown;
  std::string refused;
  for (const auto& [key, value] : state_->values) {
    if (state_->read.contains(std::string_view(key))) continue;
    const KnownKey known = known_config_key(key);
    if (known.meaning == KeyMeaning::kUnknown) unknown.push_back(state_->name(key));
    if (known.meaning != KeyMeaning::kChangesResult || value.is_null()) continue;
    if (!known.harmless.empty() && same_value(value, json::parse(known.harmless))) continue;
    refused += (refused.empty() ? "" : ", ") + state_->name(key);
  }
  if (!refused.empty()) {
    throw Error(ErrorCode::kUnsupported,
                state_->file +
                    ": these settings change what the model computes and are not supported "
                    "for its architecture: " +
                    refused);
  }
  for (const auto& [key, child] : state_->children) {
    for (std::string& name : child.check_read()) unknown.push_back(std::move(name));
  }
  return unknown;
}

}  // namespace vecton::checkpoint
