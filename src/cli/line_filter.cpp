#include "cli/line_filter.h"

#include "base/python_json.h"
#include "cli/byte_source.h"
#include "cli/failure.h"
#include "cli/output.h"
#include "vecton/error.h"

namespace vecton::cli {

void refuse_member(const char* field, const char* expected) {
  throw Error(ErrorCode::kInvalidArgument,
              std::string("field \"") + field + "\": expected " + expected, field);
}

void filter_json_lines(const std::function<void(const json::object&, std::string&)>& answer) {
  ByteSource source("-");
  Output output;
  std::string line;
  const auto wait = [&] {
    if (!source.ready()) output.flush();
    return true;
  };
  while (wait() && source.read_line(line)) {
    if (line.find_first_not_of(" \t") == line.npos) continue;
    try {
      const json::value value = base::parse_python_json(line, "the line", base::BadBytes::kReplace);
      const json::object* object = value.if_object();
      if (!object) throw Error(ErrorCode::kInvalidArgument, "expected a JSON object");
      answer(*object, output.buffer());
    } catch (const Error& error) {
      output.flush();
      throw Failure(exit_status_of_text(error.code()),
                    source.name() + ":" + std::to_string(source.line()) + ": " + error.what());
    }
    output.buffer() += '\n';
    output.written();
  }
  output.flush();
}

const json::value* member(const json::object& object, const char* field) {
  const json::value* value = object.if_contains(field);
  return value && !value->is_null() ? value : nullptr;
}

bool bool_or(const json::object& object, const char* field, bool fallback) {
  const json::value* value = member(object, field);
  if (!value) return fallback;
  if (!value->is_bool()) refuse_member(field, "true or false");
  return value->get_bool();
}

int64_t count_or(const json::object& object, const char* field, int64_t fallback) {
  const json::value* value = member(object, field);
  if (!value) return fallback;
  const int64_t* number = value->if_int64();
  if (!number || *number < 0) refuse_member(field, "a whole number that is not negative");
  return *number;
}

std::string text_member(const json::value& value, const char* field) {
  const json::string* text = value.if_string();
  if (!text) refuse_member(field, "a text");
  return std::string(*text);
}

}  // namespace vecton::cli
