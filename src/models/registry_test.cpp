// What the registry says of every family, and which family a config.json is of.
#include "models/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/json.h"
#include "vecton/error.h"

namespace vecton {
namespace {

using ::testing::HasSubstr;

Config config_of(const std::string& settings) {
  return Config(parse_json("{" + settings + "}", "config.json").as_object(), "config.json");
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
  for (const Family& family : model_families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    for (const std::string_view type : family.model_types)
      EXPECT_TRUE(types.insert(type).second) << type;
    for (const Architecture& architecture : family.architectures)
      EXPECT_TRUE(architectures.insert(architecture.name).second) << architecture.name;
  }
}

TEST(Registry, EveryFamilyHasABackboneAndReadsTheHeadsThatItNames) {
  for (const Family& family : model_families()) {
    ASSERT_TRUE(family.with_head(HeadKind::kNone)) << family.name;
    EXPECT_EQ(family.with_head(HeadKind::kNone)->name, family.architectures.front().name);
    for (const Architecture& architecture : family.architectures) {
      EXPECT_EQ(family.head_of(architecture.name), architecture.head);
      const bool computed = architecture.head != HeadKind::kNone &&
                            architecture.head != HeadKind::kCausalLm &&
                            architecture.head != HeadKind::kOther;
      EXPECT_TRUE(!computed || family.head) << architecture.name;
    }
  }
}

TEST(Registry, EveryFamilyThatHasAClassifierSaysWhatItsTensorsAre) {
  for (const Family& family : model_families()) {
    if (family.name == "static_embedding") continue;
    EXPECT_FALSE(family.tensors.words.empty()) << family.name;
    const bool classifies = family.with_head(HeadKind::kSequenceClassification) != nullptr;
    EXPECT_EQ(std::ranges::count(family.tensors.classifiers, HeadKind::kSequenceClassification,
                                 &HeadSign::head),
              classifies ? 1 : 0)
        << family.name;
    for (const HeadSign& sign : family.tensors.classifiers) {
      EXPECT_TRUE(family.with_head(sign.head)) << family.name;
      EXPECT_FALSE(sign.tensors.empty()) << family.name;
    }
  }
}

TEST(Registry, FindsAFamilyByItsClassThenByItsType) {
  EXPECT_EQ(family_of(R"("architectures": ["BertModel"], "model_type": "bert")"), "bert");
  EXPECT_EQ(family_of(R"("architectures": ["NewModel"], "model_type": "bert")"), "gte");
  EXPECT_EQ(family_of(R"("model_type": "xlm-roberta")"), "roberta");
  EXPECT_EQ(family_of(R"("architectures": ["Contriever"], "model_type": "bert")"), "bert");
  EXPECT_EQ(family_of(R"("architectures": ["Qwen3ForEmbedding"], "model_type": "qwen3")"), "qwen3");
  EXPECT_EQ(family_of(R"("architectures": ["HF_ColBERT"], "model_type": "modernbert")"),
            "modernbert");
}

TEST(Registry, RefusesWhatNeitherClassNorTypeTells) {
  const std::string refusal = family_of(R"("architectures": ["FooModel"], "model_type": "foo")");
  EXPECT_THAT(refusal, HasSubstr("config.json: architectures \"FooModel\" (model_type \"foo\")"));
  EXPECT_THAT(refusal, HasSubstr("bert, modernbert"));
  EXPECT_THAT(family_of(""), HasSubstr("is not supported"));
}

}  // namespace
}  // namespace vecton
