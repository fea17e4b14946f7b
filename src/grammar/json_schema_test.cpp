// JSON schemas: the documents that they take, and what is refused by name.
#include "grammar/json_schema.h"

#include <gmock/gmock.h>

#include <span>
#include <utility>

#include "grammar/test_vocabulary.h"

namespace vecton::grammar {
namespace {

using ::testing::HasSubstr;
using testing_grammar::compile;
using testing_grammar::refusal;
using testing_grammar::takes;

struct SchemaCase {
  const char* schema;
  std::vector<const char*> yes, no;
};

void check(const std::vector<SchemaCase>& cases, const JsonOptions& options = {}) {
  for (const auto& [schema, yes, no] : cases) {
    const auto grammar = compile(
        [&, text = std::string_view(schema)](Grammar& g) { return json_schema(g, text, options); });
    for (const char* text : yes) EXPECT_TRUE(takes(grammar, text)) << schema << " | " << text;
    for (const char* text : no) EXPECT_FALSE(takes(grammar, text)) << schema << " | " << text;
  }
}

// Of schemas that can't be held exactly, and what is said of each.
void check_refusals(std::span<const std::pair<const char*, const char*>> cases) {
  for (const auto& [schema, message] : cases)
    EXPECT_THAT(refusal([&, text = std::string_view(schema)](
                            Grammar& g) { return json_schema(g, text, {}); },
                        ErrorCode::kUnsupported),
                HasSubstr(message))
        << schema;
}

TEST(JsonSchemaTest, Values) {
  check(
      {{"{}",
        {"1", "-0.5e+3", "\"\\u00e9\\ud83d\\ude00\\/\"", "[1, {\"a\":[]},null]", "{}", "true"},
        {"", "01", "+1", "[1,]", "\"\\ud800\"", "\"\n\"", "{\"a\" 1}", "nul"}},
       {R"({"type":"boolean"})", {"true", "false"}, {"null", "tru"}},
       {R"({"type":["null","integer"]})", {"null", "-12", "0"}, {"-0", "1.5", "1e3", "\"a\""}},
       {R"({"enum":["a",1,1.5,null,{"b":[true]}]})",
        {"\"a\"", "1", "1.5", "null", "{\"b\": [true]}"},
        {"\"b\"", "2", "{}"}},
       {R"({"const":"q\"é\n"})", {R"("q\"é\n")", R"("q\u0022\u00e9\u000A")"}, {R"("q")"}},
       {R"({"enum":["a","b",3],"type":"string","not":{"const":"b"}})", {"\"a\""}, {"\"b\"", "3"}}});
}

TEST(JsonSchemaTest, Strings) {
  check(
      {{R"({"type":"string","minLength":2,"maxLength":3})",
        {"\"ab\"", "\"é😀é\"", R"("\u00e9\ud83d\ude00")"},
        {"\"a\"", "\"abcd\""}},
       {R"({"type":"string","pattern":"^a+$","maxLength":2})",
        {"\"a\"", "\"aa\""},
        {"\"aaa\"", "\"\""}},
       {R"({"type":"string","pattern":"\"$"})", {R"("x\"")", R"("\u0022")"}, {"\"x\""}},
       {R"({"type":"string","not":{"pattern":"b"}})", {"\"a\""}, {"\"ab\""}},
       {R"({"type":"string","format":"date"})", {"\"2024-02-29\""}, {"\"2023-02-29\"", "\"x\""}},
       {R"({"type":"string","format":"password"})", {"\"x\""}, {}},
       {R"({"type":"string","format":"uuid4"})",
        {R"("123e4567-e89b-42d3-a456-426614174000")"},
        {R"("123e4567-e89b-12d3-a456-426614174000")"}},
       {R"({"type":"string","format":"iso-time"})",
        {R"("10:00:00")", R"("10:00:00Z")"},
        {"\"10\""}},
       {R"({"type":"string","format":"json-pointer-uri-fragment"})", {R"("#/a/%20")"}, {R"("/a")"}},
       {R"({"type":"string","pattern":"^\\p{Lu}[\\P{L}_]*$"})",
        {"\"A\"", "\"Ä_1\"", R"("\u00c4")"},
        {"\"a\"", "\"AB\"", "\"1\""}}});
}

