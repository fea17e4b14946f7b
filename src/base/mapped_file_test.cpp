#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "vecton/error.h"

namespace vecton::base {
namespace {

namespace fs = std::filesystem;

// A folder that goes away with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "vecton_mapped_file_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

ErrorCode code_of(const fs::path& file) {
  try {
    const MappedFile map(file);
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos);
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

TEST(MappedFile, HasTheBytes) {
  const Folder folder;
  const std::string text("a\0b\xff\n", 5);
  const MappedFile map(folder.write("file", text));
  EXPECT_EQ(map.text(), text);
  EXPECT_EQ(map.bytes().size(), 5u);
  EXPECT_EQ(map.bytes()[3], std::byte{0xff});
}

TEST(MappedFile, EmptyFileIsAnEmptySpan) {
  const Folder folder;
  EXPECT_TRUE(MappedFile(folder.write("file", "")).text().empty());
}

TEST(MappedFile, ErrorsNameTheFile) {
  const Folder folder;
  EXPECT_EQ(code_of(folder.path() / "none"), ErrorCode::kNotFound);
  EXPECT_EQ(code_of(folder.write("file", "x") / "below"), ErrorCode::kNotFound);
  EXPECT_EQ(code_of(folder.path()), ErrorCode::kIo);
}

TEST(MappedFile, ReleasedBytesCanBeReadAgain) {
  const Folder folder;
  std::string text(100'000, 'x');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
  const MappedFile map(folder.write("file", text));
  map.release(map.bytes());
  map.release(map.bytes().subspan(1, 5000));
  map.release(map.bytes().subspan(10, 20));
  map.release({});
  EXPECT_EQ(map.text(), text);
}

}  // namespace
}  // namespace vecton::base
