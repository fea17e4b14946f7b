#include "engine/picture_reader.h"

#include <gmock/gmock.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "vecton/error.h"

namespace vecton::engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A grey square as a BMP file.
std::string bitmap(uint8_t level, uint8_t side = 32) {
  std::string bytes = {'B', 'M', 0, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0};
  for (int i = 0; i < 2; ++i) bytes += std::string({static_cast<char>(side), 0, 0, 0});
  bytes += std::string({1, 0, 24, 0}) + std::string(24, '\0');
  bytes += std::string(static_cast<size_t>(side) * side * 3, static_cast<char>(level));
  return bytes;
}

class PictureReaderTest : public ::testing::Test {
 protected:
  PictureReaderTest() {
    folder_.write("preprocessor_config.json",
                  R"({"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 8,
                      "temporal_patch_size": 2, "merge_size": 2, "image_mean": [0.5, 0.5, 0.5],
                      "image_std": [0.5, 0.5, 0.5],
                      "size": {"shortest_edge": 256, "longest_edge": 65536}})");
    folder_.write("config.json", "{}");
    plan.weights = plan.folder = folder_.path();
    plan.images.emplace();
  }

  PreparedPicture read(const Image& image) const {
    return make_picture_reader(plan, options)(image, nullptr);
  }
  std::string refusal(const Image& image) const {
    try {
      read(image);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }

  base::TemporaryFolder folder_;
  EngineOptions options;
  Plan plan{.config = checkpoint::Config({}, "")};
};

TEST_F(PictureReaderTest, ReadsBytesDataAndFiles) {
  folder_.write("a.bmp", bitmap(7));
  const PreparedPicture file = read({.source = (folder_.path() / "a.bmp").string()});
  ASSERT_THAT(file.images, SizeIs(1));
  EXPECT_EQ(file.images[0].rows, 4);
  EXPECT_EQ(read({.bytes = bitmap(7)}).images[0].digest, file.images[0].digest);
  EXPECT_EQ(
      read({.source = "data:image/bmp;base64," + base::encode_base64(bitmap(7))}).images[0].digest,
      file.images[0].digest);
  EXPECT_NE(read({.bytes = bitmap(8)}).images[0].digest, file.images[0].digest);
}

TEST_F(PictureReaderTest, NamesWhatItCantRead) {
  EXPECT_THAT(refusal({}), HasSubstr("neither bytes nor a source"));
  EXPECT_THAT(refusal({.source = "/no/such.png"}), HasSubstr("/no/such.png"));
  EXPECT_NE(refusal({.source = folder_.path().string()}), "none");
  EXPECT_NE(refusal({.source = "data:;base64,?"}), "none");
  EXPECT_NE(refusal({.source = "https://example.org/a.png"}), "none") << "nothing is fetched";
  EXPECT_NE(refusal({.bytes = "no picture"}), "none");
}

TEST_F(PictureReaderTest, ReadsFilesOfTheFolderThatIsAllowed) {
  folder_.write("a.bmp", bitmap(7));
  const Image file{.source = "file://" + (folder_.path() / "a.bmp").string()};
  options.allowed_local_media_path = folder_.path();
  EXPECT_THAT(read(file).images, SizeIs(1));
  options.allowed_local_media_path = folder_.path() / "deeper";
  EXPECT_THAT(refusal(file), HasSubstr("allowed_local_media_path"));
  options.allowed_local_media_path = "";
  EXPECT_THAT(refusal(file), HasSubstr("files are not read here"));
}

TEST_F(PictureReaderTest, LaysSettingsOverTheProcessors) {
  plan.mm_processor_kwargs = R"({"max_pixels": 256})";
  EXPECT_EQ(read({.bytes = bitmap(7)}).images[0].rows, 2) << "32 x 32 became 16 x 16";
  plan.mm_processor_kwargs = R"({"size": {"longest_edge": 256}})";
  EXPECT_EQ(read({.bytes = bitmap(7)}).images[0].rows, 2);
  plan.mm_processor_kwargs = R"({"max_pixel": 256})";
  EXPECT_THAT(refusal({.bytes = bitmap(7)}),
              AllOf(HasSubstr("mm_processor_kwargs"), HasSubstr("max_pixel is not known")));
}

TEST_F(PictureReaderTest, CheckpointsOfTextAloneRefuseWhenOneComes) {
  std::filesystem::remove(folder_.path() / "preprocessor_config.json");
  EXPECT_THAT(refusal({.bytes = bitmap(7)}), HasSubstr("preprocessor_config.json"));
}

TEST_F(PictureReaderTest, ModelsOfTextHaveNone) {
  plan.images.reset();
  EXPECT_FALSE(make_picture_reader(plan, options));
}

}  // namespace
}  // namespace vecton::engine
