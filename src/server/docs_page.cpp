// /docs: the OpenAPI document as a page, for people with a keyboard, a screen reader or no scripts.
#include <algorithm>
#include <limits>
#include <map>

#include "base/json.h"
#include "base/markup.h"
#include "server/openapi.h"

namespace vecton::server {

namespace {

using base::escape_markup;

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#f3f5f7;--line:#c9d1d9;--link:#0b5cad;--mark:#8a3b00}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--paper:#14171a;--soft:#1f2429;--line:#3d444d;--link:#7db7ff;--mark:#ffb070}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
nav ul{columns:16rem;padding-left:1.2rem}
details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:0 .8rem}
details details{border:0;padding:0}
summary{cursor:pointer;padding:.5rem 0;overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
pre{background:var(--soft);padding:.7rem;border-radius:.3rem;white-space:pre-wrap}
.method{font-weight:700;color:var(--mark)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
th,td{text-align:left;vertical-align:top;border-top:1px solid var(--line);padding:.3rem .6rem .3rem 0}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
)";

// What stands between backquotes is code.
std::string prose(std::string_view text) {
  std::string out;
  bool code = false;
  for (const char c : text) {
    if (c == '`') {
      out += code ? "</code>" : "<code>";
      code = !code;
    } else {
      out += escape_markup({&c, 1});
    }
  }
  return code ? out + "</code>" : out;
}

std::string_view text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

std::string last_part(std::string_view reference) {
  return std::string(reference.substr(reference.rfind('/') + 1));
}

// "integer, at least 1", "list of string", "float or base64". Null is not worth a word.
std::string type_text(const json::object& schema) {
  if (const auto reference = text_of(schema, "$ref"); !reference.empty())
    return last_part(reference);
  if (const json::value* only = schema.if_contains("const")) return json::serialize(*only);
  std::string out;
  const auto add = [&out](std::string_view word, const char* between) {
    if (!out.empty() && !word.empty()) out += between;
    out += word;
  };
  if (const json::value* words = schema.if_contains("enum")) {
    for (const json::value& word : words->get_array()) {
      if (!word.is_null()) add(json::serialize(word), " or ");
    }
    return out;
  }
  if (const json::value* kinds = schema.if_contains("anyOf")) {
    for (const json::value& kind : kinds->get_array()) {
      const std::string word = type_text(kind.get_object());
      if (word != "null") add(word, " or ");
    }
    return out;
  }
  const json::value* type = schema.if_contains("type");
  if (!type) return "anything";
  if (type->is_string()) out = type->get_string();
  if (type->is_array()) out = type->get_array().front().get_string();
  if (out == "array") {
    const json::value* items = schema.if_contains("items");
    out = "list" + (items ? " of " + type_text(items->get_object()) : "");
  }
  constexpr struct {
    const char *key, *words;
  } kBounds[] = {{"minimum", "at least "},
                 {"exclusiveMinimum", "more than "},
                 {"maximum", "at most "},
                 {"maxLength", "length at most "},
                 {"maxItems", "at most so many: "}};
  for (const auto& [key, words] : kBounds) {
    const json::value* bound = schema.if_contains(key);
    const bool all = bound && bound->is_int64() &&
                     (bound->get_int64() == std::numeric_limits<int64_t>::max() ||
                      bound->get_int64() == std::numeric_limits<int64_t>::min());
    if (bound && !all) add(words + json::serialize(*bound), ", ");
  }
  return out;
}

void append_fields(std::string& out, const json::object& schema, const std::string& before) {
  const json::value* properties = schema.if_contains("properties");
  if (!properties) return;
  const json::value* required = schema.if_contains("required");
  for (const json::key_value_pair& property : properties->get_object()) {
    const json::string_view name = property.key();
    const json::object& field = property.value().get_object();
    const bool needed =
        required && std::any_of(required->get_array().begin(), required->get_array().end(),
                                [&](const json::value& r) { return r == name; });
    out += "<tr><th scope=\"row\"><code>" + escape_markup(before + std::string(name)) + "</code>" +
           (needed ? " (required)" : "") + "</th><td>" + escape_markup(type_text(field));
    if (const json::value* value_unless_given = field.if_contains("default"))
      out += ", by default " + escape_markup(json::serialize(*value_unless_given));
    out += "</td><td>" + prose(text_of(field, "description")) + "</td></tr>\n";
    append_fields(out, field, before + std::string(name) + ".");
  }
}

void append_body(std::string& out, const std::string& name, const json::object& schema,
                 const json::value& example, const std::string& path) {
  const std::string text = json::serialize(example);
  out += "<h4>" + escape_markup(name) + "</h4>\n<pre>curl http://localhost:8000" +
         escape_markup(path) + " -H 'Content-Type: application/json' -d '" + escape_markup(text) +
         "'</pre>\n";
  out +=
      "<details><summary>Fields</summary><div class=\"scroll\"><table><thead><tr><th "
      "scope=\"col\">field</th><th scope=\"col\">type</th><th scope=\"col\">meaning</th></tr>"
      "</thead><tbody>\n";
  append_fields(out, schema, "");
  out += "</tbody></table></div></details>\n";
}

void append_responses(std::string& out, const json::object& responses) {
  out +=
      "<details><summary>Answers and errors</summary><div class=\"scroll\"><table><thead><tr>"
      "<th scope=\"col\">status</th><th scope=\"col\">what</th><th scope=\"col\">body</th></tr>"
      "</thead><tbody>\n";
  for (const auto& [status, value] : responses) {
    const json::object& response = value.get_object();
    out += "<tr><th scope=\"row\">" + escape_markup(status) + "</th><td>" +
           escape_markup(text_of(response, "description")) + "</td><td>";
    if (const json::value* content = response.if_contains("content")) {
      for (const auto& [type, media] : content->get_object()) {
        const json::object& object = media.get_object();
        out += "<p>" + escape_markup(type) + ": " +
               escape_markup(type_text(object.at("schema").get_object())) + "</p>";
        const json::value* examples = object.if_contains("examples");
        if (!examples || examples->get_object().empty()) continue;
        const json::value& shown = examples->get_object().begin()->value().at("value");
        out += "<pre>" + escape_markup(json::serialize(shown)) + "</pre>";
      }
    }
    out += "</td></tr>\n";
  }
  out += "</tbody></table></div></details>\n";
}

std::string upper(std::string_view word) {
  std::string out;
  for (const char c : word) out += static_cast<char>(c - 'a' + 'A');
  return out;
}

void append_operation(std::string& out, const std::string& path, const std::string& method,
                      const json::object& operation, const json::object& schemas) {
  out += "<details id=\"" + escape_markup(text_of(operation, "operationId")) +
         "\"><summary><span class=\"method\">" + upper(method) + "</span> <code>" +
         escape_markup(path) + "</code> " + prose(text_of(operation, "summary")) + "</summary>\n";
  if (operation.contains("security"))
    out += "<p>Needs a key: <code>Authorization: Bearer KEY</code>.</p>";
  if (const json::value* body = operation.if_contains("requestBody")) {
    const json::value& content = body->at("content").at("application/json");
    for (const auto& [name, example] : content.at("examples").get_object())
      append_body(out, std::string(name), schemas.at(name).get_object(), example.at("value"), path);
  } else {
    out += "<pre>curl" + std::string(method == "get" ? "" : " -X POST") + " http://localhost:8000" +
           escape_markup(path) + "</pre>\n";
  }
  append_responses(out, operation.at("responses").get_object());
  out += "</details>\n";
}

}  // namespace

std::string docs_page(const json::object& document) {
  const json::object& info = document.at("info").get_object();
  const json::object& schemas = document.at("components").at("schemas").get_object();
  std::vector<std::string> order;  // of the tags
  std::map<std::string, std::string> sections, links;
  for (const auto& [path, methods] : document.at("paths").get_object()) {
    for (const auto& [method, value] : methods.get_object()) {
      const json::object& operation = value.get_object();
      const std::string tag(operation.at("tags").at(0).get_string());
      if (!sections.contains(tag)) order.push_back(tag);
      append_operation(sections[tag], std::string(path), std::string(method), operation, schemas);
      links[tag] += "<li><a href=\"#" + escape_markup(text_of(operation, "operationId")) + "\">" +
                    upper(method) + " " + escape_markup(path) + "</a></li>";
    }
  }
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>Vecton: routes</title><link rel=\"icon\" href=\"data:,\"><style>" +
      std::string(kStyle) +
      "</style></head>\n<body><a class=\"skip\" href=\"#routes\">To the routes</a>\n<header><h1>"
      "Vecton " +
      escape_markup(text_of(info, "version")) + "</h1>\n<p>" + prose(text_of(info, "description")) +
      "</p>\n<p>The same for programs: <a href=\"openapi.json\">openapi.json</a>.</p></header>\n";
  out += "<nav aria-label=\"Routes\">";
  for (const std::string& tag : order)
    out += "<h2>" + escape_markup(tag) + "</h2><ul>" + links[tag] + "</ul>\n";
  out += "</nav>\n<main id=\"routes\" tabindex=\"-1\">\n";
  for (const std::string& tag : order)
    out += "<section><h2>" + escape_markup(tag) + "</h2>\n" + sections[tag] + "</section>\n";
  out += "<section><h2>Schemas</h2>\n";
  for (const auto& [name, schema] : schemas) {
    if (schema.get_object().contains("description") || name.ends_with("Request")) continue;
    out += "<details id=\"schema_" + escape_markup(name) + "\"><summary><code>" +
           escape_markup(name) + "</code></summary><pre>" + escape_markup(json::serialize(schema)) +
           "</pre></details>\n";
  }
  return out + "</section></main></body></html>\n";
}

}  // namespace vecton::server
