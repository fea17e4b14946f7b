#include "cli/yaml_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/temporary_folder.h"
#include "cli/failure.h"

namespace vecton::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class YamlConfig : public ::testing::Test {
 protected:
  Arguments read(const std::string& text) {
    const auto file = folder_.path() / "config.yaml";
    std::ofstream(file) << text;
    return read_yaml_options(file);
  }

  std::string refusal(const std::string& text) {
    try {
      read(text);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  }

 private:
  base::TemporaryFolder folder_;
};

TEST_F(YamlConfig, ReadsValuesListsAndMappings) {
  EXPECT_THAT(
      read("port: 80\nmodel: \"org/name\" # a comment\nhost: '::1'\nkey: a#b\nurl: http://x\n"),
      ElementsAre("--port", "80", "--model", "org/name", "--host", "::1", "--key", "a#b", "--url",
                  "http://x"));
  EXPECT_THAT(read("a: true\nb: false\nc: ~\nd:\n"), ElementsAre("--a", "--no-b"));
  EXPECT_THAT(read("a:\n- x\n- 'y''z'\nb: [1, two]\nc: []\n"),
              ElementsAre("--a", "x", "y'z", "--b", "1", "two"));
  EXPECT_THAT(read("---\na:\n  b:\n    c: true\n  d: [1]\ne: {\"f\": null}\n"),
              ElementsAre("--a", "{\"b\":{\"c\":true},\"d\":[1]}", "--e", "{\"f\":null}"));
  EXPECT_THAT(read("a:\n  - k: 1\n    l: 2\n  - m\n"),
              ElementsAre("--a", "{\"k\":1,\"l\":2}", "m"));
  EXPECT_THAT(read("# nothing\n\n"), ElementsAre());
}

TEST_F(YamlConfig, NamesTheLineOfWhatItDoesNotRead) {
  EXPECT_THAT(refusal("a: 1\nb: &x 2\n"), HasSubstr("config.yaml:2:"));
  EXPECT_THAT(refusal("a: |\n  text\n"), HasSubstr(":1:"));
  EXPECT_THAT(refusal("a: 1\n  b: 2\n"), HasSubstr(":2:"));
  EXPECT_THAT(refusal("  a: 1\nb: 2\n"), HasSubstr(":2:"));
  EXPECT_THAT(refusal("words\n"), HasSubstr("'words'"));
  EXPECT_THAT(refusal("- a\n"), HasSubstr("option: value"));
  EXPECT_THAT(refusal("a: {b: 1}\n"), HasSubstr(":1:"));
  EXPECT_THAT(refusal("a: 'open\n"), HasSubstr(":1:"));
  EXPECT_THAT(refusal("a: 1\n---\nb: 2\n"), HasSubstr("second document"));
}

}  // namespace
}  // namespace vecton::cli
