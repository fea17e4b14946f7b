// Structural tags: both forms of the document, and each of its formats.
#include "grammar/structural_tag.h"

#include <gmock/gmock.h>

#include "grammar/test_vocabulary.h"

namespace vecton::grammar {
namespace {

using ::testing::HasSubstr;
using testing_grammar::compile;
using testing_grammar::refusal;
using testing_grammar::takes;

// The vocabulary has a special token of the name <tool>.
std::optional<std::string> named(std::string_view name) {
  if (name == "<tool>" || name == "[273]") return special_token_bytes("<tool>");
  return std::nullopt;
}

auto of_document(const std::string& document) {
  return compile([document](Grammar& g) { return structural_tag(g, document, named); });
}
auto of_format(const std::string& format) { return of_document("{\"format\":" + format + "}"); }

std::string wrong(const std::string& document, ErrorCode code = ErrorCode::kInvalidArgument) {
  return refusal([&](Grammar& g) { return structural_tag(g, document, named); }, code);
}
std::string wrong_format(const std::string& format, ErrorCode code = ErrorCode::kInvalidArgument) {
  return wrong("{\"format\":" + format + "}", code);
}

void expect(const std::shared_ptr<const CompiledGrammar>& grammar,
            std::initializer_list<const char*> taken, std::initializer_list<const char*> refused) {
  for (const char* text : taken) EXPECT_TRUE(takes(grammar, text)) << text;
  for (const char* text : refused) EXPECT_FALSE(takes(grammar, text)) << text;
}

const std::string kTags =
    R"([{"type":"tag","begin":"<f=a>","content":{"type":"json_schema","json_schema":{"type":"integer"}},"end":"</f>"},
        {"begin":"<f=b>","content":{"type":"const_string","value":"x"},"end":["</f>","</b>"]}])";

std::string triggered(const std::string& more) {
  return R"({"type":"triggered_tags","triggers":["<f="],"tags":)" + kTags + more + "}";
}

TEST(StructuralTagTest, StructuresAndTriggers) {
  const auto grammar = of_document(
      R"({"type":"structural_tag","triggers":["<f=","<g"],"structures":[
          {"begin":"<f=a>","schema":{"type":"integer"},"end":"</f>"},
          {"begin":"<f=b>","schema":{"type":"boolean"},"end":"</f>"}]})");
  expect(grammar,
         {"", "any <text", "<f=a>1</f>", "x<f=a>12</f>y <f=b>true</f> z", "<<f=a>1</f>", "é<f"},
         {"<f=", "x<f=c>", "<f=a>true</f>", "<f=a>1", "<f=a>1</f><f=b>1</f>", "<g", "\xff"});
}

TEST(StructuralTagTest, TriggeredTags) {
  expect(of_format(triggered("")), {"", "x", "x<f=a>1</f>y<f=b>x</b>z"}, {"<f=", "<f=b>y</f>"});
  expect(of_format(triggered(R"(,"stop_after_first":true)")), {"", "x", "x<f=a>1</f>"},
         {"<f=a>1</f>x", "<f=a>1</f><f=a>1</f>"});
  expect(of_format(triggered(R"(,"at_least_one":true)")), {"<f=a>1</f>", "<f=a>1</f>x<f=b>x</f>"},
         {"", "x", "x<f=a>1</f>"});
  expect(of_format(triggered(R"(,"at_least_one":true,"stop_after_first":true)")),
         {"<f=a>1</f>", "<f=b>x</b>"}, {"", "x<f=a>1</f>", "<f=a>1</f>x", "<f=a>1</f><f=a>1</f>"});
  expect(of_format(triggered(R"(,"excludes":["bad"])")), {"ba", "x<f=a>1</f>ba"},
         {"bad", "a bad <f=a>1</f>", "<f=a>1</f>bad"});
}