TEST(JsonSchemaTest, FormatsThatNoDraftDefinesAreAnnotations) {
  check({{R"({"type":"string","format":"moon"})", {"\"x\""}, {"1"}},
         {R"({"type":["integer","string"],"format":"int64-or-string"})", {"\"x\"", "1"}, {"1.5"}},
         {R"({"not":{"format":"moon","type":"string"}})", {"1"}, {"\"x\""}}});
  const std::pair<const char*, const char*> cases[] = {
      {R"({"format":"datetime"})",
       "'format' at # is 'datetime', which is not known; JSON Schema's name is 'date-time'"},
      {R"({"format":"Date_Time"})", "JSON Schema's name is 'date-time'"},
      {R"({"format":"emial"})", "JSON Schema's name is 'email'"},
      {R"({"format":"hostnames"})", "JSON Schema's name is 'hostname'"},
      {R"({"format":"URI"})", "JSON Schema's name is 'uri'"},
      {R"({"not":{"format":"uri_reference"}})", "'format' at #/not is 'uri_reference'"},
      {R"({"format":"phone"})", "'format' at # is 'phone', which is a format of draft 3"}};
  check_refusals(cases);
}

TEST(JsonSchemaTest, NegatedFormats) {
  check({{R"({"oneOf":[{"type":"string","format":"uri"},{"type":"string"}]})",
          {"\"x\"", "\"http://a b\""},
          {"\"http://a.b/c\""}},
         {R"({"type":"string","not":{"format":"email"}})", {"\"x\""}, {"\"a@b.c\""}},
         {R"({"type":"string","not":{"format":"byte"}})", {"\"%\""}, {"\"YQ==\"", "\"\""}},
         {R"({"type":"string","not":{"format":"regex"}})",
          {"\"*a\"", R"("a\\")"},
          {"\"a\"", "\"a*\"", R"("\\\\")"}}});
}

TEST(JsonSchemaTest, ManyConditions) {
  // Of each kind one holds: none is a combination of its own.
  std::string all, branches;
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    all += std::string(i ? "," : "") + R"({"if":{"properties":{"kind":{"const":"k)" + n +
           R"("}}},"then":{"required":["a)" + n + R"("]}})";
    branches += std::string(i ? "," : "") + R"({"properties":{"b)" + n +
                R"(":{"type":"integer"}},"additionalProperties":false})";
  }
  const std::string conditions =
      R"({"type":"object","properties":{"kind":{"type":"string"}},"required":["kind"],"allOf":[)" +
      all + "]}";
  const std::string one = R"({"type":"object","oneOf":[)" + branches + "]}";
  check({{conditions.c_str(),
          {R"({"kind":"k7","a7":1})", R"({"kind":"other"})", R"({"kind":"k39","a39":null})"},
          {R"({"kind":"k7"})", R"({"kind":"k7","a8":1})", R"({"a7":1})"}},
         {one.c_str(),
          {R"({"b0":1})", R"({"b39":2})"},
          {"{}", R"({"b0":"x"})", R"({"b0":1,"b1":1})"}}});
}

