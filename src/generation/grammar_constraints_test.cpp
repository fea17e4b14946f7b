// Random tokens that the constraint allows always make a text of what was asked for.
#include "generation/grammar_constraints.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "vecton/error.h"

namespace vecton::generation {
namespace {

std::string random_text(TokenConstraint& constraint, const Tokenizer& tokenizer, uint64_t seed) {
  std::vector<uint64_t> allowed((static_cast<size_t>(tokenizer.vocab_size()) + 63) / 64);
  std::vector<int32_t> ids;
  for (int step = 0; step < 400 && !constraint.finished(); ++step) {
    if (constraint.may_end() && ids.size() > 20) break;
    constraint.mask(allowed);
    std::vector<int32_t> next;
    for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
      if (allowed[static_cast<size_t>(id) / 64] >> (id % 64) & 1) next.push_back(id);
    }
    if (next.empty()) break;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    ids.push_back(next[(seed >> 33) % next.size()]);
    EXPECT_TRUE(constraint.clone()->accept(ids.back()));
    EXPECT_TRUE(constraint.accept(ids.back()));
  }
  EXPECT_TRUE(constraint.may_end());
  return tokenizer.decode(ids);
}

TEST(GrammarConstraintsTest, RandomTokensMakeValidJson) {
  const std::shared_ptr<const Tokenizer> tokenizer =
      Tokenizer::open("tests/golden/tok-qwen2/model");
  const auto factory = make_grammar_constraints(tokenizer);
  StructuredOutput what;
  what.kind = JsonSchema{
      R"({"type":"object","properties":{"a":{"type":"integer","minimum":1,"maximum":99},"b":{"type":"array","items":{"enum":["x",null]},"maxItems":3},"c":{"type":"string","maxLength":5}},"required":["a","b","c"],"additionalProperties":false})"};
  for (uint64_t seed = 1; seed < 20; ++seed) {
    const std::string text = random_text(*factory->make(what), *tokenizer, seed);
    const json::value value = base::parse_json(text, "answer");
    EXPECT_GE(value.at("a").as_int64(), 1) << text;
    EXPECT_LE(value.at("b").as_array().size(), 3u) << text;
    EXPECT_TRUE(value.at("c").is_string()) << text;
  }
  what.kind = Choice{{"yes", "no"}};
  const std::string answer = random_text(*factory->make(what), *tokenizer, 1);
  EXPECT_TRUE(answer == "yes" || answer == "no") << answer;
  what.kind = Grammar{"start: <|im_start|> \"f \" %json {\"const\": 1} <[1556]>"};
  EXPECT_EQ(random_text(*factory->make(what), *tokenizer, 1), "<|im_start|>f 1<|im_end|>");
  what.kind = Grammar{"start: <[151645000]>"};
  EXPECT_THROW(factory->make(what), Error);
  what.kind = Grammar{
      R"({"structures":[{"begin":"<|im_start|>n","schema":{"const":7},"end":"<|im_end|>"}],"triggers":["<|im_start|>"]})"};
  const auto tag = factory->make(what);
  for (const int32_t id :
       tokenizer->encode("so <|im_start|>n7<|im_end|>", {.add_special_tokens = false}).ids)
    EXPECT_TRUE(tag->accept(id)) << id;
  EXPECT_TRUE(tag->may_end());
  what.kind = JsonSchema{R"({"unevaluatedProperties":false})"};
  EXPECT_THROW(factory->make(what), Error);
}

}  // namespace
}  // namespace vecton::generation
