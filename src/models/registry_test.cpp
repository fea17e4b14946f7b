// What the registry says of every family, and which family a config.json is of.
#include "models/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>

#include "base/json.h"
#include "vecton/error.h"

namespace vecton::models {
namespace {

using ::testing::HasSubstr;

checkpoint::Config config_of(const std::string& settings) {
  return checkpoint::Config(base::parse_json("{" + settings + "}", "config.json").as_object(),
                            "config.json");
}

std::string family_of(const std::string& settings) {
  try {
    return std::string(find_family(config_of(settings)).name);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Registry, NamesNothingTwice) {
  std::set<std::string_view> names, types, architectures;
  for (const Family* const known : model_families()) {
    const Family& family = *known;
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    for (const std::string_view type : family.model_types)
      EXPECT_TRUE(types.insert(type).second) << type;
    for (const Architecture& architecture : family.architectures)
      EXPECT_TRUE(architectures.insert(architecture.name).second) << architecture.name;
  }
}

TEST(Registry, FindsAFamilyByItsType) {
  for (const Family* family : model_families()) {
    for (const std::string_view type : family->model_types) EXPECT_EQ(family_of_type(type), family);
  }
  EXPECT_EQ(family_of_type("mystery"), nullptr);
  EXPECT_EQ(family_of_type(""), nullptr);
}

TEST(Registry, EveryFamilyHasABackboneAndReadsTheHeadsThatItNames) {
  for (const Family* const known : model_families()) {
    const Family& family = *known;
    ASSERT_TRUE(family.with_head(checkpoint::HeadKind::kNone)) << family.name;
    EXPECT_EQ(family.with_head(checkpoint::HeadKind::kNone)->name,
              family.architectures.front().name);
    for (const Architecture& architecture : family.architectures) {
      EXPECT_EQ(family.head_of(architecture.name), architecture.head);
      const bool computed = architecture.head != checkpoint::HeadKind::kNone &&
                            architecture.head != checkpoint::HeadKind::kCausalLm &&
                            architecture.head != checkpoint::HeadKind::kOther;
      EXPECT_TRUE(!computed || family.head) << architecture.name;
    }
  }
}

TEST(Registry, EveryFamilyThatHasAClassifierSaysWhatItsTensorsAre) {
  for (const Family* const known : model_families()) {
    const Family& family = *known;
    if (family.name == "static_embedding") continue;
    EXPECT_FALSE(family.tensors.words.empty()) << family.name;
    const bool classifies =
        family.with_head(checkpoint::HeadKind::kSequenceClassification) != nullptr;
    EXPECT_EQ(std::ranges::count(family.tensors.classifiers,
                                 checkpoint::HeadKind::kSequenceClassification, &HeadSign::head),
              classifies ? 1 : 0)
        << family.name;
    for (const HeadSign& sign : family.tensors.classifiers) {
      EXPECT_TRUE(family.with_head(sign.head)) << family.name;
      EXPECT_FALSE(sign.tensors.empty()) << family.name;
    }
  }
}

// A row that leaves out what every family needs.
TEST(Registry, EveryRowIsWhole) {
  for (const Family* family : model_families()) {
    EXPECT_FALSE(family->name.empty());
    EXPECT_FALSE(family->model_types.empty()) << family->name;
    EXPECT_FALSE(family->architectures.empty()) << family->name;
    EXPECT_TRUE(family->shape && family->load) << family->name;
  }
}

TEST(Registry, EveryFamilyFindsItsOwnArchitecturesAndNoOthers) {
  for (const Family* family : model_families()) {
    for (const Architecture& architecture : family->architectures) {
      ASSERT_EQ(family->find(architecture.name), &architecture);
      EXPECT_GE(architecture.default_labels, 1) << architecture.name;
    }
    EXPECT_EQ(family->find("FooModel"), nullptr);
    EXPECT_EQ(family->head_of("FooModel"), checkpoint::HeadKind::kNone);
  }
}

TEST(Registry, NamesOfCardsAreInLowerCaseAndSizesDescend) {
  for (const Family* family : model_families()) {
    for (const MatryoshkaCard& card : family->matryoshka) {
      EXPECT_FALSE(card.name.empty()) << family->name;
      EXPECT_TRUE(std::ranges::none_of(card.name, [](char c) { return c >= 'A' && c <= 'Z'; }))
          << card.name;
      EXPECT_TRUE(std::ranges::is_sorted(card.sizes, std::ranges::greater{})) << card.name;
      EXPECT_TRUE(card.sizes.empty() || card.least == 1) << card.name;
    }
  }
}

TEST(Registry, ARewardModelOfQwenHasOneLabelWhereConfigCountsNone) {
  const checkpoint::Config reward = config_of(R"("architectures": ["Qwen2ForRewardModel"])");
  EXPECT_EQ(find_family(reward).default_labels(reward), 1);
  const checkpoint::Config steps = config_of(R"("architectures": ["Qwen2ForProcessRewardModel"])");
  EXPECT_EQ(find_family(steps).default_labels(steps), 2);
  EXPECT_EQ(find_family(steps).find("Qwen2ForProcessRewardModel")->step_token, "<extra_0>");
  const checkpoint::Config own =
      config_of(R"("architectures": ["Contriever"], "model_type": "bert")");
  EXPECT_EQ(find_family(own).default_labels(own), 2);
}

TEST(Registry, ARerankersPromptHasInstructionQueryAndDocumentInTheirPlaces) {
  const checkpoint::Config config = config_of(R"("model_type": "qwen3")");
  const Family& family = find_family(config);
  ASSERT_TRUE(family.reranker);
  const std::string text = family.reranker->prompt.before_document("Find it.", "who?");
  EXPECT_TRUE(text.starts_with("<|im_start|>system\nJudge whether the Document meets"));
  EXPECT_TRUE(
      text.ends_with("<|im_start|>user\n<Instruct>: Find it.\n<Query>: who?\n<Document>: "));
}

TEST(Registry, FindsAFamilyByItsClassThenByItsType) {
  EXPECT_EQ(family_of(R"("architectures": ["BertModel"], "model_type": "bert")"), "bert");
  EXPECT_EQ(family_of(R"("architectures": ["NewModel"], "model_type": "bert")"), "gte");
  EXPECT_EQ(family_of(R"("model_type": "xlm-roberta")"), "roberta");
  EXPECT_EQ(family_of(R"("architectures": ["Contriever"], "model_type": "bert")"), "bert");
  EXPECT_EQ(family_of(R"("architectures": ["Qwen3ForEmbedding"], "model_type": "qwen3")"), "qwen3");
  EXPECT_EQ(family_of(R"("architectures": ["HF_ColBERT"], "model_type": "modernbert")"),
            "modernbert");
  EXPECT_EQ(family_of(R"("architectures": ["ColBERTModernBertModel"])"), "modernbert");
}

// docs/MODELS.md.
std::string models_page() {
  std::ifstream file("docs/MODELS.md");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return text;
}

TEST(Registry, EveryFamilyStandsInTheDocumentation) {
  const std::string page = models_page();
  ASSERT_FALSE(page.empty()) << "docs/MODELS.md can't be read";
  std::string lower = page;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const Family* family : model_families()) {
    std::string row = "| " + std::string(family->name) + " | ";
    for (const Architecture& architecture : family->architectures) {
      if (&architecture != family->architectures.begin()) row += ", ";
      row += architecture.name;
    }
    EXPECT_TRUE(page.find("\n" + row + " |\n") != std::string::npos) << "it lacks the line\n"
                                                                     << row;
    for (const std::string_view type : family->model_types) {
      EXPECT_TRUE(family->config || page.find("`" + std::string(type) + "`") != std::string::npos)
          << "model_type " << type;
    }
    for (const MatryoshkaCard& card : family->matryoshka)
      EXPECT_TRUE(lower.find(card.name) != std::string::npos) << card.name;
  }
}

TEST(Registry, RefusesWhatNeitherClassNorTypeTells) {
  const std::string refusal = family_of(R"("architectures": ["FooModel"], "model_type": "foo")");
  EXPECT_THAT(refusal, HasSubstr("config.json: architectures \"FooModel\" (model_type \"foo\")"));
  EXPECT_THAT(refusal, HasSubstr("bert, modernbert"));
  EXPECT_THAT(family_of(""), HasSubstr("is not supported"));
}

}  // namespace
}  // namespace vecton::models