TEST(JsonSchemaTest, NumbersWithinBoundsAreExactlyThose) {
  for (const int low : {-105, -10, -1, 0, 1, 9, 10, 99}) {
    for (const int high : {-100, -1, 0, 5, 10, 100, 1000}) {
      if (high < low) continue;
      const std::string schema = "{\"type\":\"integer\",\"minimum\":" + std::to_string(low) +
                                 ",\"exclusiveMaximum\":" + std::to_string(high + 1) + "}";
      const auto grammar = compile([&](Grammar& g) { return json_schema(g, schema, {}); });
      for (int x = -120; x <= 1010; x += x > 110 && x < 990 ? 40 : 1)
        EXPECT_EQ(takes(grammar, std::to_string(x), false), x >= low && x <= high) << schema << x;
    }
  }
  check({{R"({"type":"number","minimum":-1.25,"exclusiveMaximum":2.5})",
          {"-1.25", "-1.250", "-1", "-0.0", "0", "2.4", "2.499", "1.75"},
          {"-1.26", "2.5", "2.50", "3", "-2", "1e0"}},
         {R"({"type":"number","exclusiveMinimum":0})", {"0.001", "7", "12.5"}, {"0", "0.0", "-1"}},
         {R"({"type":"number","maximum":0,"exclusiveMaximum":true})",
          {"-1", "-0.1"},
          {"0", "-0", "1"}},
         {R"({"type":"integer","minimum":1.5,"maximum":3.5})", {"2", "3"}, {"1", "4"}},
         {R"({"type":"number","multipleOf":0.5})", {"1.5", "-2", "0.50"}, {"0.25", "1.51"}},
         {R"({"type":"integer","multipleOf":6,"minimum":1})", {"6", "600"}, {"0", "7", "-6"}},
         {R"({"type":"number","not":{"type":"integer"}})", {"1.5", "-0.1"}, {"1", "1.0"}},
         {R"({"type":"number","not":{"enum":[1,2.5]}})",
          {"1.5", "3", "2.51"},
          {"1", "1.0", "2.50"}}});
}

TEST(JsonSchemaTest, Arrays) {
  check(
      {{R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})",
        {"[1]", "[1, 2,3]", "[ 1 ]"},
        {"[]", "[1,2,3,4]", "[\"a\"]", "[1 2]"}},
       {R"({"type":"array","prefixItems":[{"type":"null"},{"type":"boolean"}],"items":false})",
        {"[]", "[null]", "[null,true]"},
        {"[true]", "[null,true,1]"}},
       {R"({"type":"array","items":[{"type":"null"}],"additionalItems":{"type":"integer"},"minItems":2})",
        {"[null,1]", "[null,1,2]"},
        {"[null]", "[null,null]"}},
       {R"({"type":"array","items":{"type":"array","items":{}},"minItems":2,"maxItems":2})",
        {"[[],[1]]"},
        {"[[]]", "[[],[],[]]"}},
       {R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
       {R"({"type":"array","maxItems":1,"uniqueItems":true})", {"[]", "[1]"}, {"[1,2]"}}});
}

TEST(JsonSchemaTest, ItemsDiffer) {
  check(
      {{R"({"type":"array","uniqueItems":true})",
        {"[]", "[1]", "[1,\"1\",true,null,[],{}]", "[[1],[1,2],[2,1]]", "[{\"a\":1},{\"a\":2}]",
         "[1,12,2]", "[\"a\",\"ab\",\"\"]", "[{\"a\":1,\"b\":1},{\"b\":1}]"},
        {"[1,1]", "[1, 2,1]", "[\"a\",\"\\u0061\"]", "[1,1.0]", "[10,1e1]", "[0,-0]",
         "[\"\\ud83d\\ude00\",\"😀\"]", "[[1],[1]]", "[[1, 2],[ 1,2 ]]",
         "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", "[{\"a\":1,\"a\":2},{\"a\":2}]", "[null,null]",
         "[{},{}]", "[\"\\n\",\"\\u000a\"]", "[0.10,0.1]"}},
       {R"({"type":"array","uniqueItems":true,"items":{"enum":["a","ab","b"]},"minItems":3})",
        {R"(["a","b","ab"])"},
        {R"(["a","b"])", R"(["a","ab","ab"])", R"(["a","ab","b","a"])"}},
       {R"({"type":"array","uniqueItems":true,"items":{"type":"array","uniqueItems":true,"items":{"type":"boolean"}}})",
        {"[[],[true],[true,false],[false,true],[false]]"},
        {"[[true,true]]", "[[true],[true]]", "[[true],[]", "[[],[]]"}},
       {R"({"type":"array","uniqueItems":true,"prefixItems":[{"type":"null"},{"type":["null","boolean"]}],"items":{"type":"boolean"}})",
        {"[null]", "[null,true,false]"},
        {"[null,null]", "[null,true,true]", "[null,true,false,true]"}},
       {R"({"anyOf":[{"type":"array","uniqueItems":true,"items":{"type":"integer"}},{"type":"array","items":{"const":1}}]})",
        {"[1,1]", "[1,2]", "[1]"},
        {"[1,1,2]", "[2,2]", "[1,2,1]"}},
       {R"({"$defs":{"t":{"type":"array","uniqueItems":true,"items":{"anyOf":[{"const":1},{"$ref":"#/$defs/t"}]}}},"$ref":"#/$defs/t"})",
        {"[1,[1],[]]", "[[[],[1]],1,[]]"},
        {"[1,1]", "[[],[1,[],[]]]", "[[[1]],[[1]]]"}},
       {R"({"properties":{"a":{"type":"array","uniqueItems":true},"b":{"type":"array"}},"type":"object"})",
        {R"({"a":[1],"b":[1,1]})", R"({"b":[[1,1],2]})"},
        {R"({"a":[1,1],"b":[]})"}}});
}