TEST(StructuralTagTest, TheFirstMarkCounts) {
  // Free text never has a trigger: what seems one begins a tag.
  const auto grammar = of_format(
      R"({"type":"triggered_tags","triggers":["<<"],"tags":[{"begin":"<<f","content":{"type":"const_string","value":"1"},"end":""}]})");
  expect(grammar, {"<", "<<f1", "a<b<<f1<<f1"}, {"<<<f1", "<<", "<<f"});
  const auto text = of_format(
      R"({"type":"tag","begin":"<a>","content":{"type":"any_text"},"end":["</a>","</b>"]})");
  expect(text, {"<a></a>", "<a>x<y</b>", "<a></</a>"}, {"<a>", "<a>x</a>y</a>", "<a>x</b></a>"});
}

TEST(StructuralTagTest, OtherFormats) {
  expect(of_format(R"({"type":"tags_with_separator","separator":",","tags":)" + kTags + "}"),
         {"", "<f=a>1</f>", "<f=a>1</f>,<f=b>x</f>,<f=a>2</f>"},
         {"x", "<f=a>1</f>,", "<f=a>1</f><f=a>1</f>"});
  expect(
      of_format(
          R"({"type":"tags_with_separator","separator":",","at_least_one":true,"stop_after_first":true,"tags":)" +
          kTags + "}"),
      {"<f=a>1</f>"}, {"", "<f=a>1</f>,<f=b>x</f>"});
  expect(
      of_format(
          R"({"type":"sequence","elements":[{"type":"regex","pattern":"a+"},{"type":"or","elements":[{"type":"const_string","value":"b"},{"type":"grammar","grammar":"root ::= \"c\" root | \"d\""}]}]})"),
      {"ab", "aad", "accd"}, {"a", "abd", "ac"});
  expect(
      of_format(
          R"({"type":"sequence","elements":[{"type":"optional","content":{"type":"const_string","value":"a"}},{"type":"star","content":{"type":"const_string","value":"b"}},{"type":"plus","content":{"type":"const_string","value":"c"}},{"type":"repeat","min":1,"max":2,"content":{"type":"const_string","value":"d"}}]})"),
      {"cd", "abbccdd"}, {"aacd", "abd", "c", "cddd"});
  expect(of_format(R"({"type":"any_text","excludes":["x"],"max_chars":3})"), {"", "é日a"},
         {"x", "abcd"});
  expect(
      of_format(
          R"({"type":"dispatch","rules":[["a:",{"type":"regex","pattern":"[0-9]"}],["b:",{"type":"const_string","value":"!"}]],"loop":false})"),
      {"", "xa:1", "b:!"}, {"a:", "a:1x", "b:1"});
  expect(
      of_format(
          R"({"type":"dispatch","rules":[["a:",{"type":"regex","pattern":"[0-9]"}]],"excludes":["no"]})"),
      {"xa:1ya:2z"}, {"no", "a:1no", "a:x"});
}

TEST(StructuralTagTest, MarksAreSpecialTokensToo) {
  const auto grammar = of_format(
      R"({"type":"triggered_tags","triggers":["<tool>"],"tags":[{"begin":"<tool>:","content":{"type":"regex","pattern":"[0-9]"},"end":"<tool>"}]})");
  const auto special = static_cast<int32_t>(testing_grammar::test_tokens().size() - 1);
  for (const bool first : {false, true}) {
    Constraint constraint(grammar);
    EXPECT_TRUE(constraint.accept('a'));
    if (first) {
      EXPECT_TRUE(constraint.accept(special));
    } else {
      for (const char c : std::string("<tool>")) EXPECT_TRUE(constraint.accept(c));
    }
    EXPECT_FALSE(constraint.may_end());
    EXPECT_FALSE(constraint.accept('x'));
    EXPECT_TRUE(constraint.accept(':'));
    EXPECT_TRUE(constraint.accept('7'));
    EXPECT_TRUE(constraint.accept(special));
    EXPECT_TRUE(constraint.may_end());
    EXPECT_TRUE(constraint.accept('b'));
  }
  Constraint token(of_format(R"({"type":"token","token":273})"));
  EXPECT_FALSE(token.accept('<'));
  EXPECT_TRUE(token.accept(special));
  EXPECT_TRUE(token.finished());
}

