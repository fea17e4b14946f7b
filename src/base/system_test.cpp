// What the system is asked: files, memory, the processor; and the words of errors.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "base/cpu_info.h"
#include "base/files.h"
#include "base/memory_info.h"
#include "base/temporary_folder.h"
#include "vecton/error.h"

namespace vecton::base {
namespace {

TEST(Files, OnlyARegularFileIsOne) {
  const TemporaryFolder folder;
  const auto file = folder.write("a/b.txt", "x");
  EXPECT_TRUE(is_file(file));
  EXPECT_FALSE(is_file(folder.path() / "a"));
  EXPECT_FALSE(is_file(folder.path() / "none"));
  EXPECT_FALSE(is_file(file / "below a file"));
  EXPECT_FALSE(is_file(folder.path() / std::string(5000, 'x')));
  std::filesystem::create_symlink("b.txt", folder.path() / "a" / "link");
  std::filesystem::create_symlink("nowhere", folder.path() / "a" / "broken");
  EXPECT_TRUE(is_file(folder.path() / "a" / "link"));
  EXPECT_FALSE(is_file(folder.path() / "a" / "broken"));
}

TEST(TemporaryFolder, GoesAwayWithItsObject) {
  std::filesystem::path path;
  {
    const TemporaryFolder folder, other;
    path = folder.path();
    EXPECT_NE(path, other.path());
    folder.write("deep/er/file", "x");
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Memory, SomeIsLeftAndNotMoreThanThereCanBe) {
  EXPECT_GT(available_memory(), int64_t{1} << 20);
  EXPECT_LT(available_memory(), int64_t{1} << 50);
}

TEST(Processor, HasANameAndAQuotaThatMakesSense) {
  EXPECT_FALSE(cpu_name().empty());
  EXPECT_EQ(cpu_name().find('\n'), std::string::npos);
  EXPECT_GE(last_level_cache(), 0);
  EXPECT_GE(cpu_quota(), 0);
}

TEST(Error, EveryCodeHasAWordOfItsOwn) {
  std::set<std::string> words;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code)
    EXPECT_TRUE(words.insert(to_string(static_cast<ErrorCode>(code))).second) << code;
  EXPECT_FALSE(words.contains("unknown"));
  const Error error(ErrorCode::kTooLong, "too many tokens", "input");
  EXPECT_STREQ(error.what(), "too many tokens");
  EXPECT_EQ(error.field(), "input");
  EXPECT_EQ(error.code(), ErrorCode::kTooLong);
  EXPECT_TRUE(Error(ErrorCode::kIo, "x").field().empty());
}

}  // namespace
}  // namespace vecton::base
