// Typed reading of tokenizer.json: every error names the file and the path of the field. Used while
// a tokenizer is loaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

// A place in a document: "tokenizer.json: normalizer.normalizers[2]".
class Field {
 public:
  Field(const json::value& value, std::string path) : value_(&value), path_(std::move(path)) {}

  const json::value& value() const { return *value_; }
  const std::string& path() const { return path_; }

  bool is_null() const { return value_->is_null(); }
  bool has(std::string_view key) const {  // present and not null
    const json::object* object = value_->if_object();
    const json::value* member = object ? object->if_contains(key) : nullptr;
    return member && !member->is_null();
  }
  Field operator[](std::string_view key) const {
    const json::value* member = object().if_contains(key);
    if (!member) fail(ErrorCode::kCorrupt, "has no \"" + std::string(key) + "\"");
    return Field(*member, path_ + "." + std::string(key));
  }
  Field operator[](size_t index) const {
    const json::array& items = array();
    if (index >= items.size()) fail(ErrorCode::kCorrupt, "is too short");
    return Field(items[index], path_ + "[" + std::to_string(index) + "]");
  }

  const json::object& object() const {
    if (const json::object* object = value_->if_object()) return *object;
    fail(ErrorCode::kCorrupt, "must be an object");
  }
  const json::array& array() const {
    if (const json::array* array = value_->if_array()) return *array;
    fail(ErrorCode::kCorrupt, "must be an array");
  }
  std::string_view string() const {
    if (const json::string* string = value_->if_string()) return {string->data(), string->size()};
    fail(ErrorCode::kCorrupt, "must be a string");
  }
  bool boolean() const {
    if (const bool* boolean = value_->if_bool()) return *boolean;
    fail(ErrorCode::kCorrupt, "must be true or false");
  }
  // A token id: 0 .. 2^31-2.
  int32_t id() const {
    const int64_t* number = value_->if_int64();
    if (!number || *number < 0 || *number >= INT32_MAX)
      fail(ErrorCode::kCorrupt, "must be a token id");
    return static_cast<int32_t>(*number);
  }
  int64_t count() const {
    const int64_t* number = value_->if_int64();
    if (!number || *number < 0 || *number > INT32_MAX) fail(ErrorCode::kCorrupt, "must be a count");
    return *number;
  }
  double number() const {
    if (const double* number = value_->if_double()) return *number;
    if (const int64_t* number = value_->if_int64()) return static_cast<double>(*number);
    fail(ErrorCode::kCorrupt, "must be a number");
  }

  bool boolean_or(std::string_view key, bool fallback) const {
    return has(key) ? (*this)[key].boolean() : fallback;
  }
  std::string string_or(std::string_view key, std::string_view fallback) const {
    return std::string(has(key) ? (*this)[key].string() : fallback);
  }

  [[noreturn]] void fail(ErrorCode code, const std::string& problem) const {
    throw Error(code, path_ + " " + problem);
  }
  [[noreturn]] void unsupported(std::string_view kind) const {
    fail(ErrorCode::kUnsupported,
         "has the type \"" + std::string(kind) + "\", which is not supported");
  }

 private:
  const json::value* value_;
  std::string path_;
};

}  // namespace vecton::tokenizer
