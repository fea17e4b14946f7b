#include "server/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vecton::server {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

TEST(Headers, JsonTypes) {
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8",
                           "application/vnd.api+json", "application/json ;x"}) {
    EXPECT_TRUE(is_json_type(type, false)) << type;
  }
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json"}) {
    EXPECT_FALSE(is_json_type(type, true)) << type;
  }
  EXPECT_TRUE(is_json_type("", true));
  EXPECT_FALSE(is_json_type("", false));
}

TEST(Headers, TimingsAreMeansAndCountsAreSums) {
  Result a, b;
  a.timings = {.tokenization = 0.001, .queue = 0.010, .inference = 0.5};
  b.timings = {.tokenization = 0.003, .queue = 0.020, .inference = 0.5};
  a.usage.prompt_tokens = 3;
  b.usage.prompt_tokens = 4;
  b.usage.truncated = true;
  HttpResponse response;
  add_timings(response, std::vector<Result>{a, b}, 0.6, 12);
  EXPECT_THAT(response.headers, Contains(Pair("x-tokenization-time", "2")));
  EXPECT_THAT(response.headers, Contains(Pair("x-queue-time", "15")));
  EXPECT_THAT(response.headers, Contains(Pair("x-inference-time", "500")));
  EXPECT_THAT(response.headers, Contains(Pair("x-total-time", "600")));
  EXPECT_THAT(response.headers, Contains(Pair("x-compute-tokens", "7")));
  EXPECT_THAT(response.headers, Contains(Pair("x-compute-characters", "12")));
  EXPECT_THAT(response.headers, Contains(Pair("x-truncated-inputs", "1")));
}

TEST(Headers, OnlyAllowedOriginsRead) {
  HttpResponse response;
  add_origin(response, "", {"*"});
  add_origin(response, "http://a", {});
  EXPECT_THAT(response.headers, IsEmpty());
  add_origin(response, "http://b", {"http://a", "http://b"});
  EXPECT_THAT(response.headers, Contains(Pair("Access-Control-Allow-Origin", "http://b")));
  EXPECT_THAT(response.headers, Contains(Pair("Vary", "Origin")));
}

TEST(Headers, AnswersVaryByOriginWhereSomeAreAllowed) {
  for (const char* origin : {"http://refused", "http://b", ""}) {
    HttpResponse response;
    add_origin(response, origin, {"http://b"});
    EXPECT_THAT(response.headers, Contains(Pair("Vary", "Origin"))) << origin;
  }
  HttpResponse anybody;
  add_origin(anybody, "http://a", {"*"});
  EXPECT_THAT(anybody.headers, Not(Contains(Pair("Vary", testing::_))));
  HttpResponse asked = preflight("/v1/embeddings", "http://refused", "x-a", {"http://b"});
  add_origin(asked, "http://refused", {"http://b"});
  EXPECT_THAT(asked.headers, Contains(Pair("Vary", "Access-Control-Request-Headers, Origin")));
}

std::string value_of(const HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Headers, PreflightsAllowWhatAnAllowedOriginAsksFor) {
  const std::string asked = "authorization, x-stainless-os,x-stainless-lang,\tx bad, ,\r\nx:evil";
  const auto allowed = [&](const std::string& origin, const std::vector<std::string>& origins) {
    return value_of(preflight("/v1/embeddings", origin, asked, origins),
                    "Access-Control-Allow-Headers");
  };
  const std::string own = "Authorization, Content-Type, X-Request-Id";
  EXPECT_EQ(allowed("http://a", {"*"}),
            own + ", authorization, x-stainless-os, x-stainless-lang, xbad");
  EXPECT_EQ(allowed("http://a", {"http://a"}), allowed("http://a", {"*"}));
  EXPECT_EQ(allowed("http://a", {"http://b"}), own);
  EXPECT_EQ(allowed("", {"*"}), own);
}

TEST(Headers, WarningsAreOneHeader) {
  HttpResponse response;
  add_warnings(response, {});
  EXPECT_THAT(response.headers, IsEmpty());
  add_warnings(response, std::vector<std::string>{"a \"b\"", "c\nd"});
  EXPECT_EQ(value_of(response, "Warning"), "299 vecton \"a \\\"b\\\"\", 299 vecton \"c?d\"");
}

TEST(Headers, QueriesHaveValues) {
  EXPECT_EQ(query_value("a=1&model=org%2Fa+b&model=c", "model"), "org/a b");
  EXPECT_EQ(query_value("model", "model"), "");
  EXPECT_EQ(query_value("", "model"), std::nullopt);
  EXPECT_EQ(query_value("models=a&a=model", "model"), std::nullopt);
}

}  // namespace
}  // namespace vecton::server
