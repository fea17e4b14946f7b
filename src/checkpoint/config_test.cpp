#include "checkpoint/config.h"

#include "base/json.h"
#include "checkpoint/config_keys.h"
#include "checkpoint/test_files.h"

namespace vecton::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TemporaryFolder;

Config config_of(std::string_view text) {
  return Config(json::parse(text).as_object(), "config.json");
}

TEST(Config, ReadsTypedValues) {
  const Config config = config_of(
      R"({"i":12,"zero":0,"n":1e-12,"whole":2,"t":true,"s":"gelu","ss":["a","b"],"is":[1,0],"o":{"x":5},"null":null})");
  EXPECT_EQ(config.integer("i"), 12);
  EXPECT_EQ(config.integer("zero", 0), 0);
  EXPECT_EQ(config.integer_or("none", 7), 7);
  EXPECT_EQ(config.integer_or("null", 7), 7);
  EXPECT_EQ(config.number("n"), 1e-12);
  EXPECT_EQ(config.number("whole"), 2.0);
  EXPECT_EQ(config.number_or("null", 0.5), 0.5);
  EXPECT_TRUE(config.boolean_or("t", false));
  EXPECT_TRUE(config.boolean_or("none", true));
  EXPECT_EQ(config.string("s"), "gelu");
  EXPECT_EQ(config.string_or("none", "silu"), "silu");
  EXPECT_THAT(config.strings_or_empty("ss"), ElementsAre("a", "b"));
  EXPECT_THAT(config.strings_or_empty("none"), IsEmpty());
  EXPECT_THAT(config.integers_or_empty("is"), ElementsAre(1, 0));
  EXPECT_EQ(config.child("o")->integer("x"), 5);
  EXPECT_FALSE(config.child("none"));
  EXPECT_FALSE(config.child("null"));
  EXPECT_TRUE(config.has("i"));
  EXPECT_FALSE(config.has("null"));
  EXPECT_EQ(config.raw("i")->as_int64(), 12);
  EXPECT_EQ(config.raw("none"), nullptr);
  EXPECT_EQ(config.raw("null"), nullptr);
}

TEST(Config, ShowsAllWithWhatWasLaidOverAndMarksNothing) {
  const Config config({{"a", 1}, {"b", 2}}, "config.json", {{"b", 3}});
  EXPECT_EQ(config.values(), (json::object{{"a", 1}, {"b", 3}}));
  EXPECT_THAT(config.unread(), ElementsAre("a", "b"));
}

TEST(Config, RefusesMissingValuesByFileAndKey) {
  const Config config = config_of(R"({"null":null})");
  for (const char* key : {"none", "null"}) {
    EXPECT_REFUSED(config.integer(key), ErrorCode::kCorrupt, "config.json", key,
                   "expected an integer", "found nothing");
    EXPECT_REFUSED(config.number(key), ErrorCode::kCorrupt, key, "expected a number");
    EXPECT_REFUSED(config.string(key), ErrorCode::kCorrupt, key, "expected a string");
  }
}

TEST(Config, RefusesMoreThanItsCallerCanCountOut) {
  const Config config = config_of(R"({"layers":100001})");
  EXPECT_EQ(config.integer("layers"), 100001);
  EXPECT_REFUSED(config.integer("layers", 1, Config::kMostCounted), ErrorCode::kCorrupt, "layers",
                 "an integer from 1 to 100000");
  EXPECT_REFUSED(config.integer_or("layers", 3, 1, 100), ErrorCode::kCorrupt, "layers");
  EXPECT_EQ(config.integer_or("none", 300, 1, 100), 300);
}

TEST(Config, RefusesValuesOfAnotherTypeOrRange) {
  const Config config = config_of(
      R"({"s":"x","big":2147483649,"huge":18446744073709551615,"half":0.5,"one":1.0,"neg":-1,"inf":1e999,"list":[1,"a"],"t":true})");
  for (const char* key : {"s", "big", "huge", "half", "one", "neg", "inf", "list", "t"}) {
    EXPECT_REFUSED(config.integer(key, 0), ErrorCode::kCorrupt, key,
                   "an integer from 0 to 2147483648");
    EXPECT_REFUSED(config.integer_or(key, 3, 0), ErrorCode::kCorrupt, key);
  }
  EXPECT_REFUSED(config_of(R"({"z":0})").integer("z"), ErrorCode::kCorrupt, "from 1");
  EXPECT_EQ(config_of(R"({"z":2147483648})").integer("z"), int64_t{1} << 31);
  EXPECT_REFUSED(config.number("s"), ErrorCode::kCorrupt, "a number, found \"x\"");
  EXPECT_REFUSED(config.number("inf"), ErrorCode::kCorrupt, "\"inf\"");
  EXPECT_REFUSED(config.number_or("t", 1), ErrorCode::kCorrupt, "a number, found true");
  EXPECT_REFUSED(config.boolean_or("s", true), ErrorCode::kCorrupt, "true or false");
  EXPECT_REFUSED(config.string("t"), ErrorCode::kCorrupt, "a string");
  EXPECT_REFUSED(config.string_or("t", ""), ErrorCode::kCorrupt, "a string");
  EXPECT_REFUSED(config.strings_or_empty("s"), ErrorCode::kCorrupt, "a list");
  EXPECT_REFUSED(config.strings_or_empty("list"), ErrorCode::kCorrupt, "a string, found 1");
  EXPECT_REFUSED(config.integers_or_empty("list"), ErrorCode::kCorrupt, "an integer",
                 "found \"a\"");
  EXPECT_REFUSED(config.child("list"), ErrorCode::kCorrupt, "an object");
}

