// What values of other programs' options mean here, and what is said of those without a meaning;
// the YAML of vLLM's --config.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/temporary_folder.h"
#include "cli/failure.h"
#include "cli/foreign_options.h"
#include "cli/yaml_config.h"

namespace vecton::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Arguments translated(const std::string& option, const std::string& value) {
  const ForeignOption* row = find_foreign_option(option);
  if (!row || !row->translate) {
    ADD_FAILURE() << option << " translates nothing";
    return {};
  }
  return row->translate(*row, value);
}

std::string refusal(const std::string& option, const std::string& value) {
  try {
    return "taken: " + testing::PrintToString(translated(option, value));
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::kUsage);
    return failure.what();
  }
}

struct Value {
  const char *option, *value;
  Arguments here;
};

TEST(ForeignValues, MeanOptionsHere) {
  const Value rows[] = {
      {"--host", "0.0.0.0", {"--host", "0.0.0.0"}},
      {"--host", "/run/vecton.sock", {"--uds", "/run/vecton.sock"}},
      {"--hostname", "::1", {"--host", "::1"}},
      {"--pooling", "cls", {"--pooler-config", R"({"pooling_type":"CLS"})"}},
      {"--pooling", "MEAN", {"--pooler-config", R"({"pooling_type":"MEAN"})"}},
      {"--pooling", "last-token", {"--pooler-config", R"({"pooling_type":"LAST"})"}},
      {"--pooling", "last", {"--pooler-config", R"({"pooling_type":"LAST"})"}},
      {"--pooling", "splade", {"--pooler-config", R"({"pooling_type":"SPLADE"})"}},
      {"--pooling", "none", {"--pooler-config", R"({"task":"token_embed"})"}},
      {"--pooling", "auto", {}},
      {"--pooling", "rank", {}},
      {"--task", "auto", {}},
      {"--task", "embed", {"--runner", "pooling", "--convert", "embed"}},
      {"--task", "embedding", {"--runner", "pooling", "--convert", "embed"}},
      {"--task", "classify", {"--runner", "pooling"}},
      {"--task", "score", {"--runner", "pooling"}},
      {"--task", "reward", {"--runner", "pooling"}},
      {"--task", "generate", {"--runner", "generate"}},
      {"--alias", "a", {"--served-model-name", "a"}},
      {"--alias", "a,b", {"--served-model-name", "a", "--served-model-name", "b"}},
      {"--permissive-cors", "true", {"--allowed-origins", R"(["*"])"}},
      {"--permissive-cors", "false", {"--allowed-origins", "[]"}},
      {"--cache-ram", "-1", {}},
      {"--cache-ram", "0", {"--no-enable-prefix-caching"}},
      {"--cache-ram", "8192", {"--cache-bytes", "8589934592"}},
      {"-cram", "1", {"--cache-bytes", "1048576"}},
      {"--cache-prompt", "true", {"--enable-prefix-caching"}},
      {"--cache-prompt", "false", {"--no-enable-prefix-caching"}},
      {"--embd-normalize", "2", {"--pooler-config", R"({"use_activation":true})"}},
      {"--embd-normalize", "-1", {"--pooler-config", R"({"use_activation":false})"}},
      {"--rope-theta", "10000", {"--hf-overrides", R"({"rope_theta":10000})"}},
      {"--rope-scaling",
       R"({"rope_type":"yarn","factor":4})",
       {"--hf-overrides", R"({"rope_scaling":{"rope_type":"yarn","factor":4}})"}},
  };
  for (const auto& [option, value, here] : rows)
    EXPECT_EQ(translated(option, value), here) << option << " " << value;
}

struct Wrong {
  const char *option, *value, *message;
};