TEST(JsonSchemaTest, NoItemBeginsThatCanOnlyRepeat) {
  // What may follow a text, of single bytes.
  const auto follows = [](const char* schema, std::string_view text) {
    Constraint constraint(
        compile([&](Grammar& g) { return json_schema(g, schema, {.compact = true}); }));
    for (const char c : text) EXPECT_TRUE(constraint.accept(static_cast<unsigned char>(c))) << text;
    std::string out;
    for (int32_t c = 0; c < 256; ++c) {
      if (constraint.allows(c)) out += static_cast<char>(c);
    }
    return out;
  };
  const char* words = R"({"type":"array","uniqueItems":true,"items":{"enum":["ab","ac","b"]}})";
  EXPECT_EQ(follows(words, R"(["ab",")"), "ab");
  EXPECT_EQ(follows(words, R"(["ab","a)"), "c");
  EXPECT_EQ(follows(words, R"(["ab","ac",")"), "b");
  EXPECT_EQ(follows(words, R"(["ab","ac","b")"), "]");
  const char* digits =
      R"({"type":"array","uniqueItems":true,"items":{"type":"integer","minimum":8,"maximum":11}})";
  EXPECT_EQ(follows(digits, "[10,8,"), "19");
  EXPECT_EQ(follows(digits, "[10,8,1"), "1");
  EXPECT_EQ(follows(digits, "[10,8,11,"), "9");
  EXPECT_EQ(follows(digits, "[10,8,11,9"), "]");
  const char* objects =
      R"({"type":"array","uniqueItems":true,"items":{"type":"object","properties":{"a":{"type":"boolean"},"b":{"enum":[1,2]}},"required":["a","b"],"additionalProperties":false}})";
  EXPECT_EQ(follows(objects, R"([{"a":true,"b":1},{"a":)"), "ft");
  EXPECT_EQ(follows(objects, R"([{"a":true,"b":1},{"a":true,"b":)"), "2");
  EXPECT_EQ(follows(objects, R"([{"a":true,"b":1},{"a":true,"b":2},{"a":)"), "f");
  const char* open =
      R"({"type":"array","uniqueItems":true,"items":{"type":"object","additionalProperties":{"const":1}}})";
  EXPECT_EQ(follows(open, R"([{"a":1,"b":1},{"b":1,"a":1)"), ",");
  EXPECT_EQ(follows(open, R"([{"a":1,"b":1},{"b":1)"), ",}");
  const char* same =
      R"({"type":"array","uniqueItems":true,"items":{"type":"number","minimum":1,"maximum":1}})";
  EXPECT_EQ(follows(same, "[1"), ".]");
  EXPECT_EQ(follows(same, "[1.00"), "0]");
}

TEST(JsonSchemaTest, Objects) {
  check(
      {{R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["b"],"additionalProperties":false})",
        {R"({"b":"x"})", R"({"a":1,"b":""})", "{\n  \"a\": 1,\n  \"b\": \"é\"\n}"},
        {"{}", R"({"a":1})", R"({"b":"x","a":1})", R"({"b":"x","c":1})", R"({"a":1 "b":""})"}},
       {R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"boolean"}})",
        {"{}", R"({"a":1,"b":true,"c":false})"},
        {R"({"b":1})", R"({"a":true})", R"({"\u0061":true})"}},
       {R"({"type":"object","patternProperties":{"^x":{"type":"integer"},"y$":{"minimum":5}},"additionalProperties":false})",
        {"{}", R"({"xa":1})", R"({"xy":7,"ay":"s"})"},
        {R"({"xy":1})", R"({"a":1})", R"({"x":"s"})"}},
       {R"({"type":"object","minProperties":2,"maxProperties":3})",
        {R"({"a":1,"b":2})"},
        {"{}", R"({"a":1})", R"({"a":1,"b":2,"c":3,"d":4})"}},
       {R"({"type":"object","properties":{"a":{},"b":{},"c":{}},"maxProperties":1})",
        {"{}", R"({"b":1})", R"({"z":1})"},
        {R"({"a":1,"b":2})"}},
       {R"({"type":"object","propertyNames":{"maxLength":1}})",
        {R"({"a":1,"é":2})"},
        {R"({"ab":1})"}},
       {R"({"type":"object","required":["b"],"properties":{"b":{"type":"null"},"a":false}})",
        {R"({"b":null})"},
        {R"({"a":1,"b":null})"}},
       {R"({"type":"object","dependentRequired":{"a":["b"]},"properties":{"a":{},"b":{}}})",
        {"{}", R"({"b":1})", R"({"a":1,"b":1})"},
        {R"({"a":1})"}}});
  check({{R"({"type":"object","properties":{"a":{}}})", {R"({"a":1})", "{}"}, {R"({"b":1})"}},
         {R"({"type":"object"})", {R"({"b":1})"}, {}}},
        {.closed_objects = true});
}

