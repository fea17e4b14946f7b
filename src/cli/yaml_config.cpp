#include "cli/yaml_config.h"

#include <fstream>

#include "base/json.h"
#include "base/json_text.h"
#include "cli/failure.h"

namespace vecton::cli {

namespace {

struct Line {
  int number = 0;
  size_t indent = 0;
  std::string text;  // without indent and comment
};

class YamlReader {
 public:
  YamlReader(const std::filesystem::path& file, const char* option) : file_(file) {
    std::ifstream in(file);
    if (!in) {
      throw Failure(ExitStatus::kUsage,
                    std::string(option) + ": " + file.string() + " can't be read");
    }
    int number = 0;
    for (std::string text; std::getline(in, text);) {
      Line line{++number, text.find_first_not_of(' '), ""};
      if (line.indent == std::string::npos) continue;
      line.text = without_comment(text.substr(line.indent));
      if (line.text.empty() || (line.text == "---" && lines_.empty())) continue;
      if (line.text.front() == '\t') refuse(line, "a tab at the line's beginning");
      if (line.text == "---" || line.text == "...") refuse(line, "a second document");
      lines_.push_back(std::move(line));
    }
  }

  YamlFile read() {
    if (lines_.empty()) return {};
    json::value whole = block(lines_.front().indent);
    if (at_ < lines_.size()) refuse(lines_[at_], "a line that is indented less than the first");
    if (!whole.is_object()) refuse(lines_.front(), "something else than 'option: value'");
    return {std::move(whole.get_object()), std::move(places_)};
  }

 private:
  // While it lives, what is read stands within a member or an item.
  class Inside {
   public:
    Inside(YamlReader& reader, const std::string& name, const Line& line)
        : reader_(reader), before_(reader.pointer_.size()) {
      reader_.pointer_ += "/" + name;
      reader_.places_.emplace(reader_.pointer_, line.number);
    }
    ~Inside() { reader_.pointer_.resize(before_); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    YamlReader& reader_;
    const size_t before_;
  };

  [[noreturn]] void refuse(const Line& line, const std::string& what) const {
    throw Failure(ExitStatus::kUsage, file_.string() + ":" + std::to_string(line.number) + ": " +
                                          what + " is not read here; 'option: value' is");
  }

  // Up to a "#" that a blank or nothing precedes, outside of quotes; without blanks at the end.
  static std::string without_comment(const std::string& text) {
    char quote = 0;
    size_t end = text.size();
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (quote != 0) {
        if (c == '\\' && quote == '"')
          ++i;
        else if (c == quote)
          quote = 0;
      } else if ((c == '"' || c == '\'') &&
                 (i == 0 || std::string(" [{,:").find(text[i - 1]) != std::string::npos)) {
        quote = c;
      } else if (c == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
        end = i;
        break;
      }
    }
    const size_t last = text.substr(0, end).find_last_not_of(" \t\r");
    return last == std::string::npos ? "" : text.substr(0, last + 1);
  }

  // Where a mapping's key ends: a colon with a blank or nothing behind it, outside of quotes.
  static size_t end_of_key(const std::string& text) {
    size_t i = 0;
    if (text.front() == '"' || text.front() == '\'') i = text.find(text.front(), 1);
    for (; i < text.size(); ++i) {
      if (text[i] == ':' && (i + 1 == text.size() || text[i + 1] == ' ')) return i;
    }
    return std::string::npos;
  }

  static bool is_item(const std::string& text) { return text == "-" || text.starts_with("- "); }

  json::value block(size_t indent) {
    return is_item(lines_[at_].text) ? json::value(list(indent)) : json::value(mapping(indent));
  }

  json::array list(size_t indent) {
    json::array items;
    while (at_ < lines_.size() && lines_[at_].indent == indent && is_item(lines_[at_].text)) {
      const Line line = lines_[at_];
      const size_t start = line.text.find_first_not_of(' ', 1);
      const Inside inside(*this, std::to_string(items.size()), line);
      if (start == std::string::npos) {
        ++at_;
        items.push_back(nested(line, indent + 1));
      } else if (const std::string rest = line.text.substr(start);
                 rest.front() != '[' && rest.front() != '{' &&
                 end_of_key(rest) != std::string::npos) {  // a mapping that begins in this line
        lines_[at_] = {line.number, indent + start, rest};
        items.push_back(block(indent + start));
      } else {
        ++at_;
        items.push_back(scalar(line, rest));
      }
    }
    return items;
  }