TEST(ForeignValues, WithoutAMeaningAreRefused) {
  const Wrong rows[] = {
      {"--pooling", "max", "--pooling: expected cls, mean, last-token or splade, found max"},
      {"--pooling", "", "--pooling: expected cls, mean, last-token or splade, found "},
      {"--task", "Embed",
       "--task: expected embed, classify, score, reward or generate, found "
       "Embed"},
      {"--cache-ram", "many", "--cache-ram: expected a number of MiB, found many"},
      {"--cache-ram", "", "--cache-ram: expected a number of MiB, found "},
      {"--cache-ram", "-2", "--cache-ram: expected a number of MiB, found -2"},
      {"--cache-ram", "1.5", "--cache-ram: expected a number of MiB, found 1.5"},
      {"--cache-ram", "1000000000", "--cache-ram: expected a number of MiB, found 1000000000"},
      {"--embd-normalize", "0",
       "--embd-normalize: expected 2 (vectors of length 1) or -1 (as pooled), found 0"},
      {"--rope-theta", "fast", "--rope-theta: expected a number, found fast"},
      {"--rope-theta", "{}", "--rope-theta: expected a number, found {}"},
      {"--rope-scaling", "yarn",
       "--rope-scaling: expected a JSON object, as config.json has it, found yarn"},
      {"--rope-scaling", "4",
       "--rope-scaling: expected a JSON object, as config.json has it, found 4"},
  };
  for (const auto& [option, value, message] : rows)
    EXPECT_EQ(refusal(option, value), message) << option << " " << value;
}

// Every row is somebody's and says something; those that work alone translate values.
TEST(ForeignValues, RowsAreWhole) {
  for (const ForeignOption& row : foreign_options()) {
    EXPECT_NE(row.programs, 0u) << row.names;
    EXPECT_STRNE(row.text, "") << row.names;
    EXPECT_TRUE(row.meaning == Meaning::kWorks || !row.translate) << row.names;
  }
}

// --- YAML.

class YamlTable : public testing::Test {
 protected:
  Arguments read(const std::string& text) {
    return read_yaml_options(folder_.write("config.yaml", text));
  }
  std::string refused(const std::string& text) {
    try {
      return "taken: " + testing::PrintToString(read(text));
    } catch (const Failure& failure) {
      const std::string message = failure.what();
      const size_t at = message.find("config.yaml:");
      return at == std::string::npos ? message : message.substr(at);
    }
  }
  const base::TemporaryFolder folder_;
};

struct Yaml {
  const char* text;
  Arguments options;
};

// PyYAML's safe_load gives the same values.
TEST_F(YamlTable, ValuesArePlainOrQuoted) {
  const Yaml rows[] = {
      {"a: 1", {"--a", "1"}},
      {"a: -1.5", {"--a", "-1.5"}},
      {"a: word", {"--a", "word"}},
      {"a: two words", {"--a", "two words"}},
      {"a:   padded   ", {"--a", "padded"}},
      {"a: 'single'", {"--a", "single"}},
      {"a: 'it''s'", {"--a", "it's"}},
      {"a: ''", {"--a", ""}},
      {"a: \"double\"", {"--a", "double"}},
      {"a: \"x\\ny\"", {"--a", "x\ny"}},
      {"a: \"# no comment\"", {"--a", "# no comment"}},
      {"a: x # a comment", {"--a", "x"}},
      {"a: x#y", {"--a", "x#y"}},
      {"a: x: y", {"--a", "x: y"}},
      {"a: http://host:80/path", {"--a", "http://host:80/path"}},
      {"a: true", {"--a"}},
      {"a: Yes", {"--a"}},
      {"a: on", {"--a"}},
      {"a: 'true'", {"--a", "true"}},
      {"a: false", {"--no-a"}},
      {"a: No", {"--no-a"}},
      {"a: off", {"--no-a"}},
      {"a: null", {}},
      {"a: ~", {}},
      {"a:", {}},
      {"a: []", {}},
      {"a: [x]", {"--a", "x"}},
      {"a: [x, 2, true]", {"--a", "x", "2", "true"}},
      {"a: [\"x, y\", \"z\"]", {"--a", "x, y", "z"}},
      {"a: {\"b\": 1}", {"--a", "{\"b\":1}"}},
      {"\"a\": 1", {"--a", "1"}},
      {"'a': 1", {"--a", "1"}},
      {"a: 1\nb: 2\n", {"--a", "1", "--b", "2"}},
      {"a: 1\r\nb: 2\r\n", {"--a", "1", "--b", "2"}},
      {"\n# first\n\na: 1\n\n# last\n", {"--a", "1"}},
      {"a:\n  b: 1\n  c:\n    d: x\n", {"--a", "{\"b\":1,\"c\":{\"d\":\"x\"}}"}},
      {"a:\n  - x\n  - y\n", {"--a", "x", "y"}},
      {"a:\n- x\n- y\nb: 1\n", {"--a", "x", "y", "--b", "1"}},
      {"a:\n  - b: 1\n    c: 2\n  - d: 3\n", {"--a", "{\"b\":1,\"c\":2}", "{\"d\":3}"}},
      {"  a: 1\n  b: 2\n", {"--a", "1", "--b", "2"}},
      {"", {}},
  };
  for (const auto& [text, options] : rows) EXPECT_EQ(read(text), options) << text;
}

