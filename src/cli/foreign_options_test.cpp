#include "cli/foreign_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

namespace vecton::cli {
namespace {

constexpr const char* kBegin = "<!-- options of other programs -->\n";
constexpr const char* kEnd = "<!-- end -->\n";

std::string programs_of(const ForeignOption& row) {
  std::string out;
  for (const auto& [program, name] : {std::pair{kVllm, "vLLM"},
                                      {kTei, "TEI"},
                                      {kInfinity, "infinity"},
                                      {kLlamaServer, "llama-server"},
                                      {kMlxEmbeddings, "mlx-embeddings"}}) {
    if ((row.programs & program) != 0) out += (out.empty() ? "" : ", ") + std::string(name);
  }
  return out;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

// The section of docs/CLI.md that this table is.
std::string documented() {
  std::string out = kBegin;
  out += "\n| option | of | here |\n|---|---|---|\n";
  for (const ForeignOption& row : foreign_options()) {
    std::string names;
    for (const std::string& option : options_of(row)) {
      for (const std::string& spelling : split(option, ','))
        names += (names.empty() ? "" : ", ") + code(spelling);
    }
    out += "| " + names + " | " + programs_of(row) + " | ";
    switch (row.meaning) {
      case Meaning::kWorks:
        out += "works as " + code(row.text);
        break;
      case Meaning::kIgnored:
        out += "no effect: " + std::string(row.text);
        break;
      case Meaning::kRefused:
        out += "refused; what works: " + escaped(row.text);
        break;
    }
    if (*row.same) {
      out += " (fine:";
      for (const std::string& value : split(row.same, ' ')) out += " " + code(value);
      out += ")";
    }
    out += " |\n";
  }
  return out + "\n" + kEnd;
}

// One letter may be an option of several programs, each its own (-n); a whole name is not.
void expect_named_once(const std::string& spelling, const ForeignOption& row,
                       std::map<std::string, unsigned>& names) {
  unsigned& programs = names[spelling];
  EXPECT_EQ(programs & row.programs, 0u) << spelling;
  EXPECT_TRUE(programs == 0 || spelling.size() == 2) << spelling;
  programs |= row.programs;
}

TEST(ForeignOptions, OfOneLetterAreTheProgramsThatWasNamed) {
  EXPECT_EQ(find_foreign_option("-n")->meaning, Meaning::kRefused);
  EXPECT_EQ(find_foreign_option("-n", kVllm)->meaning, Meaning::kRefused);
  EXPECT_EQ(find_foreign_option("-n", kLlamaServer)->meaning, Meaning::kWorks);
  EXPECT_EQ(find_foreign_option("-r", kLlamaServer)->meaning, Meaning::kRefused);
  EXPECT_EQ(find_foreign_option("-j"), find_foreign_option("--json-schema"));
}

TEST(ForeignOptions, AreNamedOnce) {
  std::map<std::string, unsigned> names;
  for (const ForeignOption& row : foreign_options()) {
    EXPECT_NE(row.programs, 0u) << row.names;
    EXPECT_NE(std::string(row.text), "") << row.names;
    for (const std::string& option : options_of(row)) {
      for (const std::string& spelling : split(option, ','))
        expect_named_once(spelling, row, names);
    }
  }
  EXPECT_GT(names.size(), 600u);
}

TEST(ForeignOptions, HaveTheVariablesOfTheirPrograms) {
  using ::testing::Contains;
  EXPECT_THAT(variables_of(*find_foreign_option("--model-id")), Contains("MODEL_ID"));
  EXPECT_THAT(variables_of(*find_foreign_option("--model-id")), Contains("INFINITY_MODEL_ID"));
  EXPECT_THAT(variables_of(*find_foreign_option("--max-batch-tokens")),
              Contains("MAX_BATCH_TOKENS"));
  EXPECT_THAT(variables_of(*find_foreign_option("--api-key")), Contains("VLLM_API_KEY"));
  for (const ForeignOption& row : foreign_options()) {
    for (const std::string& name : variables_of(row)) {
      EXPECT_NE(name, "HOST") << row.names;
      EXPECT_NE(name, "HOSTNAME") << row.names;
      EXPECT_NE(name, "MODEL") << row.names;
    }
  }
}

// With VECTON_UPDATE_DOCS set the section is written instead.
TEST(ForeignOptions, StandInTheDocumentation) {
  const char* const path = "docs/CLI.md";
  std::ifstream in(path);
  std::string text(std::istreambuf_iterator<char>(in), {});
  const size_t begin = text.find(kBegin), end = text.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t size = end + std::string(kEnd).size() - begin;
  if (std::getenv("VECTON_UPDATE_DOCS")) {
    std::ofstream(path) << text.replace(begin, size, documented());
    return;
  }
  EXPECT_TRUE(text.substr(begin, size) == documented())
      << "docs/CLI.md is behind: VECTON_UPDATE_DOCS=1 writes its table";
}

}  // namespace
}  // namespace vecton::cli
