// Holds the description of the routes to what the routes are and read.
#include "server/openapi.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "server/routes.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using Names = std::set<std::string>;

// A value that a schema takes: the first that its rules name.
json::value instance(const json::object& schema, const json::object& schemas) {
  if (const json::value* reference = schema.if_contains("$ref")) {
    const std::string_view path = reference->get_string();
    return instance(schemas.at(path.substr(path.rfind('/') + 1)).get_object(), schemas);
  }
  if (const json::value* only = schema.if_contains("const")) return *only;
  if (const json::value* words = schema.if_contains("enum")) return words->get_array().front();
  if (const json::value* kinds = schema.if_contains("anyOf"))
    return instance(kinds->get_array().front().get_object(), schemas);
  const json::value* type = schema.if_contains("type");
  if (!type) return "anything";
  const std::string_view word =
      type->is_array() ? type->get_array().front().get_string() : type->get_string();
  if (word == "string")
    return schema.contains("maxLength") && schema.at("maxLength") == 0 ? "" : "a";
  if (word == "boolean") return true;
  if (word == "integer") return schema.contains("minimum") && schema.at("minimum") == 1 ? 1 : 0;
  if (word == "number") return 1;
  if (word == "null") return nullptr;
  if (word == "array") {
    json::array list;
    if (const json::value* items = schema.if_contains("items");
        items && !schema.contains("maxItems"))
      list.push_back(instance(items->get_object(), schemas));
    return list;
  }
  json::object object;
  if (const json::value* properties = schema.if_contains("properties")) {
    for (const auto& [key, value] : properties->get_object())
      object[key] = instance(value.get_object(), schemas);
  }
  return object;
}

// A server of each kind of model.
std::vector<std::unique_ptr<TestContext>> contexts() {
  std::vector<std::unique_ptr<TestContext>> all;
  const auto add = [&](std::vector<Task> tasks, const std::string& scorer = "") {
    all.push_back(std::make_unique<TestContext>());
    TestContext& test = *all.back();
    test.serve(std::move(tasks), scorer);
    test.info.labels = {"contradiction", "entailment"};
    test.options.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}";
  };
  all.push_back(std::make_unique<TestContext>());
  add({Task::kTokenEmbed});
  add({Task::kScore}, "cross-encoder");
  add({Task::kClassify});
  add({Task::kTokenClassify});
  add({Task::kFillMask});
  add({Task::kSparseEmbed});
  add({Task::kGenerate});
  add({Task::kTokenEmbed, Task::kScore}, "late-interaction");
  all.back()->info.images = true;
  return all;
}

const OperationRow* operation_of(const Route& route) {
  for (const OperationRow* row : described_operations()) {
    if (row->method != route.method) continue;
    for (const std::string_view path : row->paths) {
      if (path == route.path) return row;
    }
  }
  return nullptr;
}

// As the server chooses: a body with `inputs` or `texts` is TEI's where both dialects have a route.
Planner planner_for(const Route& route, const json::object& body) {
  if (!route.openai || !route.tei) return route.openai ? route.openai : route.tei;
  return body.contains("inputs") || body.contains("texts") ? route.tei : route.openai;
}

// Whether some model's server takes `body`.
bool accepted(TestContext& test, Planner planner, const json::object& body) {
  try {
    test.plan(planner, json::serialize(body));
    return true;
  } catch (const Failure&) {
    return false;
  } catch (const Error&) {
    return false;
  }
}

struct Uses {
  Names described, read;
};

