// Masks and accepted tokens of whole grammars; EBNF and choices.
#include "grammar/constraint.h"

#include <gmock/gmock.h>

#include "grammar/ebnf.h"
#include "grammar/json_schema.h"
#include "grammar/test_vocabulary.h"

namespace vecton::grammar {
namespace {

using ::testing::HasSubstr;
using testing_grammar::compile;
using testing_grammar::refusal;
using testing_grammar::takes;

auto of_ebnf(const char* text) {
  return compile([&](Grammar& g) { return ebnf(g, text); });
}

TEST(ConstraintTest, ChoicesAndExpressions) {
  const auto choices = compile([](Grammar& g) { return choice(g, {"abc", "ab", "né"}); });
  for (const char* text : {"abc", "ab", "né"}) EXPECT_TRUE(takes(choices, text)) << text;
  for (const char* text : {"a", "abcd", "", "n\xC3"}) EXPECT_FALSE(takes(choices, text)) << text;
  const auto numbers = compile([](Grammar& g) { return regex(g, "12+(,12)*"); });
  EXPECT_TRUE(takes(numbers, "122,12"));
  EXPECT_FALSE(takes(numbers, "122,"));
  EXPECT_THAT(refusal([](Grammar& g) { return choice(g, {}); }, ErrorCode::kInvalidArgument),
              HasSubstr("at least one"));
  EXPECT_THAT(refusal([](Grammar& g) { return choice(g, {"\xff"}); }, ErrorCode::kInvalidArgument),
              HasSubstr("UTF-8"));
  EXPECT_THAT(refusal([](Grammar& g) { return regex(g, std::string_view("a\0b", 3)); },
                      ErrorCode::kInvalidArgument),
              HasSubstr("zero byte"));
  EXPECT_THAT(refusal([](Grammar& g) { return regex(g, "a(?!.*)"); }, ErrorCode::kInvalidArgument),
              HasSubstr("no text satisfies"));
}

TEST(ConstraintTest, EndsWhereNothingCanFollow) {
  const auto grammar = compile([](Grammar& g) { return choice(g, {"ab", "abc"}); });
  Constraint constraint(grammar);
  EXPECT_FALSE(constraint.may_end());
  EXPECT_TRUE(constraint.accept('a'));
  EXPECT_FALSE(constraint.accept('c'));
  EXPECT_TRUE(constraint.accept('b'));
  EXPECT_TRUE(constraint.may_end());
  EXPECT_FALSE(constraint.finished());
  EXPECT_TRUE(constraint.accept('c'));
  EXPECT_TRUE(constraint.finished());
  std::vector<uint64_t> allowed(6, ~uint64_t{0});
  constraint.mask(allowed);
  EXPECT_EQ(allowed, std::vector<uint64_t>(6, 0));
  EXPECT_FALSE(constraint.accept('c'));
  EXPECT_FALSE(constraint.accept(-1));
  EXPECT_FALSE(constraint.accept(1 << 20));
}

TEST(ConstraintTest, CopiesGoOnAlone) {
  const auto grammar = compile([](Grammar& g) { return regex(g, "(ab|12)*"); });
  Constraint first(grammar);
  EXPECT_TRUE(first.accept('a'));
  Constraint second = first;
  EXPECT_TRUE(second.accept('b'));
  EXPECT_TRUE(second.may_end());
  EXPECT_FALSE(first.may_end());
  EXPECT_TRUE(first.accept('b'));
}

TEST(ConstraintTest, CopiesRememberTheirItems) {
  const auto grammar = compile([](Grammar& g) {
    return json_schema(g, R"({"type":"array","uniqueItems":true,"items":{"enum":["a","b"]}})",
                       {.compact = true});
  });
  const auto read = [](Constraint& constraint, std::string_view text) {
    for (const char c : text) {
      if (!constraint.accept(static_cast<unsigned char>(c))) return false;
    }
    return true;
  };
  Constraint first(grammar);
  EXPECT_TRUE(read(first, "[\"a"));
  Constraint second = first;
  EXPECT_TRUE(read(first, "\",\"b\"]"));
  EXPECT_TRUE(first.finished());
  EXPECT_FALSE(read(second, "\",\"a\""));
  EXPECT_TRUE(read(second, "b\"]"));
  Constraint third(grammar);  // knows nothing of the others
  EXPECT_TRUE(read(third, "[\"b\",\"a\"]"));
}

TEST(ConstraintTest, SpecialTokensAreNotTheirText) {
  const auto special = compile([](Grammar& g) { return g.text(special_token_bytes("<tool>")); });
  const auto plain = compile([](Grammar& g) { return regex(g, ".*"); });
  const auto id = static_cast<int32_t>(testing_grammar::test_tokens().size() - 1);
  EXPECT_TRUE(Constraint(special).accept(id));
  EXPECT_FALSE(Constraint(special).accept('<'));
  EXPECT_FALSE(Constraint(plain).accept(id));
  EXPECT_FALSE(Constraint(plain).accept(id - 1));  // no text at all
}

TEST(ConstraintTest, FullTablesAreReplaced) {
  // Every text of this is a state of its own.
  const auto grammar = of_ebnf("root ::= a root b | c\na ::= \"(\" \nb ::= \")\" \nc ::= \"x\"");
  Constraint constraint(grammar);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(constraint.accept('('));
  ASSERT_TRUE(constraint.accept('x'));
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(constraint.accept(')'));
  EXPECT_TRUE(constraint.finished());
}

TEST(EbnfTest, Gbnf) {
  const auto sums = of_ebnf(
      "# sums\nroot ::= sum\nsum ::= sum \"+\" term |\n  term # left recursion\nterm ::= "
      "[0-9]{1,2} | \"(\" sum \")\" | \"né\" . ?");
  for (const char* text : {"1", "12+3", "(1+2)+(3)", "né", "néx+1", "né😀"})
    EXPECT_TRUE(takes(sums, text)) << text;
  for (const char* text : {"", "123", "1+", "(1", "1)", "n"})
    EXPECT_FALSE(takes(sums, text)) << text;
  const auto nested =
      of_ebnf("root ::= (\"a\" x | x)* \"\\n\\x41\\\"\"\nx ::= y{2} | y{3,}\ny ::= [^a\\n]");
  EXPECT_TRUE(takes(nested, "abbcccc\nA\""));
  EXPECT_TRUE(takes(nested, "\nA\""));
  EXPECT_FALSE(takes(nested, "ab\nA\""));
  const auto counted = of_ebnf("root ::= p{2,3}\np ::= \"(\" p? \")\"");
  EXPECT_TRUE(takes(counted, "()(())"));
  EXPECT_TRUE(takes(counted, "()()()"));
  EXPECT_FALSE(takes(counted, "()"));
  EXPECT_FALSE(takes(counted, "()()()()"));
  const auto empty = of_ebnf("root ::= a b\na ::= \"\" | a \"x\"\nb ::= a a");
  EXPECT_TRUE(takes(empty, ""));
  EXPECT_TRUE(takes(empty, "xxx"));
  const auto loops = of_ebnf("root ::= root | other\nother ::= root | \"z\"");
  EXPECT_TRUE(takes(loops, "z"));
  EXPECT_FALSE(takes(loops, "zz"));
}

TEST(EbnfTest, Lark) {
  const auto list = of_ebnf(
      "// names\n?start: item (\",\" item)* [\";\"] -> all\n!item.2: NAME | \"no\"i ~ 2 | "
      "INT\nNAME.1: /[a-m]+/i\n%import common.INT\n");
  for (const char* text : {"a,B", "12;", "noNO,abc"}) EXPECT_TRUE(takes(list, text)) << text;
  for (const char* text : {"no", ";", "a,,b"}) EXPECT_FALSE(takes(list, text)) << text;
}

TEST(EbnfTest, NamesTokensAndSchemas) {
  const NamedTokens named = [](std::string_view name) -> std::optional<std::string> {
    if (name == "<tool>" || name == "[273]") return special_token_bytes("<tool>");
    return std::nullopt;
  };
  const std::string tool = special_token_bytes("<tool>");
  for (const char* text : {"root ::= <tool> \"ab\"? <[273]>", "start: <tool> \"ab\"? <[273]>"}) {
    const auto grammar = compile([&](Grammar& g) { return ebnf(g, text, named); });
    EXPECT_TRUE(takes(grammar, tool + "ab" + tool)) << text;
    EXPECT_FALSE(takes(grammar, "<tool>ab<tool>")) << text;
  }
  const auto call = compile([&](Grammar& g) {
    return ebnf(g,
                "start: (/(.|\\n)*/ <tool>)? \"f\" args \";\"\nargs: %json {\"type\": \"object\", "
                "\"properties\": {\"}\\\"\": {\"enum\": [1]}}, \"additionalProperties\": false}\n",
                named);
  });
  EXPECT_TRUE(takes(call, "f{\"}\\\"\": 1};"));
  EXPECT_TRUE(takes(call, "think\nof it" + tool + "f{};"));
  EXPECT_FALSE(takes(call, "think" + tool + "f{\"a\": 1};"));
}

TEST(EbnfTest, ErrorsNameTheLine) {
  const std::tuple<const char*, ErrorCode, const char*> cases[] = {
      {"", ErrorCode::kInvalidArgument, "no rule 'start'"},
      {"a ::= \"x\"", ErrorCode::kInvalidArgument, "no rule 'root'"},
      {"root ::= \"x\"\n  | y", ErrorCode::kInvalidArgument, "line 2: there is no rule 'y'"},
      {"root ::= \"x", ErrorCode::kInvalidArgument, "line 1: a string without its end"},
      {"root ::= (\"x\"", ErrorCode::kInvalidArgument, "a ( without its )"},
      {"root ::= \"x\"\nroot ::= \"y\"", ErrorCode::kInvalidArgument, "rule 'root' is there twice"},
      {"root ::= root \"x\"", ErrorCode::kInvalidArgument, "no text satisfies"},
      {"root ::= \"x\"{3,2}", ErrorCode::kInvalidArgument, "go backwards"},
      {"start: \"x\"\n%ignore \" \"", ErrorCode::kUnsupported, "line 2: %ignore is not taken"},
      {"start: X\n%import common.ZZ", ErrorCode::kUnsupported, "common.ZZ is not known"},
      {"start: /a/s", ErrorCode::kUnsupported, "flag 's'"},
      {"start: \"a\"..\"z\"", ErrorCode::kUnsupported, "ranges"},
      {"start: \"a\" \n <tool", ErrorCode::kInvalidArgument, "line 2: a < without its >"},
      {"root ::= <none>", ErrorCode::kInvalidArgument, "no token '<none>'"},
      {"start: %json", ErrorCode::kInvalidArgument, "%json has to be followed"},
      {"start: %json {\"a\"", ErrorCode::kInvalidArgument, "%json has to be followed"},
      {"start: %json x", ErrorCode::kInvalidArgument, "%json has to be followed"},
      {"start: %json {\"type\": \"x\"}", ErrorCode::kInvalidArgument, "type"}};
  for (const auto& [text, code, message] : cases)
    EXPECT_THAT(refusal([&](Grammar& g) { return ebnf(g, text); }, code), HasSubstr(message))
        << text;
}

TEST(GrammarCacheTest, KeepsWhatIsUsed) {
  GrammarCache cache(testing_grammar::test_trie());
  int made = 0;
  const auto get = [&](const std::string& key) {
    return cache.get(key, [&] {
      ++made;
      Grammar grammar;
      const Symbol root = choice(grammar, {key});
      return finished(std::move(grammar), root, "choice");
    });
  };
  const auto first = get("a");
  EXPECT_EQ(get("a"), first);
  EXPECT_EQ(made, 1);
  for (int i = 0; i < 100; ++i) {
    get("x" + std::to_string(i));
    get("a");
  }
  EXPECT_EQ(made, 101);
  EXPECT_THROW(
      cache.get("bad", []() -> Grammar { throw Error(ErrorCode::kInvalidArgument, "no"); }), Error);
}

}  // namespace
}  // namespace vecton::grammar