TEST_F(YamlTable, OtherFormsAreRefusedByTheirLine) {
  const std::pair<const char*, const char*> rows[] = {
      {"a: &anchor 1", "config.yaml:1: '&' at a value's beginning"},
      {"a: 1\nb: *anchor", "config.yaml:2: '*' at a value's beginning"},
      {"a: !tag 1", "config.yaml:1: '!' at a value's beginning"},
      {"a: |\n  text", "config.yaml:1: '|' at a value's beginning"},
      {"a: >\n  text", "config.yaml:1: '>' at a value's beginning"},
      {"a: @x", "config.yaml:1: '@' at a value's beginning"},
      {"a: 'open", "config.yaml:1: a quoted value that does not end with its line"},
      {"a: 'x' y", "config.yaml:1: a quoted value that does not end with its line"},
      {"a: {b: 1}", "config.yaml:1: a value that is no JSON"},
      {"a: [x, [y]]", "config.yaml:1: a value that is no JSON"},
      {"a: [x, , y]", "config.yaml:1: an empty value of a list"},
      {"word", "config.yaml:1: 'word'"},
      {"- a", "config.yaml:1: something else than 'option: value'"},
      {"a: 1\n  b: 2", "config.yaml:2: a line that is indented more"},
      {"  a: 1\nb: 2", "config.yaml:2: a line that is indented less"},
      {"a:\n  - - 1\n    - 2\n", "config.yaml:3: a line that is indented more"},
      {"a: 1\n---\nb: 2", "config.yaml:2: a second document"},
      {"a: 1\n...", "config.yaml:2: a second document"},
      {"\ta: 1", "config.yaml:1: a tab at the line's beginning"},
  };
  for (const auto& [text, message] : rows) {
    EXPECT_THAT(refused(text), testing::StartsWith(message)) << text;
    EXPECT_THAT(refused(text), testing::EndsWith("is not read here; 'option: value' is")) << text;
  }
  EXPECT_THROW(read_yaml_options("/no/such/file"), Failure);
}

// Random lines are read or refused; none of them ends the program.
TEST_F(YamlTable, AnyLinesAreReadOrRefused) {
  static constexpr std::string_view kLetters = "ab:-[]{}\"'# \n\n  ,1&";
  uint32_t state = 1;
  int taken = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (int i = 0; i < 14; ++i) {
      state = state * 1664525u + 1013904223u;
      text += kLetters[(state >> 8) % kLetters.size()];
    }
    try {
      read(text);
      ++taken;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), ExitStatus::kUsage);
    }
  }
  EXPECT_GT(taken, 10);
}

}  // namespace
}  // namespace vecton::cli