TEST(JsonSchemaTest, Combinations) {
  check(
      {{R"({"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]})",
        {"1", "\"a\""},
        {"\"ab\"", "null"}},
       {R"({"oneOf":[{"type":"integer"},{"type":"number","minimum":5}]})",
        {"1", "5.5"},
        {"7", "1.5"}},
       {R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}}},{"properties":{"a":{"minimum":3}},"required":["a"]}]})",
        {R"({"a":3})"},
        {"{}", R"({"a":2})"}},
       {R"({"type":"object","properties":{"k":{"type":"string"},"v":{}},"if":{"properties":{"k":{"const":"a"}},"required":["k"]},"then":{"required":["v"]},"else":{"maxProperties":1}})",
        {R"({"k":"a","v":1})", R"({"k":"b"})", "{}"},
        {R"({"k":"a"})", R"({"k":"b","v":1})"}},
       {R"({"$defs":{"t":{"type":"object","properties":{"c":{"type":"array","items":{"$ref":"#/$defs/t"}}},"required":["c"],"additionalProperties":false}},"$ref":"#/$defs/t"})",
        {R"({"c":[]})", R"({"c":[{"c":[]},{"c":[{"c":[]}]}]})"},
        {"{}", R"({"c":[{}]})"}},
       {R"({"definitions":{"a~b":{"$id":"#x","type":"null"}},"anyOf":[{"$ref":"#/definitions/a~0b"},{"$ref":"#x"}]})",
        {"null"},
        {"1"}},
       {R"({"properties":{"n":{"$ref":"#"}},"type":"object","additionalProperties":false})",
        {"{}", R"({"n":{"n":{}}})"},
        {R"({"n":1})"}}});
}

