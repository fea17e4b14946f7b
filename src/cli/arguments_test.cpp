// Values of options, what is said of wrong ones, and arguments that a parser must not take apart.
#include "cli/arguments.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

#include "cli/failure.h"
#include "cli/model_options.h"
#include "cli/usage.h"

namespace vecton::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(HumanInteger, HasLettersForThousands) {
  const std::pair<const char*, int64_t> rows[] = {
      {"0", 0},
      {"-1", -1},
      {"123456789012345", 123456789012345},
      {"8k", 8000},
      {"8K", 8192},
      {"1.5k", 1500},
      {"2m", 2000000},
      {"2M", 2 << 20},
      {"3g", 3000000000},
      {"3G", int64_t{3} << 30},
      {"4t", 4000000000000},
      {"4T", int64_t{4} << 40},
      {"0T", 0},
      {"0.0015k", 1},
  };
  for (const auto& [text, value] : rows) EXPECT_EQ(human_integer(text), value) << text;
}

TEST(HumanInteger, AnythingElseIsNone) {
  for (const char* text : {"", "k", "1.5", "1.5K", "-1k", "-1K", "8kk", "8 k", " 8", "8x", "1e3",
                           "0x10", "1234567890123456", "inf", "nan", "infk", "nank", "nanK", "+1"})
    EXPECT_EQ(human_integer(text), std::nullopt) << text;
}

TEST(HumanInteger, WhatNoIntegerHoldsIsNone) {
  for (const char* text : {"999999999999t", "999999999999999t", "99999999g999", "999999999999T",
                           "8388608T", "1e300k", "9223373t"})
    EXPECT_EQ(human_integer(text), std::nullopt) << text;
  EXPECT_EQ(human_integer("8388607T"), int64_t{8388607} << 40);
  EXPECT_EQ(human_integer("9223372t"), int64_t{9223372} * 1000000000000);
}

// What a validator says of a value; "" where it takes it, which `text` may then be another.
std::string said(const CLI::Validator& validator, std::string& text) { return validator(text); }
std::string said(const CLI::Validator& validator, const char* text) {
  std::string value = text;
  return validator(value);
}

TEST(Validators, NumbersAreWithinBounds) {
  EXPECT_EQ(said(at_least(1), "0"), "expected a number of at least 1, found 0");
  EXPECT_EQ(said(at_least(0), "x"), "expected a number of at least 0, found x");
  EXPECT_EQ(said(within(1, 3), "4"), "expected a number from 1 to 3, found 4");
  EXPECT_EQ(said(within(-2, 3), "-3"), "expected a number from -2 to 3, found -3");
  for (const char* fine : {"1", "2", "3"}) EXPECT_EQ(said(within(1, 3), fine), "");
  std::string value = "8K";
  EXPECT_EQ(said(at_least(1), value), "");
  EXPECT_EQ(value, "8192");
}

TEST(Validators, SecondsAreFiniteAndNotNegative) {
  for (const char* fine : {"0", "1", "0.5", "1e3"}) EXPECT_EQ(said(not_negative(), fine), "");
  for (const std::string wrong : {"-1", "", "x", "1s", "nan", "inf", "-0.5"}) {
    EXPECT_EQ(said(not_negative(), wrong.c_str()),
              "expected a number of at least 0, found " + wrong);
  }
}

TEST(Validators, WordsAreListed) {
  EXPECT_EQ(said(one_of({"a", "b", "c"}), "b"), "");
  EXPECT_EQ(said(one_of({"a", "b", "c"}), "d"), "expected a, b or c, found d");
  EXPECT_EQ(said(one_of({"a", "b"}), "A"), "expected a or b, found A");
  EXPECT_EQ(said(one_of({"a"}), ""), "expected a, found ");
}

class ParseTest : public testing::Test {
 protected:
  ParseTest() {
    add_texts(app_, "TEXT", texts_, "texts");
    app_.add_option("--name", name_, "a name");
    app_.add_option("--count", count_, "a count")->transform(at_least(1));
    app_.add_flag("--flag", flag_, "a flag");
  }
  void parse(std::vector<std::string> arguments) { parse_arguments(app_, std::move(arguments)); }
  // In this program's words.
  std::string refused(std::vector<std::string> arguments,
                      const std::map<std::string, std::string>& origins = {}) {
    try {
      parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
      return usage_message(app_, error, origins);
    }
    return "nothing was refused";
  }

