// Steps of tokenizers, alone: normalizers, pre-tokenizers and decoders give what those of the
// tokenizers package give (tests/tokenizer/steps.json, written by make/steps.py).
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"
#include "tokenizer/decoder.h"
#include "tokenizer/test_json.h"

namespace vecton {
namespace {

const json::array& tests_of(const char* kind) {
  static const json::value document = base::read_json(VECTON_STEPS_FILE);
  return document.at(kind).as_array();
}

// Calls check(step's JSON, what is given, what is expected) for every case.
template <class F>
void for_each_case(const char* kind, const F& check) {
  size_t cases = 0;
  for (const json::value& test : tests_of(kind)) {
    const std::string config = json::serialize(test.at("config"));
    for (const json::value& one : test.at("cases").as_array()) {
      SCOPED_TRACE(config + " of " + json::serialize(one.at(0)));
      check(config, one.at(0), one.at(1));
      ++cases;
    }
  }
  EXPECT_GT(cases, 300u) << kind;
}

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

// How many characters come before a byte.
int64_t characters(std::string_view text, size_t bytes) {
  int64_t count = 0;
  for (size_t at = 0; at < bytes; at += utf8::decode(text, at).bytes) ++count;
  return count;
}

TEST(TokenizerSteps, NormalizersAreTheReferences) {
  for_each_case("normalizers", [](const std::string& config, const json::value& given,
                                  const json::value& wanted) {
    for (const bool tracked : {false, true})
      EXPECT_EQ(testing_json::normalized(config, text_of(given), tracked), text_of(wanted))
          << "tracked: " << tracked;
  });
}

// Words, and the characters of the input that they came from.
TEST(TokenizerSteps, PreTokenizersAreTheReferences) {
  for_each_case("pre_tokenizers",
                [](const std::string& config, const json::value& given, const json::value& wanted) {
                  const std::string text = text_of(given);
                  const auto pre_tokenizer =
                      tokenizer::make_pre_tokenizer(testing_json::Document(config).field());
                  tokenizer::Words work;
                  work.text.assign(text, 0, true);
                  work.reset();
                  pre_tokenizer->apply(work);
                  json::array found;
                  for (const tokenizer::Span span : work.spans) {
                    const tokenizer::Span origin = work.text.origin(span);
                    found.push_back({work.text.bytes().substr(span.begin, span.end - span.begin),
                                     characters(text, origin.begin), characters(text, origin.end)});
                  }
                  EXPECT_EQ(json::serialize(found), json::serialize(wanted));
                });
}

TEST(TokenizerSteps, PreTokenizersCutAlikeWithoutOrigins) {
  for_each_case("pre_tokenizers",
                [](const std::string& config, const json::value& given, const json::value& wanted) {
                  std::vector<std::string> expected;
                  for (const json::value& word : wanted.as_array())
                    expected.push_back(text_of(word.at(0)));
                  EXPECT_EQ(testing_json::words(config, text_of(given)), expected);
                });
}

TEST(TokenizerSteps, DecodersAreTheReferences) {
  for_each_case("decoders", [](const std::string& config, const json::value& given,
                               const json::value& wanted) {
    const auto decoder = tokenizer::make_decoder(testing_json::Document(config).field());
    tokenizer::DecoderStream stream({decoder.get()});
    for (const json::value& token : given.as_array()) stream.put(text_of(token));
    stream.end();
    EXPECT_EQ(stream.text(), text_of(wanted));
  });
}

}  // namespace
}  // namespace vecton