TEST(JsonSchemaTest, WhatDoesNotHold) {
  check(
      {{R"({"type":"array","not":{"items":{"type":"integer"}}})",
        {"[\"a\"]", "[1,null,2]"},
        {"[]", "[1]", "[1,2]"}},
       {R"({"type":"array","not":{"prefixItems":[{"const":1},{"const":2}],"items":{"type":"null"}}})",
        {"[2]", "[1,3]", "[1,2,null,0]"},
        {"[]", "[1]", "[1,2]", "[1,2,null]"}},
       {R"({"type":"array","not":{"uniqueItems":true}})",
        {"[1,1]", "[1,2,3,2]", "[[1],[1]]", "[1,1,1]"},
        {"[]", "[1]", "[1,2]", "[[1],[2]]"}},
       {R"({"type":"array","contains":{"const":1}})", {"[1]", "[2,1]", "[1,1,3]"}, {"[]", "[2]"}},
       {R"({"type":"array","uniqueItems":true,"contains":{"const":1},"minItems":2,"maxItems":2})",
        {"[1,2]", "[2,1]"},
        {"[1]", "[1,1]", "[2,3]", "[1,2,3]"}},
       {R"({"type":"array","not":{"contains":{"type":"null"}}})",
        {"[]", "[1]"},
        {"[null]", "[1,null]"}},
       {R"({"type":"object","not":{"properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}})",
        {"{}", R"({"a":"x"})", R"({"a":1,"b":2})", R"({"b":1})"},
        {R"({"a":1})"}},
       {R"({"type":"object","not":{"patternProperties":{"^x":{"type":"integer"}}}})",
        {R"({"x":"s"})", R"({"x":1,"xy":null})"},
        {"{}", R"({"x":1})", R"({"a":"s"})"}},
       {R"({"type":"object","not":{"propertyNames":{"maxLength":1}}})",
        {R"({"ab":1})", R"({"a":1,"bc":2})"},
        {"{}", R"({"a":1})"}},
       {R"({"not":{"oneOf":[{"type":"integer"},{"minimum":5}]}})",
        {"7", "1.5"},
        {"1", "5.5", "\"a\"", "null"}},
       {R"({"type":"string","not":{"format":"date"}})",
        {"\"x\"", "\"2024-13-01\""},
        {"\"2024-01-01\""}},
       {R"({"type":"string","not":{"format":"date-time"}})",
        {"\"2024-01-01\""},
        {"\"2024-01-01T10:00:00Z\"", "\"2024-12-31T23:59:60Z\""}},
       {R"({"type":"number","not":{"multipleOf":5}})",
        {"1", "5.5", "12"},
        {"0", "5", "-10", "15.0", "1e1"}},
       {R"({"type":"integer","not":{"maximum":3,"exclusiveMaximum":true}})", {"3", "9"}, {"2"}},
       {R"({"type":"object","oneOf":[{"required":["a"],"properties":{"a":{},"b":{}}},{"required":["b"]}]})",
        {R"({"a":1})", R"({"b":1})"},
        {"{}", R"({"a":1,"b":2})"}},
       {R"({"oneOf":[{"type":"array","items":{"type":"string"}},{"type":"array","items":{"enum":["a",1]}}]})",
        {R"(["b"])", "[1]", R"(["a",1])"},
        {"[]", R"(["a"])", R"(["b",1])"}},
       {R"({"oneOf":[{"type":"number"},{"const":1},{"type":"string"}]})",
        {"2", "\"a\""},
        {"1", "1.0"}}});
}

TEST(JsonSchemaTest, FormatOfExpressions) {
  check({{R"({"type":"string","format":"regex"})",
          {R"("")", R"("^(a|[b-y]\\d)*?$")", R"("(?!x(y(z)))é{2,3}")", R"("[^-\\]]+")"},
          {"\"(\"", R"("a**")", R"("[z-a]")", R"("a{3,2}")", R"("\\")", "\")\""}}});
}

TEST(JsonSchemaTest, Whitespace) {
  const char* schema =
      R"({"type":"object","properties":{"a":{"type":"array"}},"required":["a"],"additionalProperties":false})";
  check({{schema,
          {R"({"a":[]})", R"({ "a" : [ ] })", "{\n\t\"a\": [\n  1\n  ]\n}"},
          {"{  \"a\":[]}", "{\n\n\"a\":[]}", " {\"a\":[]}", "{\"a\":[]} "}}});
  check({{schema, {R"({"a":[]})"}, {R"({"a": []})"}}}, {.compact = true});
  check({{schema, {R"({   "a":[]})"}, {"{\n\"a\":[]}"}}}, {.whitespace_pattern = "[ ]*"});
  EXPECT_THAT(refusal([](Grammar& g) { return json_object(g, {.whitespace_pattern = "a?"}); },
                      ErrorCode::kInvalidArgument),
              HasSubstr("whitespace_pattern"));
}

