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

bool by_mlx(const std::string& name, const std::string& text) {
  const base::TemporaryFolder folder;
  folder.write(name, text);
  return written_by_mlx(folder.path());
}

TEST(WrittenBy, Mlx) {
  const std::string header = R"(........{"__metadata__":{"format":"mlx"},"a":{"dtype")",
                    torch = R"(........{"__metadata__":{"format":"pt"},"a":{"dtype")";
  EXPECT_TRUE(by_mlx("config.json", R"({"quantization":{"bits":4}})"));
  EXPECT_FALSE(by_mlx("config.json", R"({"quantization_config":{"bits":4}})"));
  for (const char* name : {"model.safetensors", "model-00002-of-00003.safetensors"}) {
    EXPECT_TRUE(by_mlx(name, header)) << name;
    EXPECT_FALSE(by_mlx(name, torch)) << name;
  }
  EXPECT_FALSE(by_mlx("model.safetensors", ""));
}

}  // namespace
}  // namespace vecton::checkpoint
