#include "checkpoint/written_by.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"

namespace vecton::checkpoint {
namespace {

bool since_5_4(const std::string& settings) {
  const base::TemporaryFolder folder;
  if (!settings.empty()) folder.write("config_sentence_transformers.json", settings);
  return written_since(folder.path(), {.major = 5, .minor = 4});
}

TEST(WrittenBy, Versions) {
  const auto of = [](const std::string& version) {
    return since_5_4(R"({"__version__":{"sentence_transformers":")" + version + R"("}})");
  };
  for (const char* version : {"5.4", "5.4.0", "5.10.1", "6.2.0", "10.0", "5.4.0.dev0"})
    EXPECT_TRUE(of(version)) << version;
  for (const char* version : {"2.2.2", "5.3.0", "5", "4.9", "", "x"})
    EXPECT_FALSE(of(version)) << version;
}

TEST(WrittenBy, NoVersionIsOlder) {
  for (const char* settings : {"", "{}", R"({"__version__":null})", R"({"__version__":{}})", "[]",
                               R"({"__version__":{"sentence_transformers":6}})"}) {
    EXPECT_FALSE(since_5_4(settings)) << settings;
  }
}

}  // namespace
}  // namespace vecton::checkpoint
