#include "parsers/typed_value.h"

#include <gtest/gtest.h>

#include "parsers/json_scanner.h"
#include "parsers/markers.h"
#include "parsers/python_literal.h"

namespace vecton::parsers {
namespace {

std::string typed(std::string_view text, std::string_view schema) {
  const json::value value = json::parse(schema);
  return typed_value(text, &value.get_object());
}

TEST(TypedValue, FollowsTheSchema) {
  EXPECT_EQ(typed("12", R"({"type":"string"})"), R"("12")");
  EXPECT_EQ(typed("{\"a\":1}", R"({"type":"str"})"), R"("{\"a\":1}")");
  EXPECT_EQ(typed(" 12 ", R"({"type":"integer"})"), "12");
  EXPECT_EQ(typed("12.0", R"({"type":"int"})"), "12");
  EXPECT_EQ(typed("12.5", R"({"type":"integer"})"), R"("12.5")");
  EXPECT_EQ(typed("12.5", R"({"type":["integer","number"]})"), "12.5");
  EXPECT_EQ(typed("1e999", R"({"type":"number"})"), R"("1e999")");
  EXPECT_EQ(typed("nan", R"({"type":"number"})"), R"("nan")");
  EXPECT_EQ(typed("True", R"({"type":"boolean"})"), "true");
  EXPECT_EQ(typed("0", R"({"type":"bool"})"), "false");
  EXPECT_EQ(typed("yes", R"({"type":"boolean"})"), R"("yes")");
  EXPECT_EQ(typed("None", R"({"type":["string","null"]})"), "null");
  EXPECT_EQ(typed("None", R"({"type":"string"})"), R"("None")");
  EXPECT_EQ(typed("{'a': None}", R"({"type":"object"})"), R"({"a": null})");
  EXPECT_EQ(typed("[1, 2", R"({"type":"array"})"), R"("[1, 2")");
  EXPECT_EQ(typed("[1]", R"({"type":"object"})"), R"("[1]")");
  EXPECT_EQ(typed("5", R"({"anyOf":[{"type":"null"},{"type":"integer"}]})"), "5");
  EXPECT_EQ(typed("b", R"({"enum":["a","b"]})"), R"("b")");
  EXPECT_EQ(typed("1", R"({"const":1})"), "1");
  EXPECT_EQ(typed("x", R"({})"), R"("x")");
  EXPECT_EQ(typed_value("[1]", nullptr), "[1]");
  EXPECT_EQ(typed_value("a\n", nullptr), R"("a\n")");
  const json::value text = json::parse(R"({"type":"string"})"),
                    either = json::parse(R"({"enum":["a",1]})");
  EXPECT_TRUE(is_string_only(&text.get_object()));
  EXPECT_FALSE(is_string_only(&either.get_object()));
  EXPECT_FALSE(is_string_only(nullptr));
}

TEST(PythonLiteral, BecomesJson) {
  EXPECT_EQ(json_of_python("{'a': 'x\"', \"b\": [True, None, -1.5, .5, 1.]}"),
            R"({"a": "x\"", "b": [true, null, -1.5, 0.5, 1.0]})");
  EXPECT_EQ(json_of_python("('a' \"b\", )"), R"(["ab"])");
  EXPECT_EQ(json_of_python("'\\n\\x41\\u00e9\\ud83d\\ude00\\q\\\\'"),
            "\"\\nA\u00e9\U0001F600\\\\q\\\\\"");
  EXPECT_EQ(json_of_python("'''a'b'''"), R"("a'b")");
  EXPECT_EQ(json_of_python("{1: 2}"), R"({"1": 2})");
  EXPECT_EQ(json_of_python("'\\ud800'"), "\"\uFFFD\"");
  for (const char* text :
       {"", "f(1)", "[1, 2", "{'a'}", "{[1]: 2}", "'a", "1 2", "a", "'\\x4'", "+"})
    EXPECT_EQ(json_of_python(text), std::nullopt) << text;
  EXPECT_EQ(json_of_python(std::string(100, '[') + std::string(100, ']')), std::nullopt);
}

TEST(PythonLiteral, Calls) {
  const auto call = python_call(" f.g(1, a = 'x', b=[1,],) ");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->name, "f.g");
  EXPECT_EQ(call->arguments, (std::vector<std::pair<std::string, std::string>>{
                                 {"", "1"}, {"a", "\"x\""}, {"b", "[1]"}}));
  for (const char* text : {"f", "f(", "f(a=)", "(1)", "f() g()", "f(a=1 b=2)"})
    EXPECT_FALSE(python_call(text)) << text;
}

TEST(JsonScanner, FindsTheEnd) {
  const auto length = [](std::string_view text) {
    JsonScanner scanner;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto step = scanner.put(text[i]);
      if (step != JsonScanner::Step::kMore) return i + (step == JsonScanner::Step::kLast);
    }
    return text.size() + 1;
  };
  EXPECT_EQ(length(R"({"a": "}\"", "b": [1]} x)"), 22u);
  EXPECT_EQ(length("\"a\" "), 3u);
  EXPECT_EQ(length("12, 3"), 2u);
  EXPECT_EQ(length("true}"), 4u);
  EXPECT_EQ(length("[1, 2"), 6u);
}

TEST(Markers, HoldBackBeginningsOnly) {
  Markers markers({"<a>", "<ab>", "b>"});
  std::string passed, found;
  for (const char c : std::string_view("x<<a<ab>b<c")) {
    if (const auto which = markers.put(c, passed)) found += markers.text(*which);
  }
  EXPECT_EQ(passed, "x<<ab<c");
  EXPECT_EQ(found, "<ab>");
  EXPECT_EQ(markers.flush(), "");
}

}  // namespace
}  // namespace vecton::parsers
