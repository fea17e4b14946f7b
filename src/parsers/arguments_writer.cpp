#include "parsers/arguments_writer.h"

#include "base/json_text.h"
#include "parsers/characters.h"
#include "parsers/typed_value.h"

namespace vecton::parsers {

namespace {

constexpr std::string_view kCdata = "<![CDATA[", kCdataEnd = "]]>";

}  // namespace

void ArgumentsWriter::begin(const Tool* tool) {
  tool_ = tool;
  first_ = true;
  events_.arguments("{");
}

void ArgumentsWriter::open(std::string_view name, bool lines, bool cdata) {
  schema_ = parameter_schema(tool_, name);
  std::string text = first_ ? "" : ", ";
  base::append_json_string(text, name);
  text += ": ";
  first_ = false;
  streams_ = !cdata && is_string_only(schema_);
  cdata_ = cdata;
  lines_ = at_start_ = lines;
  text_.clear();
  held_.clear();
  if (streams_) text += '"';
  events_.arguments(text);
}

void ArgumentsWriter::put(std::string_view text) {
  for (const char c : text) {
    if (at_start_ && c == '\r') {
      held_ += c;
      continue;
    }
    if (at_start_ && c == '\n') {
      held_.clear();
      at_start_ = false;
      continue;
    }
    at_start_ = false;
    // The last line's end is held back, as it may be the text's last.
    if (lines_ && is_newline(c)) {
      if (held_ == "\r" && c == '\n') {
        held_ += c;
        continue;
      }
      write(held_);
      held_ = c;
      continue;
    }
    write(held_);
    held_.clear();
    write({&c, 1});
  }
}

void ArgumentsWriter::write(std::string_view text) {
  if (!streams_) {
    text_ += text;
    return;
  }
  for (const char c : text) {
    const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
    if (plain) {
      events_.arguments({&c, 1});
    } else {
      std::string quoted;
      base::append_json_string(quoted, {&c, 1});
      events_.arguments(std::string_view(quoted).substr(1, quoted.size() - 2));
    }
  }
}

void ArgumentsWriter::close() {
  if (held_ == "\r") write(held_);  // no line's end
  held_.clear();
  std::string_view text = text_;
  if (cdata_ && trimmed(text).starts_with(kCdata) && trimmed(text).ends_with(kCdataEnd)) {
    text = trimmed(text);
    text = text.substr(kCdata.size(), text.size() - kCdata.size() - kCdataEnd.size());
  }
  events_.arguments(streams_ ? "\"" : typed_value(text, schema_));
  text_.clear();
}

bool ArgumentsWriter::in_cdata() const {
  return cdata_ && trimmed(text_).starts_with(kCdata) && text_.find(kCdataEnd) == std::string::npos;
}

void ArgumentsWriter::finish() { events_.arguments("}"); }

}  // namespace vecton::parsers
