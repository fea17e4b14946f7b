#include "server/messages.h"

#include <algorithm>
#include <utility>

#include "server/images.h"

namespace vecton::server {

namespace {

// Of Claude Code: a line that changes with every request, and so would keep every prompt from the
// prefix cache.
constexpr std::string_view kAttribution = "x-anthropic-billing-header:";

class Message {
 public:
  Message(const json::object& given, size_t index, bool parts, std::vector<Image>* images)
      : given_(given),
        where_("messages[" + std::to_string(index) + "]"),
        parts_(parts),
        images_(images) {}

  json::object normalised() const {
    json::object out;
    const json::value* role = given_.if_contains("role");
    if (!role || !role->is_string()) fail("role", "expected a string");
    for (const auto& [key, value] : given_) {
      if (key == "reasoning" || key == "reasoning_content" || key == "tool_calls") continue;
      out[key] = key == "content" ? content(value) : value;
    }
    if (!out.contains("content")) out["content"] = "";
    add_reasoning(out);
    add_calls(out);
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& message) const {
    throw Failure(Cause::kInvalid, where_ + "." + field + ": " + message, "messages");
  }

  bool is(std::string_view role) const { return given_.at("role") == json::value(role); }

  json::value content(const json::value& value) const {
    if (value.is_null()) return "";
    if (value.is_string()) return json::value(shown(value.get_string()));
    if (!value.is_array()) fail("content", "expected a string or a list of parts");
    json::array list;
    std::string text;
    for (const json::value& part : value.get_array()) {
      if (const json::object* object = part.if_object(); object && images_ && is_image(*object)) {
        if (!parts_ || is("tool")) fail("content", "the chat template reads no images here");
        images_->push_back(image_of_part(where_ + ".content", *object));
        list.push_back(json::object{{"type", "image"}});
        continue;
      }
      const std::string piece = text_of(part);
      if (!list.empty()) text += '\n';
      text += piece;
      list.push_back(json::object{{"type", "text"}, {"text", shown(piece)}});
    }
    if (parts_ && !is("tool")) return list;
    return json::value(shown(text));
  }

  // A system text without the line that changes.
  std::string shown(std::string_view text) const {
    if (!is("system") || !text.starts_with(kAttribution)) return std::string(text);
    const size_t end = text.find('\n');
    return end == std::string_view::npos ? "" : std::string(text.substr(end + 1));
  }

  std::string text_of(const json::value& part) const {
    if (part.is_string()) return std::string(part.get_string());
    const json::object* object = part.if_object();
    const json::value* type = object ? object->if_contains("type") : nullptr;
    if (!type || !type->is_string()) fail("content", "expected parts with a type");
    const std::string_view kind = type->get_string();
    for (const auto& [word, field] : {std::pair{"text", "text"},
                                      {"input_text", "text"},
                                      {"output_text", "text"},
                                      {"refusal", "refusal"},
                                      {"thinking", "thinking"}}) {
      if (kind != word) continue;
      const json::value* text = object->if_contains(field);
      if (!text || !text->is_string()) fail("content", "a part without " + std::string(field));
      return std::string(text->get_string());
    }
    fail("content", "parts of type \"" + std::string(kind.substr(0, 60)) +
                        "\" are not supported: the loaded model takes text");
  }

  // Templates read one name or the other.
  void add_reasoning(json::object& out) const {
    for (const char* name : {"reasoning", "reasoning_content"}) {
      const json::value* value = given_.if_contains(name);
      if (!value || value->is_null()) continue;
      if (!value->is_string()) fail(name, "expected a string");
      out["reasoning"] = *value;
      out["reasoning_content"] = *value;
      return;
    }
  }

  void add_calls(json::object& out) const {
    const json::value* given = given_.if_contains("tool_calls");
    if (!given || given->is_null()) return;
    if (!given->is_array()) fail("tool_calls", "expected a list");
    json::array calls;
    for (const json::value& value : given->get_array()) {
      const json::object* call = value.if_object();
      const json::value* function = call ? call->if_contains("function") : nullptr;
      if (!function || !function->is_object())
        fail("tool_calls", "expected calls of type function");
      json::object copy = *call;
      json::object inner = function->get_object();
      const json::value* name = inner.if_contains("name");
      if (!name || !name->is_string()) fail("tool_calls", "a function without a name");
      inner["arguments"] = arguments(inner);
      copy["function"] = std::move(inner);
      calls.push_back(std::move(copy));
    }
    if (!calls.empty()) out["tool_calls"] = std::move(calls);
  }

  // An object, whatever the client made of it.
  static json::value arguments(const json::object& function) {
    const json::value* given = function.if_contains("arguments");
    if (given && given->is_object()) return *given;
    if (given && given->is_string()) {
      boost::system::error_code error;
      json::value parsed = json::parse(given->get_string(), error);
      if (!error && parsed.is_object()) return parsed;
    }
    return json::object();
  }

  const json::object& given_;
  const std::string where_;
  const bool parts_;
  std::vector<Image>* images_;
};

}  // namespace

json::array normalised_messages(const json::array& messages, bool parts,
                                std::vector<Image>* images) {
  if (messages.empty())
    throw Failure(Cause::kInvalid, "messages: expected at least one message", "messages");
  json::array out;
  for (size_t i = 0; i < messages.size(); ++i) {
    const json::object* message = messages[i].if_object();
    if (!message) {
      throw Failure(Cause::kInvalid, "messages[" + std::to_string(i) + "]: expected an object",
                    "messages");
    }
    out.push_back(Message(*message, i, parts, images).normalised());
  }
  return out;
}

bool reads_parts(std::string_view text) {
  constexpr std::string_view kLoops[] = {
      "in message['content']", "in message[\"content\"]", "in message.content", "in msg['content']",
      "in msg.content",        "in m['content']",         "in m.content",       "in content",
  };
  return std::any_of(std::begin(kLoops), std::end(kLoops), [&](std::string_view loop) {
    for (size_t at = text.find(loop); at != std::string_view::npos; at = text.find(loop, at + 1)) {
      // A loop, not a test for a word: {% for part in message.content %}
      const size_t begin = text.rfind("{%", at);
      if (begin != std::string_view::npos &&
          text.substr(begin, at - begin).find(" for ") != std::string_view::npos)
        return true;
    }
    return false;
  });
}

}  // namespace vecton::server