TEST(JsonSchemaTest, WhatIsNotTakenIsNamedWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"properties":{"a":{"type":"array","uniqueItems":true,"items":{"type":"boolean"},"minItems":3}}})",
       "'uniqueItems' at #/properties/a is not taken where there have to be more items"},
      {R"({"type":"array","uniqueItems":true,"prefixItems":[{"enum":[1,2]},{"const":1}],"minItems":2})",
       "'uniqueItems' at # is not taken where there have to be more items"},
      {R"({"contains":{},"minContains":2})", "'minContains' at #"},
      {R"({"contains":{},"maxContains":2})", "'maxContains' at #"},
      {R"({"contains":{},"minItems":500})", "'contains' at #"},
      {R"({"unevaluatedProperties":false})", "'unevaluatedProperties'"},
      {R"({"$ref":"http://x.y/z"})", "'$ref' at # leads to another document"},
      {R"({"$dynamicRef":"#x"})", "'$dynamicRef'"},
      {R"({"not":{"format":"semver"}})", "'format' at #/not can't be negated"},
      {R"({"oneOf":[{"format":"semver"},{"type":"string"}]})",
       "'oneOf' at # has branches that may both hold (1 and 0)"},
      {R"({"type":"array","maxItems":3,"not":{"uniqueItems":true}})", "'uniqueItems' at #"},
      {R"({"pattern":"\\p{Script=Greek}"})", "\\p{Script=Greek} is not taken"},
      {R"({"multipleOf":0.12345678912})", "'multipleOf' at #"},
      {R"({"maxProperties":1000000})", "maxProperties"},
      {R"({"properties":{"a":{},"b":{},"c":{}},"minProperties":2305843009213693951})",
       "minProperties"}};
  check_refusals(cases);
}

TEST(JsonSchemaTest, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "a schema is an object"},
      {R"({"type":"strin"})", "'type' at # is \"strin\""},
      {R"({"minItems":-1})", "'minItems' at #"},
      {R"({"required":[1]})", "'required'"},
      {R"({"properties":[]})", "'properties' at # has to be an object"},
      {R"({"enum":1})", "'enum'"},
      {R"({"$ref":"#/x"})", "leads nowhere"},
      {R"({"items":1})", "#/items is neither"},
      {R"({"pattern":"("})", "a ( without its )"},
      {"{\"\\u0001link\":0}", "U+0001"},
      {"false", "no text satisfies"},
      {R"({"type":"string","not":{"maxLength":9223372036854775807}})", "no text satisfies"},
      {R"({"type":"integer","minimum":3,"maximum":2})", "no text satisfies"},
      {R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})",
       "no text satisfies"},
      {"{", "json schema"}};
  for (const auto& [schema, message] : cases) {
    try {
      compile(
          [&, text = std::string_view(schema)](Grammar& g) { return json_schema(g, text, {}); });
      ADD_FAILURE() << schema;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(message)) << schema;
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << schema;
    }
  }
  std::string deep = "{}";
  for (int i = 0; i < 70; ++i) deep = "{\"items\":" + deep + "}";
  EXPECT_THAT(
      refusal([&](Grammar& g) { return json_schema(g, deep, {}); }, ErrorCode::kInvalidArgument),
      HasSubstr("nests deeper than 64"));
}

TEST(JsonSchemaTest, HostileSchemasEnd) {
  // Every combination of branches would be a schema of its own.
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    all += std::string(i ? "," : "") + R"({"anyOf":[{"properties":{"a)" + n +
           R"(":{"type":"null"}}},{"properties":{"b)" + n + R"(":{"type":"null"}}}]})";
  }
  EXPECT_THAT(refusal([&](Grammar& g) { return json_schema(g, "{\"allOf\":[" + all + "]}", {}); },
                      ErrorCode::kInvalidArgument),
              HasSubstr("too complex"));
}

}  // namespace
}  // namespace vecton::grammar