TEST(Config, NamesNestedKeysByTheirPath) {
  const Config config = config_of(R"({"text_config":{"rope_parameters":{"rope_theta":"x"}}})");
  EXPECT_REFUSED(config.child("text_config")->child("rope_parameters")->number("rope_theta"),
                 ErrorCode::kCorrupt, "\"text_config.rope_parameters.rope_theta\"");
}

TEST(Config, ReadsAFileWithOverridesLaidOver) {
  const TemporaryFolder folder;
  const auto file =
      folder.write("config.json", R"({"a":1,"b":2,"rope_scaling":{"factor":4,"rope_type":"yarn"},
                                                  "text_config":{"x":1,"y":2}})");
  const auto overrides =
      json::parse(R"({"b":3,"c":4,"rope_scaling":{"rope_type":"default"},"text_config":{"y":5}})")
          .as_object();
  const Config config = Config::read(file, overrides);
  EXPECT_EQ(config.integer("a"), 1);
  EXPECT_EQ(config.integer("b"), 3);
  EXPECT_EQ(config.integer("c"), 4);
  EXPECT_FALSE(config.child("rope_scaling")->has("factor"));
  EXPECT_EQ(config.child("text_config")->integer("x"), 1);
  EXPECT_EQ(config.child("text_config")->integer("y"), 5);
  EXPECT_EQ(config.file(), file.string());
}

TEST(Config, RefusesFilesThatAreNoObject) {
  const TemporaryFolder folder;
  EXPECT_REFUSED(Config::read(folder.path() / "config.json"), ErrorCode::kNotFound, "config.json");
  EXPECT_REFUSED(Config::read(folder.write("config.json", "[]")), ErrorCode::kCorrupt,
                 "config.json", "JSON object");
  EXPECT_REFUSED(Config::read(folder.write("config.json", "{")), ErrorCode::kCorrupt, "config.json",
                 "not valid JSON");
  EXPECT_REFUSED(Config::read(folder.write("config.json", "")), ErrorCode::kCorrupt, "config.json",
                 "not valid JSON");
}

TEST(Config, RequiresTheOnlySupportedValue) {
  const Config config = config_of(R"({"a":"absolute","n":1,"x":null})");
  config.require("a", "absolute");
  config.require("n", 1.0);
  config.require("x", false);
  config.require("none", false);
  EXPECT_REFUSED(config.require("a", "rotary"), ErrorCode::kUnsupported, "config.json", "\"a\"",
                 "\"absolute\" is not supported, only \"rotary\"");
}

TEST(Config, RefusesUnreadKeysThatChangeTheResult) {
  const Config config =
      config_of(R"({"rope_scaling":{"factor":2},"sliding_window":4096,"hidden_size":8})");
  EXPECT_EQ(config.integer("hidden_size"), 8);
  EXPECT_REFUSED(config.check_read(), ErrorCode::kUnsupported, "config.json",
                 "rope_scaling, sliding_window");
  config.ignore({"rope_scaling", "sliding_window"});
  EXPECT_THAT(config.check_read(), IsEmpty());
}

TEST(Config, LetsHarmlessValuesPass) {
  EXPECT_THAT(
      config_of(
          R"({"rope_scaling":null,"attention_bias":false,"partial_rotary_factor":1,"mlp_only_layers":[],
                            "position_embedding_type":"absolute","transformers_version":"4","torch_dtype":"float32",
                            "use_cache":true,"id2label":{"0":"a"}})")
          .check_read(),
      IsEmpty());
  EXPECT_REFUSED(config_of(R"({"attention_bias":true})").check_read(), ErrorCode::kUnsupported,
                 "attention_bias");
  EXPECT_REFUSED(config_of(R"({"partial_rotary_factor":0.5})").check_read(),
                 ErrorCode::kUnsupported, "partial_rotary_factor");
}

TEST(Config, ReportsUnknownKeysOfEveryLevel) {
  const Config config = config_of(
      R"({"brand_new":1,"text_config":{"hidden_size":8,"newer":2},"vision_config":null})");
  EXPECT_REFUSED(config.check_read(), ErrorCode::kUnsupported, "text_config");
  const Config text = *config.child("text_config");
  EXPECT_REFUSED(config.check_read(), ErrorCode::kUnsupported, "text_config.hidden_size");
  EXPECT_EQ(text.integer("hidden_size"), 8);
  EXPECT_THAT(config.check_read(), ElementsAre("brand_new", "text_config.newer"));
}

TEST(ConfigKeys, HaveOneMeaning) {
  EXPECT_EQ(known_config_key("transformers_version").meaning, KeyMeaning::kNeverMatters);
  EXPECT_EQ(known_config_key("image_token_id").meaning, KeyMeaning::kNeverMatters);
  EXPECT_EQ(known_config_key("rope_scaling").meaning, KeyMeaning::kChangesResult);
  EXPECT_EQ(known_config_key("no_such_key").meaning, KeyMeaning::kUnknown);
  EXPECT_EQ(known_config_key("").meaning, KeyMeaning::kUnknown);
  EXPECT_EQ(known_config_key("zzz").meaning, KeyMeaning::kUnknown);
}

}  // namespace
}  // namespace vecton::checkpoint