  CLI::App app_{"a test"};
  std::vector<std::string> texts_;
  std::string name_;
  int64_t count_ = 0;
  bool flag_ = false;
};

TEST_F(ParseTest, TextsStandAsTheyAre) {
  parse({"[a,b]", "{}", "", "[", "a b", "x=y"});
  EXPECT_THAT(texts_, ElementsAre("[a,b]", "{}", "", "[", "a b", "x=y"));
}

TEST_F(ParseTest, OptionsMayStandAnywhere) {
  parse({"a", "--name", "[n]", "--flag", "b", "--count=2k"});
  EXPECT_EQ(name_, "[n]");
  EXPECT_EQ(count_, 2000);
  EXPECT_TRUE(flag_);
  EXPECT_THAT(texts_, ElementsAre("a", "b"));
}

TEST_F(ParseTest, TheLastOfSeveralValuesCounts) {
  parse({"--name", "a", "--name", "b", "--count", "1", "--count", "3"});
  EXPECT_EQ(name_, "b");
  EXPECT_EQ(count_, 3);
  EXPECT_THAT(texts_, IsEmpty());
}

TEST_F(ParseTest, AfterTwoDashesThereAreNoOptions) {
  parse({"--", "--name", "-x"});
  EXPECT_THAT(texts_, ElementsAre("--name", "-x"));
}

TEST_F(ParseTest, WhatIsWrongIsSaidInOwnWords) {
  EXPECT_EQ(refused({"--name"}), "--name: expected a value");
  EXPECT_EQ(refused({"--nothing"}), "there is no option '--nothing'");
  EXPECT_EQ(refused({"--count", "0"}), "--count: expected a number of at least 1, found 0");
}

TEST_F(ParseTest, AnOptionOfAnotherProgramIsNamedByItsOwnName) {
  const std::map<std::string, std::string> other = {{"--count", "--max-count"}},
                                           variable = {{"--count", "COUNT"}};
  EXPECT_EQ(refused({"--count", "0"}, other),
            "--max-count: expected a number of at least 1, found 0");
  EXPECT_EQ(refused({"--count", "0"}, variable),
            "--count: expected a number of at least 1, found 0 (from the variable COUNT)");
}

TEST_F(ParseTest, OneArgumentTooMany) {
  CLI::App app("one argument");
  std::string model;
  app.add_option("MODEL", model, "a model");
  try {
    parse_arguments(app, {"a", "b"});
    ADD_FAILURE() << "nothing was refused";
  } catch (const CLI::ParseError& error) {
    EXPECT_EQ(usage_message(app, error), "'b' is one argument too many");
  }
}

// --- Options that commands share (cli/model_options.h).