// What a route's bodies have, and what is read of them by servers of every kind, by dialect.
std::map<Planner, Uses> uses_of(const Route& route, const OperationRow& row,
                                const json::object& schemas) {
  static const auto servers = contexts();
  std::map<Planner, Uses> all;
  for (const BodyRow* body : row.bodies) {
    const json::object example = json::parse(body->example).as_object();
    const Planner planner = planner_for(route, example);
    Uses& uses = all[planner];
    for (const FieldRows& rows : body->groups) {
      for (const FieldRow& field : rows) uses.described.emplace(field.name);
    }
    std::vector<json::object> bodies = {example};
    for (const auto& [name, field] : schemas.at(body->name).at("properties").get_object()) {
      json::object streamed = example;
      streamed["stream"] = true;  // which some fields ask for
      for (json::object like :
           {example, streamed, json::object(), json::object{{"queries", "a"}}}) {
        like[name] = instance(field.get_object(), schemas);
        if (planner_for(route, like) == planner) bodies.push_back(std::move(like));
      }
    }
    for (const auto& server : servers) {
      for (const json::object& given : bodies) {
        FieldsWatch watch;
        accepted(*server, planner, given);
        uses.read.insert(watch.names.begin(), watch.names.end());
      }
    }
  }
  return all;
}

Names without(const Names& names, const Names& others) {
  Names left;
  for (const std::string& name : names) {
    if (!others.contains(name)) left.insert(name);
  }
  return left;
}

const json::object& document() {
  static const json::object made = openapi_document({});
  return made;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  for (const Route& route : routes()) {
    const OperationRow* row = operation_of(route);
    ASSERT_TRUE(row) << route.method << " " << route.path;
    EXPECT_EQ(route.has_body(), !row->bodies.empty()) << route.path;
  }
  for (const OperationRow* row : described_operations()) {
    for (const std::string_view path : row->paths) {
      const Route* route = find_route(row->method, path == "/v1/models/*" ? "/v1/models/a" : path);
      ASSERT_TRUE(route) << path;
      EXPECT_EQ(route->path, path);
    }
  }
}

TEST(OpenApi, DescribesEveryFieldThatIsReadAndNoOther) {
  const json::object& schemas = document().at("components").at("schemas").get_object();
  for (const Route& route : routes()) {
    const OperationRow* row = operation_of(route);
    if (!row || !route.works()) continue;
    for (const auto& [planner, uses] : uses_of(route, *row, schemas)) {
      EXPECT_EQ(without(uses.read, uses.described), Names()) << route.path << ": not described";
      Names unread = without(uses.described, uses.read);
      // TEI's routes take its members for the body's own, before anything is read.
      if (planner == route.tei) unread.erase("parameters");
      EXPECT_EQ(unread, Names()) << route.path << ": not read";
    }
  }
}

TEST(OpenApi, ExamplesAreTaken) {
  const auto servers = contexts();
  for (const Route& route : routes()) {
    const OperationRow* row = operation_of(route);
    if (!row || !route.works()) continue;
    for (const BodyRow* body : row->bodies) {
      const json::object example = json::parse(body->example).as_object();
      const Planner planner = planner_for(route, example);
      EXPECT_TRUE(
          std::any_of(servers.begin(), servers.end(),
                      [&](const auto& server) { return accepted(*server, planner, example); }))
          << route.path << " " << body->example;
    }
  }
}

void expect_references(const json::value& value, const json::object& schemas) {
  if (const json::array* list = value.if_array()) {
    for (const json::value& item : *list) expect_references(item, schemas);
  }
  const json::object* object = value.if_object();
  if (!object) return;
  for (const auto& [key, item] : *object) {
    if (key == "$ref" && item.is_string()) {
      const std::string_view path = item.get_string();
      EXPECT_TRUE(schemas.contains(path.substr(path.rfind('/') + 1))) << path;
    }
    expect_references(item, schemas);
  }
}

TEST(OpenApi, EveryReferenceHasItsSchema) {
  expect_references(document(), document().at("components").at("schemas").get_object());
}

