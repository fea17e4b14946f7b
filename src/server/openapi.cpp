#include "server/openapi.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/json.h"
#include "server/api_keys.h"
#include "server/openai.h"
#include "server/routes.h"
#include "server/tei.h"

namespace vecton::server {

namespace {

// Why a route may refuse, with the message of an example.
struct ErrorRow {
  Cause cause;
  const char* message;
};
constexpr ErrorRow kEveryRoute[] = {
    {Cause::kHttp, "the request's framing is broken"},
    {Cause::kSlow, "the request did not arrive in time"},
    {Cause::kHeadSize, "the headers are larger than 64 KiB"},
};
constexpr ErrorRow kOperatorsRoutes[] = {
    {Cause::kBadJson, "the body is not JSON"},
    {Cause::kShape, ""},
    {Cause::kInvalid, "`org/reranker` is served already, with the options that it has"},
    {Cause::kModelName, "The model `other` does not exist."},
    {Cause::kBodySize, "the body is larger than --payload-limit"},
    {Cause::kContentType, "expected Content-Type: application/json"},
    {Cause::kQueueFull, "the server holds as much as it may"},
    {Cause::kUnavailable, "the server is stopping"},
    {Cause::kInternal, "a file of the model can't be read"},
};
constexpr ErrorRow kRoutesWithBody[] = {
    {Cause::kBadJson, "the body is not JSON"},
    {Cause::kShape, ""},
    {Cause::kEmpty, "`inputs` cannot be empty"},
    {Cause::kBatchSize, "the request has 4096 inputs; at most 2048 are accepted"},
    {Cause::kInvalid, "dimensions: the model gives vectors of another size"},
    {Cause::kTooLong, "the input has more tokens than the model takes"},
    {Cause::kTokenizer, "token id 999999 is out of vocabulary"},
    {Cause::kTask, "the loaded model does not do this"},
    {Cause::kModelName, "The model `other` does not exist."},
    {Cause::kRoute, "the loaded model has no such route"},
    {Cause::kBodySize, "the body is larger than --payload-limit"},
    {Cause::kContentType, "expected Content-Type: application/json"},
    {Cause::kQueueFull, "the queue is full"},
    {Cause::kUnavailable, "the model is being loaded"},
    {Cause::kInternal, "the model gave a number that is not finite"},
};

json::value ref(std::string_view name) {
  return json::object{{"$ref", "#/components/schemas/" + std::string(name)}};
}

bool all_strings(const json::array& values) {
  return std::all_of(values.begin(), values.end(),
                     [](const json::value& value) { return value.is_string(); });
}

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

// A field's schema: words are strings, integers have 64 bits, and null is as good as nothing.
json::object field_schema(const FieldRow& row) {
  json::object schema = json::parse(row.schema).as_object();
  if (const json::value* words = schema.if_contains("enum");
      words && !schema.contains("type") && all_strings(words->get_array()))
    schema["type"] = "string";
  if (schema.contains("type") && schema["type"] == json::value("integer")) {
    schema["format"] = "int64";
    if (!schema.contains("minimum")) schema["minimum"] = -kMost - 1;
    if (!schema.contains("maximum")) schema["maximum"] = kMost;
  }
  if (!row.required && !schema.empty()) {
    if (schema.contains("type") && schema["type"] != json::value("null")) {
      json::value type = schema["type"];
      schema["type"] = json::array{std::move(type), "null"};
      if (json::value* words = schema.if_contains("enum")) words->get_array().emplace_back(nullptr);
    } else if (!schema.contains("type")) {
      json::object wrapped;
      wrapped["anyOf"] = json::array{std::move(schema), json::object{{"type", "null"}}};
      schema = std::move(wrapped);
    }
  }
  schema["description"] = row.about;
  return schema;
}

// What is required must be there and no null, which is as good as nothing.
json::value without_nulls(const json::value& rules) {
  if (const json::array* list = rules.if_array()) {
    json::array out;
    for (const json::value& rule : *list) out.push_back(without_nulls(rule));
    return out;
  }
  if (!rules.is_object()) return rules;
  json::object out;
  for (const auto& [key, rule] : rules.get_object())
    out[key] = key == "required" ? rule : without_nulls(rule);
  const json::value* const required = rules.get_object().if_contains("required");
  if (!required) return out;
  json::value& properties = out["properties"];
  json::object& fields =
      properties.is_object() ? properties.get_object() : properties.emplace_object();
  for (const json::value& name : required->get_array()) {
    if (!fields.contains(name.get_string()))
      fields[name.get_string()] = json::object{{"not", json::object{{"type", "null"}}}};
  }
  return out;
}

void add_field(json::object& schema, const FieldRow& row, std::string_view name) {
  json::object& properties = schema["properties"].is_object()
                                 ? schema["properties"].get_object()
                                 : schema["properties"].emplace_object();
  if (const size_t dot = name.find('.'); dot != std::string_view::npos) {
    // Its object stands before it.
    return add_field(properties.at(name.substr(0, dot)).get_object(), row, name.substr(dot + 1));
  }
  properties[name] = field_schema(row);
  if (!row.required) return;
  if (!schema.contains("required")) schema["required"] = json::array();
  schema["required"].get_array().emplace_back(name);
}

std::string operation_id(std::string_view method, std::string_view path) {
  std::string id;
  for (const char c : method) id += static_cast<char>(c - 'A' + 'a');
  for (const char c : path == "/" ? std::string_view("/root") : path)
    id += c == '/' || c == '.' ? '_' : c;
  if (id.ends_with("_*")) id.replace(id.size() - 1, 1, "name");
  return id;
}

Failure failure_of(const ErrorRow& row) {
  if (row.cause != Cause::kShape) return {row.cause, row.message};
  return Failure({{"body.field", "missing", "field required"}});
}

void add_example(json::object& responses, int status, const std::string& type,
                 const std::string& name, json::value example) {
  const std::string code = std::to_string(status);
  if (!responses.contains(code))
    responses[code] = json::object{{"description", ""}, {"content", json::object()}};
  json::object& response = responses[code].get_object();
  std::string about(response["description"].get_string());
  if (about.find(name) == std::string::npos)
    response["description"] = about + (about.empty() ? "" : ", ") + name;
  json::object& content = response["content"].get_object();
  const std::string media = type.substr(0, type.find(';'));
  if (!content.contains(media)) {
    const bool is_json = media == kJsonType;
    content[media] = json::object{
        {"schema", is_json ? ref("Error") : json::value(json::object{{"type", "string"}})},
        {"examples", json::object()}};
  }
  json::object& examples = content[media].get_object()["examples"].get_object();
  std::string key = name;
  std::replace(key.begin(), key.end(), ' ', '_');
  while (examples.contains(key)) key += "_2";
  examples[key] = json::object{{"value", std::move(example)}};
  if (status == 429 || status == 503) {
    response["headers"] =
        json::object{{"Retry-After", json::object{{"schema", json::object{{"type", "integer"}}},
                                                  {"description", "Seconds."}}}};
  }
}

void add_errors(json::object& responses, Refusal refuse, std::span<const ErrorRow> rows) {
  for (const ErrorRow& row : rows) {
    const HttpResponse answer = refuse(failure_of(row), 512);
    const bool is_json = answer.content_type == kJsonType;
    add_example(responses, answer.status, answer.content_type, to_string(row.cause),
                is_json ? json::parse(answer.body) : json::value(answer.body));
  }
}

json::object responses_of(const Route& route, const OperationRow& row) {
  json::object good{{"description", row.summary}};
  json::object content;
  if (row.answer) content[kJsonType] = json::object{{"schema", ref(row.answer)}};
  std::string_view others = row.other_types ? row.other_types : "";
  while (!others.empty()) {
    const std::string_view other = others.substr(0, others.find(','));
    others.remove_prefix(std::min(other.size() + 1, others.size()));
    json::object schema{{"type", "string"}};
    if (other == "application/octet-stream") schema["format"] = "binary";
    // An event has `data`, and in some dialects a name.
    if (other == "text/event-stream") schema["type"] = json::array{"string", "object"};
    content[other] = json::object{{"schema", std::move(schema)}};
  }
  if (route.status == Status::kMetrics)
    content["application/openmetrics-text"] =
        json::object{{"schema", json::object{{"type", "string"}}}};
  if (!content.empty()) good["content"] = std::move(content);
  const auto header = [](const char* type, const char* about) {
    return json::object{{"schema", json::object{{"type", json::string(type)}}},
                        {"description", about}};
  };
  good["headers"] = json::object{{"X-Request-Id", header("string", "The request's.")}};
  if (route.works()) {
    json::object& headers = good["headers"].get_object();
    headers["x-truncated-inputs"] = header("integer", "How many inputs were cut.");
    headers["Warning"] = header("string", "What the client should know.");
  }
  json::object responses{{"200", std::move(good)}};
  add_errors(responses, route.refusal(), kEveryRoute);
  if (route.works()) add_errors(responses, route.refusal(), kRoutesWithBody);
  if (route.operation != Operation::kNone) add_errors(responses, route.refusal(), kOperatorsRoutes);
  if (route.openai && route.tei) add_errors(responses, tei::refuse, kRoutesWithBody);
  constexpr ErrorRow kUnavailable[] = {{Cause::kUnavailable, "the model is being loaded"}};
  constexpr ErrorRow kName[] = {{Cause::kModelName, "The model `other` does not exist."}};
  switch (route.status) {
    case Status::kRoot:
    case Status::kHealth:
    case Status::kReady:
    case Status::kInfo:
      add_errors(responses, route.refusal(), kUnavailable);
      break;
    case Status::kTokenizer:
      add_errors(responses, route.refusal(), kUnavailable);
      add_errors(responses, route.refusal(), kName);
      break;
    case Status::kModel:
      add_errors(responses, route.refusal(), kName);
      break;
    default:
      break;
  }
  return responses;
}

// A key of its own opens it, or nobody may.
void add_operators_key(const ServerOptions& options, const Route& route, json::object& operation) {
  json::object& responses = operation["responses"].get_object();
  if (options.admin_api_keys.empty()) {
    constexpr ErrorRow kNobody[] = {{Cause::kForbidden, "start the server with --admin-api-key"}};
    return add_errors(responses, route.refusal(), kNobody);
  }
  operation["security"] = json::array{json::object{{"key", json::array()}}};
  add_example(responses, 401, std::string(kJsonType), "unauthorized",
              json::object{{"error", "Unauthorized"}});
}

json::object operation_of(const ServerOptions& options, const Route& route,
                          const OperationRow& row) {
  json::object operation{{"operationId", operation_id(route.method, route.path)},
                         {"summary", row.summary},
                         {"tags", json::array{row.tag}}};
  if (route.path.ends_with('*')) {
    operation["parameters"] =
        json::array{json::object{{"name", "name"},
                                 {"in", "path"},
                                 {"required", true},
                                 {"description", "The model."},
                                 {"schema", json::object{{"type", "string"}, {"minLength", 1}}}}};
  }
  if (route.status == Status::kTokenizer) {
    operation["parameters"] =
        json::array{json::object{{"name", "model"},
                                 {"in", "query"},
                                 {"description", "A name that is served; by default the first."},
                                 {"schema", json::object{{"type", "string"}}}}};
  }
  if (!row.bodies.empty()) {
    json::array schemas;
    json::object examples;
    for (const BodyRow* body : row.bodies) {
      schemas.push_back(ref(body->name));
      examples[body->name] = json::object{{"value", json::parse(body->example)}};
    }
    json::value schema =
        schemas.size() == 1 ? schemas[0] : json::value(json::object{{"anyOf", schemas}});
    operation["requestBody"] = json::object{
        {"required", true},
        {"content", json::object{{kJsonType, json::object{{"schema", std::move(schema)},
                                                          {"examples", examples}}}}}};
  }
  operation["responses"] = responses_of(route, row);
  if (route.guard == Guard::kOperator) add_operators_key(options, route, operation);
  const bool key =
      route.guard == Guard::kKey || (route.guard == Guard::kMetrics && !options.open_metrics);
  if (key && needs_key(options)) {
    operation["security"] = json::array{json::object{{"key", json::array()}}};
    add_example(operation["responses"].get_object(), 401, std::string(kJsonType), "unauthorized",
                json::object{{"error", "Unauthorized"}});
  }
  return operation;
}

std::string template_of(std::string_view path) {
  std::string out(path);
  if (out.ends_with('*')) out.replace(out.size() - 1, 1, "{name}");
  return out;
}

}  // namespace

std::vector<const OperationRow*> described_operations() {
  std::vector<const OperationRow*> all;
  for (const auto& rows :
       {pooling_operations(), tei_operations(), generation_operations(), status_operations()}) {
    for (const OperationRow& row : rows) all.push_back(&row);
  }
  return all;
}

json::object body_schema(const BodyRow& body) {
  json::object schema{{"type", "object"}};
  for (const FieldRows& rows : body.groups) {
    for (const FieldRow& row : rows) add_field(schema, row, row.name);
  }
  if (!body.rules.empty()) {
    json::array rules;
    for (const char* rule : body.rules) rules.push_back(without_nulls(json::parse(rule)));
    schema["allOf"] = std::move(rules);
  }
  return schema;
}

json::object openapi_document(const ServerOptions& options) {
  json::object schemas, paths;
  for (const SchemaRow& row : shared_schemas()) schemas[row.name] = json::parse(row.schema);
  for (const OperationRow* row : described_operations()) {
    for (const BodyRow* body : row->bodies) schemas[body->name] = body_schema(*body);
    for (const std::string_view path : row->paths) {
      if (path == kTokenizerInfo && !options.tokenizer_info) continue;
      const Route* route = find_route(row->method, path);
      json::value& methods = paths[template_of(path)];
      if (!methods.is_object()) methods.emplace_object();
      methods.get_object()[row->method == "GET" ? "get" : "post"] =
          operation_of(options, *route, *row);
    }
  }
  json::object components{{"schemas", std::move(schemas)}};
  if (needs_key(options) || !options.admin_api_keys.empty())
    components["securitySchemes"] =
        json::object{{"key", json::object{{"type", "http"}, {"scheme", "bearer"}}}};
  const std::string root = options.root_path.empty() ? "/" : options.root_path;
  return {
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "Vecton"},
                            {"version", version()},
                            {"description",
                             "Embeddings, reranking, classification and text generation in the "
                             "dialects of OpenAI, vLLM, TEI, Cohere, Anthropic and Ollama. A route "
                             "whose task the loaded model does not have answers with an error that "
                             "says what it does."}}},
      {"servers", json::array{json::object{{"url", root}}}},
      {"paths", std::move(paths)},
      {"components", std::move(components)},
  };
}

}  // namespace vecton::server