struct Engines : testing::Test {
  EngineOptions parse(std::vector<std::string> arguments) {
    CLI::App app;
    EngineOptions options;
    add_engine_options(app, options);
    arguments.insert(arguments.begin(), "model");
    parse_arguments(app, std::move(arguments));
    EXPECT_EQ(options.model, "model");
    return options;
  }
  std::string refused(std::vector<std::string> arguments) {
    try {
      parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return "nothing was refused";
  }
};

TEST_F(Engines, TypesHaveTheNamesOfOtherPrograms) {
  const std::pair<const char*, const char*> rows[] = {
      {"auto", "auto"},       {"float32", "float32"}, {"float", "float32"},    {"fp32", "float32"},
      {"f32", "float32"},     {"half", "float16"},    {"fp16", "float16"},     {"f16", "float16"},
      {"float16", "float16"}, {"bf16", "bfloat16"},   {"bfloat16", "bfloat16"}};
  for (const auto& [name, dtype] : rows) EXPECT_EQ(parse({"--dtype", name}).dtype, dtype) << name;
  EXPECT_EQ(refused({"--dtype", "int8"}),
            "--dtype: expected auto, float32, float16 or bfloat16, found int8");
}

TEST_F(Engines, LengthsAreNumbersOrTheModelsOwn) {
  for (const auto& [text, length] :
       {std::pair{"512", 512}, {"8k", 8000}, {"8K", 8192}, {"auto", 0}, {"-1", 0}, {"0", 0}})
    EXPECT_EQ(parse({"--max-model-len=" + std::string(text)}).max_model_len, length) << text;
  EXPECT_EQ(refused({"--max-model-len", "many"}),
            "--max-model-len: expected a number of at least 0, found many");
}

TEST_F(Engines, EveryOptionReachesItsPlace) {
  const EngineOptions options = parse({"--revision",
                                       "r",
                                       "--cache",
                                       "c",
                                       "--offline",
                                       "--hf-token",
                                       "t",
                                       "-j",
                                       "3",
                                       "--max-num-batched-tokens",
                                       "2K",
                                       "--runner",
                                       "pooling",
                                       "--convert",
                                       "embed",
                                       "--pooler-config",
                                       "{\"pooling_type\": \"CLS\"}",
                                       "--hf-overrides",
                                       "{}",
                                       "--tokenizer",
                                       "tok",
                                       "--dense-path",
                                       "2_Dense",
                                       "--no-enable-prefix-caching",
                                       "--cache-bytes",
                                       "1G",
                                       "--backend",
                                       "ref"});
  EXPECT_EQ(options.hub.revision, "r");
  EXPECT_EQ(options.hub.cache, "c");
  EXPECT_TRUE(options.hub.offline);
  EXPECT_EQ(options.hub.token, "t");
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.max_batch_tokens, 2048);
  EXPECT_EQ(options.runner, "pooling");
  EXPECT_EQ(options.convert, "embed");
  EXPECT_EQ(options.pooler_config, "{\"pooling_type\": \"CLS\"}");
  EXPECT_EQ(options.hf_overrides, "{}");
  EXPECT_EQ(options.tokenizer, "tok");
  EXPECT_EQ(options.dense_path, "2_Dense");
  EXPECT_FALSE(options.enable_prefix_caching);
  EXPECT_EQ(options.cache_bytes, int64_t{1} << 30);
  EXPECT_EQ(options.backend, "ref");
}

Request request_of(std::vector<std::string> arguments) {
  CLI::App app;
  RequestOptions options;
  add_request_options(app, options);
  parse_arguments(app, std::move(arguments));
  return options.request(Task::kEmbed);
}

TEST(RequestOptions, ReachTheRequest) {
  const Request none = request_of({});
  const auto embed = [](const Request& request) { return std::get<Embed>(request.task); };
  EXPECT_FALSE(none.prompt.prompt_text || none.prompt.prompt_name);
  EXPECT_EQ(embed(none), Embed{});
  EXPECT_EQ(request_of({"--prompt-name", "query"}).prompt.prompt_name, "query");
  EXPECT_EQ(request_of({"--prompt", ""}).prompt.prompt_text, "");
  EXPECT_EQ(request_of({"--prompt", "find: "}).prompt.prompt_text, "find: ");
  EXPECT_EQ(embed(request_of({"-d", "16"})).dimensions, 16);
  EXPECT_EQ(embed(request_of({"--normalize"})).normalize, true);
  EXPECT_EQ(embed(request_of({"--no-normalize"})).normalize, false);
  EXPECT_EQ(request_of({"--role", "query"}).prompt.role, Role::kQuery);
  EXPECT_EQ(request_of({"--role", "document"}).prompt.role, Role::kDocument);
  EXPECT_EQ(request_of({"--truncate"}).prompt.truncation.to, -1);
}

TEST(RequestOptions, AreOfTheTask) {
  RequestOptions options{.no_normalize = true};
  EXPECT_EQ(std::get<TokenEmbed>(options.request(Task::kTokenEmbed).task).normalize, false);
  EXPECT_EQ(std::get<Classify>(options.request(Task::kClassify).task).use_activation, false);
  options.dimensions = 8;
  EXPECT_THROW(options.request(Task::kTokenEmbed), Failure);
}

}  // namespace
}  // namespace vecton::cli
