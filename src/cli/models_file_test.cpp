#include "cli/models_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "cli/failure.h"

namespace vecton::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ModelsOfFile : public ::testing::Test {
 protected:
  ModelsFile read(const std::string& text, const std::string& name = "models.yaml") {
    const auto file = folder_.path() / name;
    std::ofstream(file) << text;
    return read_models_file(file, defaults_);
  }

  // What is wrong, without the folder: "models.yaml:3: ...".
  std::string refusal(const std::string& text, const std::string& name = "models.yaml") {
    try {
      read(text, name);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), ExitStatus::kUsage);
      const std::string what = failure.what();
      const size_t at = what.find(name);
      return at == std::string::npos ? what : what.substr(at);
    }
    return "";
  }

  server::ModelOptions defaults_;

 private:
  base::TemporaryFolder folder_;
};

TEST_F(ModelsOfFile, HaveOptionsOfTheirOwnAndTheCommandLines) {
  defaults_.engine.dtype = "float16";
  defaults_.sleep_idle_seconds = 5;
  const ModelsFile file = read(
      "# two\n"
      "models:\n"
      "  - model: org/a\n"
      "    served-model-name: [x, y]\n"
      "    max_model_len: 1k\n"
      "    pooler-config:\n"
      "      pooling_type: CLS\n"
      "  - model: org/b\n"
      "    dtype: float32\n"
      "    load-on-startup: false\n"
      "    sleep-idle-seconds: -1\n"
      "    trust-remote-code: true\n");
  ASSERT_EQ(file.models.size(), 2u);
  const server::ModelOptions &a = file.models[0], &b = file.models[1];
  EXPECT_EQ(a.engine.model, "org/a");
  EXPECT_THAT(a.served_model_names, ElementsAre("x", "y"));
  EXPECT_EQ(a.engine.max_model_len, 1000);
  EXPECT_EQ(a.engine.pooler_config, R"({"pooling_type":"CLS"})");
  EXPECT_EQ(a.engine.dtype, "float16");
  EXPECT_EQ(a.sleep_idle_seconds, 5);
  EXPECT_TRUE(a.load_on_startup);
  EXPECT_EQ(b.engine.model, "org/b");
  EXPECT_TRUE(b.served_model_names.empty());
  EXPECT_EQ(b.engine.dtype, "float32");
  EXPECT_EQ(b.sleep_idle_seconds, -1);
  EXPECT_FALSE(b.load_on_startup);
  ASSERT_EQ(file.notes.size(), 1u);
  EXPECT_THAT(file.notes.front(), HasSubstr("models[1]: --trust-remote-code has no effect here"));
}

TEST_F(ModelsOfFile, MayBeJson) {
  const ModelsFile file =
      read(R"({"models": [{"model": "org/a", "max-model-len": 9}]})", "models.json");
  ASSERT_EQ(file.models.size(), 1u);
  EXPECT_EQ(file.models[0].engine.max_model_len, 9);
  EXPECT_THAT(refusal("{", "m.json"), StartsWith("m.json"));
  EXPECT_THAT(refusal("[]", "m.json"), StartsWith("m.json: expected an object"));
  EXPECT_THAT(refusal(R"({"models": [{"model": "a", "dtype": "int3"}]})", "m.json"),
              StartsWith("m.json: models[0]: --dtype"));
}

TEST_F(ModelsOfFile, ErrorsNameFileLineAndOption) {
  const std::string start = "models:\n  - model: org/a\n";
  EXPECT_THAT(refusal(start + "    dtype: int3\n"),
              StartsWith("models.yaml:3: models[0]: --dtype: expected auto, float32, float16"));
  EXPECT_THAT(refusal(start + "  - model: b\n    dtype: auto\n    max_model_len: x\n"),
              StartsWith("models.yaml:5: models[1]: --max-model-len: expected a"));
  EXPECT_THAT(
      refusal(start + "    max-model-lem: 5\n"),
      EndsWith("models[0]: there is no option '--max-model-lem'; did you mean '--max-model-len'?"));
  EXPECT_THAT(refusal(start + "    threads: 5\n"),
              StartsWith("models.yaml:3: models[0]: --threads is an option of 'vecton serve'"));
  EXPECT_THAT(refusal("models:\n  - dtype: auto\n"),
              StartsWith("models.yaml:2: models[0]: MODEL is required"));
  EXPECT_THAT(refusal("models:\n  - org/a\n"),
              StartsWith("models.yaml:2: models[0]: expected opt"));
  EXPECT_THAT(refusal("port: 1\n"), StartsWith("models.yaml:1: 'port' is not known here"));
  EXPECT_THAT(refusal("models: org/a\n"), StartsWith("models.yaml:1: expected `models`, a list"));
  EXPECT_THAT(refusal(""), StartsWith("models.yaml: expected `models`, a list"));
  EXPECT_THAT(refusal("models:\n  - model: *a\n"), StartsWith("models.yaml:2: '*' at a value's"));
}

TEST_F(ModelsOfFile, CantBeReadWhereTheyAreNot) {
  try {
    read_models_file("/no/such/models.yaml", defaults_);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_STREQ(failure.what(), "--models: /no/such/models.yaml can't be read");
  }
}

TEST(ModelToLoad, HasTheOptionsOfTheFile) {
  server::ModelOptions defaults;
  defaults.engine.dtype = "float16";
  const json::object body{{"model", "org/a"}, {"served_model_name", "x"}, {"max_model_len", 7}};
  const server::ModelOptions options = read_model(body, defaults);
  EXPECT_EQ(options.engine.model, "org/a");
  EXPECT_THAT(options.served_model_names, ElementsAre("x"));
  EXPECT_EQ(options.engine.max_model_len, 7);
  EXPECT_EQ(options.engine.dtype, "float16");
  try {
    read_model({{"model", "a"}, {"dtype", "int3"}}, defaults);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("--dtype"));
  }
}

}  // namespace
}  // namespace vecton::cli