TEST(OpenApi, ErrorsAreThoseOfTheDialects) {
  const json::object& paths = document().at("paths").get_object();
  const auto statuses = [&](const char* path) {
    Names all;
    for (const auto& [status, response] : paths.at(path).at("post").at("responses").get_object())
      all.emplace(status);
    return all;
  };
  const Names openai = statuses("/v1/embeddings"), tei = statuses("/embed");
  for (const char* status : {"200", "400", "404", "413", "415", "429", "500", "503"})
    EXPECT_TRUE(openai.contains(status)) << status;
  EXPECT_FALSE(openai.contains("422"));
  EXPECT_TRUE(tei.contains("422") && tei.contains("424"));
  EXPECT_FALSE(tei.contains("500"));
  const json::value& full =
      paths.at("/embed").at("post").at("responses").at("429").at("content").at(kJsonType);
  EXPECT_EQ(full.at("examples").at("overloaded").at("value").at("error_type"),
            json::value("Overloaded"));
}

TEST(OpenApi, SaysWhatTheOptionsChange) {
  EXPECT_FALSE(document().at("components").get_object().contains("securitySchemes"));
  EXPECT_FALSE(document().at("paths").get_object().contains("/tokenizer_info"));
  ServerOptions options;
  options.api_keys = {"secret"};
  options.tokenizer_info = true;
  options.root_path = "/embedder";
  const json::object keyed = openapi_document(options);
  EXPECT_TRUE(keyed.at("paths").at("/embed").at("post").get_object().contains("security"));
  EXPECT_FALSE(keyed.at("paths").at("/health").at("get").get_object().contains("security"));
  EXPECT_TRUE(keyed.at("paths").get_object().contains("/tokenizer_info"));
  const auto load = [](const json::object& document) {
    return document.at("paths").at("/models/load").at("post").get_object();
  };
  EXPECT_TRUE(load(document()).at("responses").get_object().contains("403"));
  options.admin_api_keys = {"operator"};
  const json::object guarded = load(openapi_document(options));
  EXPECT_FALSE(guarded.at("responses").get_object().contains("403"));
  EXPECT_TRUE(guarded.contains("security"));
  EXPECT_EQ(keyed.at("servers").at(0).at("url"), json::value("/embedder"));
  EXPECT_EQ(json::serialize(keyed).find("secret"), std::string::npos);
}

TEST(OpenApi, NullIsAsGoodAsNothing) {
  const json::object& schemas = document().at("components").at("schemas").get_object();
  const json::object& fields = schemas.at("EmbeddingsRequest").at("properties").get_object();
  EXPECT_EQ(fields.at("dimensions").at("type"), (json::array{"integer", "null"}));
  EXPECT_EQ(fields.at("truncation_side").at("enum"), (json::array{"left", "right", nullptr}));
  const json::value& query = schemas.at("TeiRerankRequest").at("properties").at("query");
  EXPECT_EQ(query.at("type"), json::value("string"));  // required
}

TEST(DocsPage, HasEveryOperationAndFieldAndNothingFromElsewhere) {
  const std::string page = docs_page(document());
  for (const auto& [path, methods] : document().at("paths").get_object())
    EXPECT_NE(page.find("<code>" + std::string(path) + "</code>"), std::string::npos) << path;
  for (const OperationRow* row : described_operations()) {
    for (const BodyRow* body : row->bodies) {
      for (const FieldRows& rows : body->groups) {
        for (const FieldRow& field : rows) {
          EXPECT_NE(page.find("<code>" + std::string(field.name) + "</code>"), std::string::npos)
              << field.name;
        }
      }
    }
  }
  for (const char* foreign :
       {"<script", "src=", "@import", "url(", "href=\"http", "<link rel=\"style"})
    EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
  EXPECT_NE(page.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_NE(page.find(":focus-visible"), std::string::npos);
}

TEST(DocsPage, EscapesWhatItShows) {
  json::object strange = document();
  strange["info"].get_object()["description"] = "<b>&\"`code`";
  const std::string page = docs_page(strange);
  EXPECT_NE(page.find("&lt;b&gt;&amp;&#34;<code>code</code>"), std::string::npos);
}

}  // namespace
}  // namespace vecton::server
