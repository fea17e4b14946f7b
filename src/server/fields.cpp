#include "server/fields.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"
#include "server/render.h"

namespace vecton::server {

namespace {

constexpr size_t kMaxProblems = 10;  // named in one answer
constexpr size_t kShownValue = 60;   // bytes of a wrong value that are repeated

constexpr Effective kEffective[] = {
    {"activation"},
    {"add_special_tokens", "true"},
    {"aggregation_strategy"},
    {"candidate_labels"},
    {"dimensions"},
    {"embed_dtype", "\"float32\""},
    {"embedding_type", "\"float\""},
    {"embedding_types", "[\"float\"]"},
    {"encoding_format", "\"float\""},
    {"endianness"},
    {"function_to_apply"},
    {"hypothesis_template"},
    {"ignore_labels"},
    {"image"},
    {"image_url"},
    {"image_urls", "[]"},
    {"images", "[]"},
    {"input"},
    {"input_type"},
    {"instruct"},
    {"instruction"},
    {"late_chunking", "false"},
    {"late_chunking_params"},
    {"max_chunks_per_doc"},
    {"max_tokens_per_doc"},
    {"max_tokens_per_query"},
    {"media_io_kwargs", "{}"},
    {"messages"},
    {"mm_processor_kwargs", "{}"},
    {"modality", "\"text\""},
    {"multi_label", "false"},
    {"normalize"},
    {"normalized"},
    {"output_dimension"},
    {"output_dtype", "\"float\""},
    {"prompt", "\"\""},
    {"prompt_name"},
    {"rank_fields"},
    {"raw_scores", "false"},
    {"return_documents", "false"},
    {"return_multivector", "false"},
    {"return_text", "false"},
    {"softmax"},
    {"stride"},
    {"targets"},
    {"task"},
    {"top_k"},
    {"top_n"},
    {"truncate", "false"},
    {"truncate_prompt_tokens"},
    {"truncation", "false"},
    {"truncation_direction"},
    {"truncation_side"},
    {"use_activation"},
};

// 0 and 0.0 are the same.
bool same(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

bool changes_nothing(std::span<const Effective> fields, std::string_view key,
                     const json::value& value) {
  const auto found = std::ranges::find(fields, key, &Effective::name);
  return found == fields.end() || value.is_null() || same(value, json::parse(found->harmless));
}

// The start of a value, for messages.
std::string shown(const json::value& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  std::string text;
  if (value.is_double() && !std::isfinite(value.get_double())) return "a number that is not finite";
  if (value.is_double()) {
    append_float(text, value.get_double());
  } else {
    text = json::serialize(value);
  }
  if (text.size() > kShownValue) {
    text = text.substr(0, utf8::boundary(text, kShownValue)) + "...";
  }
  return text;
}

// The whole number that `value` is; 3.0 counts.
std::optional<int64_t> whole(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_double() && std::trunc(value.get_double()) == value.get_double() &&
      std::abs(value.get_double()) < 9e15) {
    return static_cast<int64_t>(value.get_double());
  }
  return {};
}

std::string at(const std::string& where, size_t index) {
  return where + "." + std::to_string(index);
}

thread_local FieldsWatch* watch = nullptr;

}  // namespace

FieldsWatch::FieldsWatch() { watch = this; }
FieldsWatch::~FieldsWatch() { watch = nullptr; }

void Fields::note(std::string_view key) {
  read_.push_back(key);
  if (watch) watch->names.insert(name_in_body(key));
}

std::string Fields::name_in_body(std::string_view key) const {
  std::string_view where = where_;
  if (where == "body") where = "";
  if (where.starts_with("body.")) where.remove_prefix(5);
  return (where.empty() ? "" : std::string(where) + ".") + std::string(key);
}

const json::value* Fields::any(std::string_view key) {
  note(key);
  const json::value* value = object_.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

std::optional<std::string> Fields::text(std::string_view key) {
  const json::value* value = any(key);
  if (!value) return {};
  if (value->is_string()) return std::string(value->get_string());
  wrong(key, "string_type", "expected a string, found " + shown(*value));
  return {};
}

std::optional<bool> Fields::boolean(std::string_view key) {
  const json::value* value = any(key);
  if (!value) return {};
  if (value->is_bool()) return value->get_bool();
  wrong(key, "bool_type", "expected true or false, found " + shown(*value));
  return {};
}

std::optional<int64_t> Fields::integer(std::string_view key, std::optional<int64_t> least) {
  const json::value* value = any(key);
  if (!value) return {};
  const std::optional<int64_t> number = whole(*value);
  if (!number) {
    wrong(key, "int_type", "expected an integer, found " + shown(*value));
  } else if (least && *number < *least) {
    wrong(key, "greater_than_equal",
          "expected at least " + std::to_string(*least) + ", found " + shown(*value));
  } else {
    return number;
  }
  return {};
}

std::optional<double> Fields::number(std::string_view key, double least, double most) {
  const json::value* value = any(key);
  if (!value) return {};
  std::optional<double> number;
  if (value->is_number()) number = value->to_number<double>();
  if (!number || !std::isfinite(*number)) {
    wrong(key, "float_type", "expected a number, found " + shown(*value));
    return {};
  }
  if (*number >= least && *number <= most) return number;
  std::string message = "expected a number from ";
  append_number(message, least);
  if (std::isfinite(most)) {
    message += " to ";
    append_number(message, most);
  } else {
    message += " on";
  }
  wrong(key, "out_of_range", message + ", found " + shown(*value));
  return {};
}

std::optional<std::string> Fields::choice(std::string_view key,
                                          std::initializer_list<std::string_view> words) {
  const json::value* value = any(key);
  if (!value) return {};
  if (value->is_string()) {
    const std::string_view word = value->get_string();
    if (std::find(words.begin(), words.end(), word) != words.end()) return std::string(word);
  }
  std::string list;
  for (std::string_view word : words) {
    if (!list.empty()) list += word == *(words.end() - 1) ? " or " : ", ";
    list += "'" + std::string(word) + "'";
  }
  wrong(key, "literal_error", "expected " + list + ", found " + shown(*value));
  return {};
}

const json::object* Fields::object(std::string_view key) {
  const json::value* value = any(key);
  if (!value) return nullptr;
  if (value->is_object()) return &value->get_object();
  wrong(key, "dict_type", "expected an object, found " + shown(*value));
  return nullptr;
}

void Fields::ignore(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) note(key);
}

bool Fields::ids(const json::value& list, const std::string& where, std::vector<int32_t>& out) {
  const json::array& array = list.get_array();
  out.reserve(array.size());
  for (size_t i = 0; i < array.size(); ++i) {
    const json::value& id = array[i];
    const std::optional<int64_t> number = whole(id);
    if (!number) {
      add(at(where, i), "int_type", "expected a token id, found " + shown(id));
      return false;
    }
    if (*number < 0 || *number > std::numeric_limits<int32_t>::max()) {
      add(at(where, i), "value_error", "token id " + shown(id) + " is out of vocabulary");
      return false;
    }
    out.push_back(static_cast<int32_t>(*number));
  }
  return true;
}

Inputs Fields::inputs(std::string_view key, bool mixed, bool with_ids) {
  const json::value* value = any(key);
  const std::string where = where_ + "." + std::string(key);
  Inputs result;
  if (!value) {
    wrong(key, "missing", "field required");
    return result;
  }
  if (value->is_string()) {
    result.single = true;
    result.items.emplace_back(std::string(value->get_string()));
    return result;
  }
  const std::string kinds =
      with_ids ? "a string, token ids, or a list of either" : "a string or a list of strings";
  if (!value->is_array()) {
    add(where, "string_type", "expected " + kinds + ", found " + shown(*value));
    return result;
  }
  const json::array& array = value->get_array();
  if (array.empty()) return result;
  if (with_ids && array.front().is_number()) {
    result.single = true;
    std::vector<int32_t> one;
    if (ids(*value, where, one)) result.items.emplace_back(std::move(one));
    return result;
  }
  result.items.reserve(array.size());
  const bool first_is_text = array.front().is_string();
  for (size_t i = 0; i < array.size(); ++i) {
    const json::value& item = array[i];
    if (item.is_string() && (mixed || first_is_text)) {
      result.items.emplace_back(std::string(item.get_string()));
    } else if (with_ids && item.is_array() && (mixed || !first_is_text)) {
      std::vector<int32_t> one;
      if (!ids(item, at(where, i), one)) return result;
      result.items.emplace_back(std::move(one));
    } else {
      const std::string other = i == 0          ? kinds
                                : first_is_text ? "a string like the first"
                                                : "token ids like the first";
      add(at(where, i), "string_type", "expected " + other + ", found " + shown(item));
      return result;
    }
  }
  return result;
}

std::vector<std::string> Fields::texts(std::string_view key) {
  std::vector<std::string> result;
  const json::value* value = any(key);
  if (!value) {
    wrong(key, "missing", "field required");
  } else if (!value->is_array()) {
    wrong(key, "list_type", "expected a list of strings, found " + shown(*value));
  } else {
    for (const json::value& item : value->get_array()) {
      if (!item.is_string()) {
        add(at(where_ + "." + std::string(key), result.size()), "string_type",
            "expected a string, found " + shown(item));
        break;
      }
      result.emplace_back(item.get_string());
    }
  }
  return result;
}

void Fields::require(std::string_view key) {
  if (!any(key)) wrong(key, "missing", "field required");
}

void Fields::wrong(std::string_view key, std::string type, std::string message) {
  add(where_ + "." + std::string(key), std::move(type), std::move(message));
}

void Fields::add(std::string where, std::string type, std::string message) {
  if (problems_.size() < kMaxProblems)
    problems_.push_back({std::move(where), std::move(type), std::move(message)});
}

std::vector<std::string> Fields::finish(std::span<const Effective> more) {
  std::vector<std::string> unread;
  for (const json::key_value_pair& pair : object_) {
    const std::string_view key = pair.key();
    if (std::find(read_.begin(), read_.end(), key) != read_.end()) continue;
    unread.push_back(name_in_body(key));
    if (!changes_nothing(kEffective, key, pair.value()) ||
        !changes_nothing(more, key, pair.value()))
      wrong(key, "extra_forbidden", "this route has no such field, and can't do what it asks for");
  }
  if (!problems_.empty()) throw Failure(std::move(problems_));
  unread.insert(unread.end(), unread_within_.begin(), unread_within_.end());
  return unread;
}

void Fields::finish_within(Fields& outer) {
  const std::vector<std::string> unread = finish();
  outer.unread_within_.insert(outer.unread_within_.end(), unread.begin(), unread.end());
}

void Fields::note_unread(std::string_view where, const json::object& object,
                         std::initializer_list<std::string_view> known) {
  for (const json::key_value_pair& pair : object) {
    if (std::ranges::find(known, std::string_view(pair.key())) == known.end())
      unread_within_.push_back(std::string(where) + "." + std::string(pair.key()));
  }
}

}  // namespace vecton::server
