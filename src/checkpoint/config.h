// Config: config.json, read strictly.
//
// Typed getters; each key that a family asks for is marked as read. check_read() is called when the
// model is built: a key of known meaning that nobody read is an error (it would change the
// numbers), an unknown one is reported as a warning. Used while a model is opened, from one thread:
// reading marks; copies share their marks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_fwd.h"

namespace vecton::checkpoint {

class Config {
 public:
  // `file` names it in messages. `overrides` (--hf-overrides) is laid over the file's keys.
  static Config read(const std::filesystem::path& file, const json::object& overrides);
  static Config read(const std::filesystem::path& file);
  Config(json::object values, std::string file);
  Config(json::object values, std::string file, const json::object& overrides);

  const std::string& file() const;
  // All of it, overrides included; marks nothing as read.
  const json::object& values() const;

  // A missing key (or null) without a fallback is an error that names the file, the key and the
  // type expected; so is a value of another type, or an integer out of `least` .. `most`.
  static constexpr int64_t kMost = int64_t{1} << 31;
  // Of what is counted out before a weight is read, such as layers.
  static constexpr int64_t kMostCounted = 100'000;
  int64_t integer(std::string_view key, int64_t least = 1, int64_t most = kMost) const;
  int64_t integer_or(std::string_view key, int64_t fallback, int64_t least = 1,
                     int64_t most = kMost) const;
  double number(std::string_view key) const;
  double number_or(std::string_view key, double fallback) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  std::string string(std::string_view key) const;
  std::string string_or(std::string_view key, std::string_view fallback) const;
  std::vector<std::string> strings_or_empty(std::string_view key) const;
  std::vector<int64_t> integers_or_empty(std::string_view key) const;
  // A nested object; its keys are tracked with it. null = none.
  std::optional<Config> child(std::string_view key) const;
  // Present and not null; does not mark it as read.
  bool has(std::string_view key) const;
  // Present as null, which some files mean to differ from a missing key; marks it as read.
  bool is_null(std::string_view key) const;
  // Present as a string, which some files write in place of something else; marks it as read.
  bool is_string(std::string_view key) const;
  // The value itself, marked as read; nullptr when absent or null.
  const json::value* raw(std::string_view key) const;

  // A key whose value must be one of those that change nothing ("hidden_dropout_prob": any): marks
  // it as read.
  void ignore(std::initializer_list<std::string_view> keys) const;
  // An error unless the key is absent, null or equal to `only`: a setting that is understood and
  // not supported.
  using Value = std::variant<std::nullptr_t, bool, int64_t, double, std::string_view>;
  void require(std::string_view key, const Value& only) const;

  // The keys with a value that nobody read, those of nested objects that somebody did among them.
  std::vector<std::string> unread() const;

  // Throws for unread keys that change the result (a list kept in config.cpp), returns the other
  // unread ones.
  std::vector<std::string> check_read() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace vecton::checkpoint
