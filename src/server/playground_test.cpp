#include "server/playground.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/base64.h"

namespace vecton::server {
namespace {

std::string header(const HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

// What stands between the first `begin` and the next `end`.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

TEST(Playground, IsForThoseWhoNameHtml) {
  EXPECT_TRUE(
      asks_for_html("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"));
  EXPECT_TRUE(asks_for_html("application/json;q=0.5, Text/HTML ; q=0.9"));
  EXPECT_TRUE(asks_for_html("text/html;level=1"));
  EXPECT_FALSE(asks_for_html(""));
  EXPECT_FALSE(asks_for_html("*/*"));
  EXPECT_FALSE(asks_for_html("text/*"));
  EXPECT_FALSE(asks_for_html("application/json"));
  EXPECT_FALSE(asks_for_html("text/html;q=0, */*"));
  EXPECT_FALSE(asks_for_html("text/html;q=0.5, application/json"));
  EXPECT_FALSE(asks_for_html("text/html;q=,;,,"));
}

TEST(Playground, IsOnePageWithItsParts) {
  const HttpResponse response = playground("");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(header(response, "Vary"), "Accept");
  EXPECT_EQ(between(response.body, "<style>", "</style>"), kPlaygroundCss.text);
  EXPECT_EQ(between(response.body, "<script>", "</script>"), kPlaygroundJs.text);
  for (const char* foreign : {"src=\"", "href=\"http", "@import", "style=\"", "onclick="})
    EXPECT_EQ(response.body.find(foreign), std::string::npos) << foreign;
  EXPECT_EQ(kPlaygroundCss.text.find("url("), std::string_view::npos);
}

TEST(Playground, ItsPolicyNamesItsOwnScriptAndStyleAlone) {
  const std::string policy = header(playground(""), "Content-Security-Policy");
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'sha256-"));
  const std::string digest = between(policy, "script-src 'sha256-", "'");
  const std::string bytes = base::decode_base64(digest).value_or("");
  ASSERT_EQ(bytes.size(), 32u);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hexadecimal;
  for (const char c : bytes) {
    hexadecimal += kDigits[static_cast<unsigned char>(c) >> 4];
    hexadecimal += kDigits[static_cast<unsigned char>(c) & 15];
  }
  EXPECT_EQ(hexadecimal, kPlaygroundJs.sha256);
}

TEST(Playground, IsNotSentAgain) {
  const std::string tag = header(playground(""), "ETag");
  EXPECT_EQ(tag.size(), 26u);
  for (const std::string& known : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
    const HttpResponse response = playground(known);
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(header(response, "ETag"), tag);
  }
  EXPECT_EQ(playground("\"other\"").status, 200);
}

}  // namespace
}  // namespace vecton::server