TEST(StructuralTagTest, ItemsDifferInEachTag) {
  const auto grammar = compile([](Grammar& g) {
    return structural_tag(
        g,
        R"({"type":"structural_tag","structures":[{"begin":"<f>","schema":{"type":"array","uniqueItems":true},"end":"</f>"}],"triggers":["<f>"]})");
  });
  for (const char* text :
       {"[1,1]", "a <f>[1,\"[1,1]\"]</f> [1,1] <f>[1]</f>", "<f>[]</f>[\"<f>[1]</f>"})
    EXPECT_TRUE(takes(grammar, text)) << text;
  for (const char* text : {"<f>[1,1]</f>", "<f>[1]</f> <f>[[1],[1]]</f>"})
    EXPECT_FALSE(takes(grammar, text)) << text;
}

TEST(StructuralTagTest, ErrorsNameThePlace) {
  EXPECT_THAT(wrong("{"), HasSubstr("structural_tag"));
  EXPECT_THAT(wrong("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(wrong("{}"), HasSubstr("'structures' is missing"));
  EXPECT_THAT(wrong(R"({"type":"other","format":{}})"), HasSubstr("'type' has to be"));
  EXPECT_THAT(wrong(R"({"structures":[{"begin":"a","schema":{},"end":"b"}],"triggers":[]})"),
              HasSubstr("'triggers'"));
  EXPECT_THAT(wrong(R"({"structures":[{"begin":"a","schema":{},"end":"b"}],"triggers":["x"]})"),
              HasSubstr("'a' begins with none of the triggers"));
  EXPECT_THAT(
      wrong(R"({"structures":[{"begin":"ab","schema":{},"end":"b"}],"triggers":["a","ab"]})"),
      HasSubstr("two triggers"));
  EXPECT_THAT(
      wrong(R"({"structures":[{"begin":"a","schema":{"type":3},"end":"b"}],"triggers":["a"]})"),
      HasSubstr("structural_tag.structures[0]: json schema"));
  EXPECT_THAT(wrong_format("{}"), HasSubstr("structural_tag.format: 'type' is missing"));
  EXPECT_THAT(wrong_format(R"({"type":"token","token":"<none>"})"), HasSubstr("<none>"));
  EXPECT_THAT(wrong_format(R"({"type":"sequence","elements":[{"type":"or","elements":[]}]})"),
              HasSubstr("format.elements[0]: 'elements'"));
  std::string deep = R"({"type":"const_string","value":"a"})";
  for (int i = 0; i < 80; ++i) deep = R"({"type":"optional","content":)" + deep + "}";
  EXPECT_THAT(wrong_format(deep), HasSubstr("nested too deep"));
}

TEST(StructuralTagTest, WhatIsNotTakenIsRefusedByName) {
  EXPECT_THAT(wrong_format(R"({"type":"any_tokens"})", ErrorCode::kUnsupported),
              HasSubstr("'any_tokens' is not taken"));
  EXPECT_THAT(wrong_format(R"({"type":"json_schema","json_schema":{},"style":"qwen_xml"})",
                           ErrorCode::kUnsupported),
              HasSubstr("'style' is not taken"));
  EXPECT_THAT(wrong_format(R"({"type":"any_text","max_tokens":3})", ErrorCode::kUnsupported),
              HasSubstr("'max_tokens'"));
  EXPECT_THAT(
      wrong_format(R"({"type":"const_string","value":"a","more":1})", ErrorCode::kUnsupported),
      HasSubstr("'more'"));
  EXPECT_THAT(
      wrong_format(R"({"type":"json_schema","json_schema":{"maxContains":1,"contains":{}}})",
                   ErrorCode::kUnsupported),
      HasSubstr("maxContains"));
}

}  // namespace
}  // namespace vecton::grammar