  json::object mapping(size_t indent) {
    json::object object;
    while (at_ < lines_.size() && lines_[at_].indent == indent) {
      const Line line = lines_[at_++];
      const size_t colon = is_item(line.text) ? std::string::npos : end_of_key(line.text);
      if (colon == std::string::npos || colon == 0) refuse(line, "'" + line.text + "'");
      const json::value key = scalar(line, line.text.substr(0, colon));
      const std::string name =
          key.is_string() ? std::string(key.get_string()) : line.text.substr(0, colon);
      const Inside inside(*this, name, line);
      const size_t start = line.text.find_first_not_of(' ', colon + 1);
      object[name] =
          start == std::string::npos ? nested(line, indent) : scalar(line, line.text.substr(start));
    }
    if (at_ < lines_.size() && lines_[at_].indent > indent)
      refuse(lines_[at_], "a line that is indented more than the one before");
    return object;
  }

  // What stands below "key:"; a list may stand as far left as its key.
  json::value nested(const Line& above, size_t least) {
    if (at_ == lines_.size()) return nullptr;
    const Line& next = lines_[at_];
    const bool deeper = next.indent > above.indent || (next.indent >= least && is_item(next.text));
    return deeper ? block(next.indent) : json::value(nullptr);
  }

  json::value scalar(const Line& line, const std::string& text) const {
    const char first = text.front();
    if (std::string("&*!|>%@`").find(first) != std::string::npos)
      refuse(line, std::string("'") + first + "' at a value's beginning");
    if (first == '\'') return single_quoted(line, text);
    if (first == '"' || first == '{' || first == '[') return flow(line, text);
    for (const char* yes : {"true", "True", "TRUE", "yes", "Yes", "on", "On"})
      if (text == yes) return true;
    for (const char* no : {"false", "False", "FALSE", "no", "No", "off", "Off"})
      if (text == no) return false;
    for (const char* nothing : {"null", "Null", "~"})
      if (text == nothing) return nullptr;
    boost::system::error_code error;
    const json::value number = json::parse(text, error);
    return !error && number.is_number() ? number : json::value(text);
  }

  json::value single_quoted(const Line& line, const std::string& text) const {
    std::string out;
    for (size_t i = 1; i < text.size(); ++i) {
      if (text[i] != '\'') {
        out += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '\'') {
        out += text[i++];
      } else if (i + 1 == text.size()) {
        return json::value(out);
      } else {
        break;
      }
    }
    refuse(line, "a quoted value that does not end with its line");
  }

  // JSON, and lists of plain words: [a, b].
  json::value flow(const Line& line, const std::string& text) const {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (!error) return value;
    if (!text.starts_with('[') || !text.ends_with(']') ||
        text.find_first_of("[]{}:\"'", 1) != text.size() - 1)
      refuse(line, "a value that is no JSON");
    json::array items;
    for (const std::string& item : split(text.substr(1, text.size() - 2), ',')) {
      const size_t start = item.find_first_not_of(' ');
      if (start == std::string::npos) refuse(line, "an empty value of a list");
      items.push_back(scalar(line, item.substr(start, item.find_last_not_of(' ') + 1 - start)));
    }
    return items;
  }

  const std::filesystem::path& file_;
  std::vector<Line> lines_;
  size_t at_ = 0;
  std::string pointer_;
  std::map<std::string, int> places_;
};

// As it would be typed.
std::string typed(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : base::json_text(value);
}

}  // namespace

YamlFile read_yaml(const std::filesystem::path& file, const char* option) {
  return YamlReader(file, option).read();
}

Arguments typed_options(const json::object& object) {
  Arguments out;
  for (const auto& [key, value] : object) {
    const std::string name = "--" + std::string(key);
    if (value.is_bool()) {
      out.push_back(value.get_bool() ? name : "--no-" + std::string(key));
    } else if (value.is_array()) {
      if (value.get_array().empty()) continue;
      out.push_back(name);
      for (const json::value& item : value.get_array()) out.push_back(typed(item));
    } else if (!value.is_null()) {
      out.push_back(name);
      out.push_back(typed(value));
    }
  }
  return out;
}

Arguments read_yaml_options(const std::filesystem::path& file) {
  return typed_options(read_yaml(file, "--config").content);
}

}  // namespace vecton::cli
