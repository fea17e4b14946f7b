#include "server/routes.h"

#include <gtest/gtest.h>

namespace vecton::server {
namespace {

TEST(Routes, AreFoundByMethodAndPath) {
  EXPECT_EQ(find_route("GET", "/health")->status, Status::kHealth);
  EXPECT_EQ(find_route("HEAD", "/health")->status, Status::kHealth);
  EXPECT_EQ(find_route("GET", "/v1/models/org/name")->status, Status::kModel);
  EXPECT_EQ(find_route("GET", "/v1/models/"), nullptr);
  EXPECT_EQ(find_route("POST", "/health"), nullptr);
  EXPECT_EQ(find_route("POST", "/v3/embed"), nullptr);
  EXPECT_TRUE(find_route("POST", "/embed")->works());
}

TEST(Routes, KnowTheirMethods) {
  EXPECT_EQ(allowed_methods("/ping"), "GET, HEAD, POST");
  EXPECT_EQ(allowed_methods("/embed"), "POST");
  EXPECT_EQ(allowed_methods("/nothing"), "");
}

TEST(Routes, OnlyProbesAndTheDescriptionAreOpen) {
  for (const Route& route : routes()) {
    const bool probe = route.path == "/" || route.path == "/health" || route.path == "/ping" ||
                       route.path == "/ready" || route.path == "/openapi.json" ||
                       route.path == "/docs";
    EXPECT_EQ(route.guard == Guard::kOpen, probe && route.status != Status::kNone) << route.path;
    EXPECT_NE(route.has_body(), route.status != Status::kNone) << route.path;
  }
}

TEST(Routes, AnswerBehindAProxysPathToo) {
  EXPECT_EQ(without_root("/embedder/v1/models", "/embedder"), "/v1/models");
  EXPECT_EQ(without_root("/embedder/v1/models", "/embedder/"), "/v1/models");
  EXPECT_EQ(without_root("/embedder", "/embedder"), "/");
  EXPECT_EQ(without_root("/embedders", "/embedder"), "/embedders");
  EXPECT_EQ(without_root("/v1/models", "/embedder"), "/v1/models");
  EXPECT_EQ(without_root("/v1/models", "/v1"), "/v1/models");  // a route of its own
  EXPECT_EQ(without_root("/v1/embed_all", "/v1"), "/embed_all");
  EXPECT_EQ(without_root("/a", ""), "/a");
}

}  // namespace
}  // namespace vecton::server
