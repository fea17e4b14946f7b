#include "checkpoint/labels.h"

#include "base/json.h"
#include "checkpoint/test_files.h"

namespace vecton::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> labels_of(const std::string& settings) {
  std::vector<std::string> texts;
  for (const Label& label :
       read_labels(Config(base::parse_json(settings, "config.json").as_object(), "config.json"))) {
    texts.push_back(label.is_name ? "'" + label.text + "'" : label.text);
  }
  return texts;
}

TEST(Labels, AreThoseOfTheMapInTheOrderOfTheirIds) {
  EXPECT_THAT(labels_of(R"({"id2label": {"1": "yes", "0": "no"}, "num_labels": 5})"),
              ElementsAre("'no'", "'yes'"));
}

TEST(Labels, MayBeNumbersOrNull) {
  EXPECT_THAT(labels_of(R"({"id2label": {"0": 0, "1": null, "2": 2.0, "3": true, "4": 0.5}})"),
              ElementsAre("0", "null", "2.0", "true", "0.5"));
  EXPECT_THAT(labels_of(R"({"id2label": {"0": "0", "1": 18446744073709551615}})"),
              ElementsAre("'0'", "18446744073709551615"));
  for (const char* name : {"[]", "{}"}) {
    EXPECT_REFUSED(labels_of(std::string(R"({"id2label": {"0": )") + name + "}}"),
                   ErrorCode::kCorrupt, "id2label: the name of 0");
  }
}

TEST(Labels, HaveNumbersForNamesWithoutAMap) {
  EXPECT_THAT(labels_of(R"({"num_labels": 3})"),
              ElementsAre("'LABEL_0'", "'LABEL_1'", "'LABEL_2'"));
  EXPECT_THAT(labels_of("{}"), SizeIs(2));
}

TEST(Labels, AreAsManyAsTheFamilySaysUnlessTheConfigCountsThem) {
  const auto count = [](const std::string& settings) {
    return read_labels(Config(base::parse_json(settings, "config.json").as_object(), "config.json"),
                       1)
        .size();
  };
  EXPECT_EQ(count("{}"), 1u);
  EXPECT_EQ(count(R"({"num_labels": 2})"), 2u);
  EXPECT_EQ(count(R"({"id2label": {"0": "a", "1": "b", "2": "c"}})"), 3u);
}

TEST(Labels, RefuseIdsThatAreNotZeroToTheLast) {
  for (const char* map : {R"({"1": "a"})", R"({"0": "a", "00": "b"})", R"({"x": "a"})", "{}"}) {
    EXPECT_REFUSED(labels_of(std::string(R"({"id2label": )") + map + "}"), ErrorCode::kCorrupt,
                   "id2label");
  }
}

}  // namespace
}  // namespace vecton::checkpoint
