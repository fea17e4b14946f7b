#include "server/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "server/http_post.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

constexpr const char* kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr const char* kSpan = "00f067aa0ba902b7";

uint64_t counted() {
  static uint64_t id = 0;
  return ++id;
}

std::string header(const std::string& version = "00", const std::string& flags = "01") {
  return version + "-" + kTrace + "-" + kSpan + "-" + flags;
}

TEST(Trace, ReadsW3cHeaders) {
  const auto parent = parse_traceparent(header());
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->trace_id, kTrace);
  EXPECT_EQ(parent->span_id, kSpan);
  EXPECT_TRUE(parent->sampled);
  EXPECT_FALSE(parse_traceparent(header("00", "00"))->sampled);
  EXPECT_FALSE(parse_traceparent(header("00", "0a"))->sampled);
  EXPECT_TRUE(parse_traceparent(header("00", "0b"))->sampled);
  EXPECT_TRUE(parse_traceparent(header("cc") + "-more"));  // of a version to come
}

TEST(Trace, BeginsAnewWhereTheHeaderIsNone) {
  const std::string good = header();
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_traceparent(good.substr(0, size))) << size;
  std::string upper = good, zero = good;
  upper[4] = 'B';
  zero.replace(3, 32, 32, '0');
  for (const std::string& wrong :
       {good + "-more", good + "0", header("ff"), header("0g"), header("00", "zz"), upper, zero})
    EXPECT_FALSE(parse_traceparent(wrong)) << wrong;
}

TEST(Trace, BecomesOtlp) {
  Trace trace(parse_traceparent(header()), counted);
  trace.working();
  trace.submitted();
  std::vector<Result> results(2);
  results[0].timings = {.tokenization = 0.001, .queue = 0.002, .inference = 0.003};
  results[1].timings = {.tokenization = 0.001, .queue = 0.5, .inference = 0.25};
  trace.computed(results);
  trace.set("gen_ai.request.id", std::string("a \"quote\""));
  trace.set("gen_ai.usage.prompt_tokens", int64_t{7});
  trace.end(500, "internal");
  const json::value document = json::parse(otlp_json({&trace, 1}, "my service"));
  const json::object& resource = document.at("resourceSpans").at(0).as_object();
  EXPECT_EQ(resource.at("resource").at("attributes").at(0).at("value").at("stringValue"),
            "my service");
  const json::array& spans = resource.at("scopeSpans").at(0).at("spans").as_array();
  ASSERT_EQ(spans.size(), 6u);
  const json::object& request = spans[0].as_object();
  EXPECT_EQ(request.at("name"), "llm_request");
  EXPECT_EQ(request.at("traceId"), kTrace);
  EXPECT_EQ(request.at("parentSpanId"), kSpan);
  EXPECT_EQ(request.at("kind"), 2);
  EXPECT_EQ(request.at("status").at("code"), 2);
  const std::string attributes = json::serialize(request.at("attributes"));
  EXPECT_THAT(attributes,
              HasSubstr(R"({"key":"gen_ai.usage.prompt_tokens","value":{"intValue":"7"}})"));
  EXPECT_THAT(attributes, HasSubstr(R"({"stringValue":"a \"quote\""})"));
  std::vector<std::string> names;
  for (const json::value& span : spans) {
    names.emplace_back(span.at("name").as_string());
    EXPECT_EQ(span.at("traceId"), kTrace);
    const auto time = [&](const char* key) { return std::stoll(span.at(key).as_string().c_str()); };
    EXPECT_LE(time("startTimeUnixNano"), time("endTimeUnixNano"));
    if (names.size() > 1) {
      EXPECT_EQ(span.at("parentSpanId"), request.at("spanId"));
    }
    if (names.back() == "queue") {
      EXPECT_EQ(time("endTimeUnixNano") - time("startTimeUnixNano"), 500'000'000);
    }
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("llm_request", "parse", "tokenize", "queue",
                                                   "compute", "render"));
}

TEST(Trace, TakesAddressesOfHttp) {
  const auto parse = [](const std::string& url) {
    const HttpAddress a = HttpAddress::parse(url, "/v1/traces", "otlp-traces-endpoint");
    return std::string(a.encrypted ? "tls " : "") + a.host + " " + a.port + " " + a.path;
  };
  EXPECT_EQ(parse("http://localhost:4318"), "localhost 4318 /v1/traces");
  EXPECT_EQ(parse("http://localhost:4318/"), "localhost 4318 /v1/traces");
  EXPECT_EQ(parse("https://a.example/otlp?x=1"), "tls a.example 443 /otlp?x=1");
  EXPECT_EQ(parse("http://[::1]:9"), "::1 9 /v1/traces");
  EXPECT_EQ(parse("http://[::1]/x"), "::1 80 /x");
  for (const char* wrong : {"", "localhost:4318", "grpc://localhost:4317", "http://", "http://a:b",
                            "http://a:", "http://user@a", "http://a/b c", "http://a:123456"})
    EXPECT_THROW(parse(wrong), Error) << wrong;
}

}  // namespace
}  // namespace vecton::server
