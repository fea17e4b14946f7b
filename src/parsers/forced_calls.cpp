#include "parsers/forced_calls.h"

#include <string>
#include <utility>
#include <vector>

#include "parsers/call_syntax.h"

namespace vecton::parsers {

namespace {

// {"type":"array","items":{"anyOf":[a call of each tool]}}.
std::string calls_schema(const json::array& tools, bool parallel) {
  json::array calls;
  json::object definitions;
  for (const json::value& tool : tools) {
    const json::object& function = tool.at("function").get_object();
    json::value parameters = json::object{{"type", "object"}};
    if (const json::value* given = function.if_contains("parameters");
        given && given->is_object()) {
      json::object schema = given->get_object();
      for (const char* key : {"$defs", "definitions"}) {
        if (const json::value* defs = schema.if_contains(key); defs && defs->is_object()) {
          for (const auto& [name, definition] : defs->get_object()) definitions[name] = definition;
          if (std::string_view(key) == "$defs") schema.erase(key);
        }
      }
      parameters = std::move(schema);
    }
    calls.push_back(json::object{
        {"type", "object"},
        {"properties",
         json::object{{"name", json::object{{"enum", json::array{function.at("name")}}}},
                      {"parameters", std::move(parameters)}}},
        {"required", json::array{"name", "parameters"}},
        {"additionalProperties", false}});
  }
  json::object schema{
      {"type", "array"}, {"minItems", 1}, {"items", json::object{{"anyOf", std::move(calls)}}}};
  if (!parallel) schema["maxItems"] = 1;
  if (!definitions.empty()) schema["$defs"] = std::move(definitions);
  return json::serialize(schema);
}

// The functions that may be called.
std::vector<const json::object*> callable(const json::array& tools, const ParserOptions& parser) {
  std::vector<const json::object*> functions;
  for (const json::value& tool : tools) {
    const json::object& function = tool.at("function").get_object();
    if (parser.calling == Calling::kRequired || function.at("name") == json::value(parser.named))
      functions.push_back(&function);
  }
  return functions;
}

std::string parameters_of(const json::object& function) {
  const json::value* parameters = function.if_contains("parameters");
  return parameters && parameters->is_object() ? json::serialize(*parameters)
                                               : R"({"type":"object"})";
}

// A grammar in Lark's notation, piece by piece.
class GrammarText {
 public:
  explicit GrammarText(const TokenId& token_id) : token_id_(token_id) {}

  // The special tokens in `text` are named, the rest is quoted.
  std::string quoted(std::string_view text) const {
    std::string out, plain;
    const auto flush = [&] {
      if (!plain.empty()) out += " \"" + std::exchange(plain, {}) + "\"";
    };
    while (!text.empty()) {
      if (const auto [id, size] = token_at(text); size > 0) {
        flush();
        out += " <[" + std::to_string(id) + "]>";
        text.remove_prefix(size);
        continue;
      }
      const char c = text.front();
      text.remove_prefix(1);
      if (c == '\n') {
        plain += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') plain += '\\';
      plain += c;
    }
    flush();
    return out;
  }

 private:
  // A token of the vocabulary, between brackets, that `text` begins with; its size is 0 if none.
  std::pair<int32_t, size_t> token_at(std::string_view text) const {
    const char close = text.front() == '<' ? '>' : text.front() == '[' ? ']' : '\0';
    const size_t end = close ? text.find(close) : std::string_view::npos;
    if (end == std::string_view::npos) return {0, 0};
    const auto id = token_id_(text.substr(0, end + 1));
    return id ? std::pair(*id, end + 1) : std::pair(0, size_t{0});
  }

  const TokenId& token_id_;
};

std::string grammar_of(const TokenId& token_id, const CallSyntax& syntax,
                       const std::vector<const json::object*>& functions, bool one) {
  const GrammarText text(token_id);
  std::string out = "start:";
  if (syntax.thinking_begin.empty()) {
    out += " /\\n{0,2}/";
  } else {
    out += " (" + text.quoted(syntax.thinking_begin) + " /(.|\\n)*/" +
           text.quoted(syntax.thinking_end) + ")*";
  }
  out += text.quoted(syntax.begin) + " call";
  if (syntax.separator && !one) out += " (" + text.quoted(*syntax.separator) + " call)*";
  out += text.quoted(syntax.end) + "\ncall:";
  std::string arguments;
  for (size_t i = 0; i < functions.size(); ++i) {
    std::string name(functions[i]->at("name").get_string());
    if (syntax.before.ends_with('"')) {  // it is a JSON string
      name = json::serialize(functions[i]->at("name"));
      name = name.substr(1, name.size() - 2);
    }
    const std::string rule = "arguments" + std::to_string(i);
    out += (i ? " |" : "") +
           text.quoted(std::string(syntax.before) + name + std::string(syntax.between)) + " " +
           rule + text.quoted(syntax.after);
    arguments += "\n" + rule + ": %json " + parameters_of(*functions[i]);
  }
  return out + arguments + "\n";
}

}  // namespace

StructuredOutput forced_calls(const json::array& tools, bool parallel,
                              std::string_view chat_template, const TokenId& token_id,
                              ParserOptions& parser) {
  StructuredOutput structure;
  const auto functions = callable(tools, parser);
  const bool one = parser.calling == Calling::kNamed || !parallel;
  if (const auto syntax = call_syntax(parser.formats.tool_calls, chat_template)) {
    parser.own_format = true;
    structure.kind = Grammar{grammar_of(token_id, *syntax, functions, one)};
  } else if (parser.calling == Calling::kNamed) {
    structure.kind = JsonSchema{parameters_of(*functions.front())};
  } else {
    structure.kind = JsonSchema{calls_schema(tools, parallel)};
  }
  return structure;
}

}  // namespace vecton::parsers
