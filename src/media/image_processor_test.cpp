// The settings of image processors; their numbers are checked by tests/golden.
#include "media/image_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/temporary_folder.h"
#include "vecton/error.h"

namespace vecton::media {
namespace {

using testing::HasSubstr;

class Folder {
 public:
  explicit Folder(const std::string& processor) {
    write("preprocessor_config.json", processor);
    write("config.json", R"({"vision_config":{"patch_size":4}})");
  }
  void write(const char* name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
  }
  std::unique_ptr<const ImageProcessor> open() const {
    return open_image_processor(folder_.path());
  }
  const base::TemporaryFolder& folder() const { return folder_; }

 private:
  base::TemporaryFolder folder_;
};

ProcessedPicture process(const std::string& processor, int64_t width, int64_t height) {
  return Folder(processor).open()->process(Picture(width, height));
}

std::string refusal(const std::string& processor, int64_t width = 8, int64_t height = 8) {
  try {
    process(processor, width, height);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void expect_grid(const ProcessedPicture& got, int64_t rows, int64_t columns, size_t values) {
  ASSERT_EQ(got.images.size(), 1u);
  EXPECT_EQ(got.images[0].rows, rows);
  EXPECT_EQ(got.images[0].columns, columns);
  EXPECT_EQ(got.images[0].patches.size(), static_cast<size_t>(rows * columns) * values);
}

TEST(ImageProcessor, OfOneSize) {
  expect_grid(process(R"({"image_processor_type":"SiglipImageProcessor",
                          "size":{"height":17,"width":25}})",
                      60, 9),
              4, 6, 48);
  expect_grid(process(R"({"image_processor_type":"SiglipImageProcessorFast","size":16})", 1, 1), 4,
              4, 48);
}

TEST(ImageProcessor, CropsTheMiddle) {
  const char* const clip = R"({"feature_extractor_type":"CLIPFeatureExtractor","size":8,
      "crop_size":8,"resample":3,"image_mean":0,"image_std":1})";
  Picture picture(20, 8);
  for (int64_t y = 0; y < 8; ++y) picture.row(y)[6 * 3] = 255;  // the first column of the middle
  const ProcessedPicture got = Folder(clip).open()->process(picture);
  expect_grid(got, 2, 2, 48);
  for (size_t i = 0; i < 16; ++i) EXPECT_EQ(got.images[0].patches[i], i % 4 == 0 ? 1.0F : 0.0F);
}

TEST(ImageProcessor, PadsWhatIsLessThanTheMiddle) {
  const ProcessedPicture got =
      process(R"({"image_processor_type":"CLIPImageProcessor","size":{"shortest_edge":4},
                  "crop_size":{"height":8,"width":8}})",
              4, 4);
  expect_grid(got, 2, 2, 48);
}

TEST(ImageProcessor, OfThePicturesShape) {
  const char* const qwen = R"({"image_processor_type":"Qwen2VLImageProcessor","patch_size":4,
      "merge_size":2,"size":{"shortest_edge":64,"longest_edge":4096}})";
  expect_grid(process(qwen, 33, 17), 4, 8, 96);
  expect_grid(process(qwen, 400, 100), 8, 32, 96);
  expect_grid(process(qwen, 1, 1), 2, 2, 96);
  EXPECT_THAT(refusal(qwen, 2001, 10), HasSubstr("2001 x 10"));
  // The older keys go first.
  expect_grid(process(R"({"image_processor_type":"Qwen2VLImageProcessor","patch_size":4,
      "min_pixels":64,"max_pixels":256,"size":{"shortest_edge":64,"longest_edge":4096}})",
                      64, 64),
              4, 4, 96);
}

TEST(ImageProcessor, OfPixtralUpToItsLongestEdge) {
  Folder folder(R"({"image_processor_type":"PixtralImageProcessorFast",
                    "patch_size":{"height":4,"width":4},"size":{"longest_edge":32}})");
  const auto grid = [&](int64_t width, int64_t height, int64_t rows, int64_t columns) {
    expect_grid(folder.open()->process(Picture(width, height)), rows, columns, 48);
  };
  grid(9, 4, 1, 3);  // each patch is a token
  grid(100, 50, 4, 8);
  folder.write("config.json", R"({"vision_config":{"patch_size":4},"spatial_merge_size":2})");
  grid(9, 4, 2, 4);  // blocks of two
  grid(32, 1, 2, 8);
  grid(70, 35, 4, 8);
  grid(35, 70, 8, 4);
  EXPECT_THROW(grid(33, 1, 0, 0), Error) << "less than a pixel high";
  folder.write("processor_config.json", R"({"patch_size":4,"spatial_merge_size":2,
      "image_token":"[IMG]","image_break_token":"[IMG_BREAK]","image_end_token":"[IMG_END]"})");
  grid(9, 4, 2, 4);
  const auto refusal_of = [&](const char* processor_config) -> std::string {
    folder.write("processor_config.json", processor_config);
    try {
      folder.open();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal_of(R"({"patch_size":14})"), HasSubstr("\"patch_size\": 14"));
  EXPECT_THAT(refusal_of(R"({"spatial_merge_size":3})"), HasSubstr("\"spatial_merge_size\": 3"));
  EXPECT_THAT(refusal_of(R"({"image_break_token":"<b>"})"), HasSubstr("image_break_token"));
  const std::string pixtral = R"("image_processor_type":"PixtralImageProcessor",)";
  EXPECT_THAT(refusal("{" + pixtral + R"("size":{"shortest_edge":4}})"), HasSubstr("longest_edge"));
  EXPECT_THAT(refusal("{" + pixtral + R"("patch_size":5})"), HasSubstr("patch_size has to be 4"));
  expect_grid(process("{" + pixtral + R"("size":{"height":8,"width":16}})", 64, 16), 1, 4, 48);
}

// Patches of one token follow each other; a still picture is two frames.
TEST(ImageProcessor, OrdersPatchesByTokens) {
  Picture picture(16, 8);
  for (int64_t y = 0; y < 8; ++y)
    for (int64_t x = 0; x < 16; ++x)
      picture.row(y)[x * 3] = static_cast<uint8_t>(y / 4 * 4 + x / 4);
  const ProcessedPicture got =
      Folder(R"({"image_processor_type":"Qwen2VLImageProcessorFast","patch_size":4,"merge_size":2,
          "min_pixels":64,"max_pixels":4096,"do_normalize":false,"rescale_factor":1})")
          .open()
          ->process(picture);
  expect_grid(got, 2, 4, 96);
  const int want[] = {0, 1, 4, 5, 2, 3, 6, 7};
  for (size_t i = 0; i < 8; ++i)
    for (size_t v = 0; v < 96; ++v)
      ASSERT_EQ(got.images[0].patches[i * 96 + v], v < 32 ? static_cast<float>(want[i]) : 0.0F);
}

TEST(ImageProcessor, OfPaddleOcrVlUnderItsTwoNames) {
  const std::string rest = R"("patch_size":4,"merge_size":2,"min_pixels":64,"max_pixels":4096})";
  expect_grid(process(R"({"image_processor_type":"PaddleOCRVLImageProcessor",)" + rest, 16, 8), 2,
              4, 48);
  expect_grid(process(R"({"image_processor_type":"SiglipImageProcessor",)" + rest, 16, 8), 2, 4,
              48);
  expect_grid(process(R"({"image_processor_type":"SiglipImageProcessor",)" + rest, 16, 2), 2, 16,
              48);
}

TEST(ImageProcessor, KeepsToABudgetOfPatches) {
  const char* const naflex =
      R"({"image_processor_type":"Siglip2ImageProcessor","patch_size":4,"max_num_patches":24})";
  for (const auto& [width, height] : {std::pair{100, 100}, {1000, 10}, {1, 1}, {7, 300}}) {
    const ProcessedPicture got = process(naflex, width, height);
    EXPECT_LE(got.images.at(0).count(), 24);
    EXPECT_GE(got.images.at(0).count(), 12);
  }
}

TEST(ImageProcessor, CutsTiles) {
  const std::string tiles = R"({"image_processor_type":"Idefics3ImageProcessor",
      "size":{"longest_edge":32},"max_image_size":{"longest_edge":8})";
  const ProcessedPicture got = process(tiles + "}", 40, 18);
  EXPECT_EQ(got.tile_rows, 2);
  EXPECT_EQ(got.tile_columns, 4);
  ASSERT_EQ(got.images.size(), 9u);
  for (const tensor::Image& image : got.images) EXPECT_EQ(image.count(), 4);
  const ProcessedPicture whole = process(tiles + R"(,"do_image_splitting":false})", 40, 18);
  EXPECT_EQ(whole.tile_rows, 0);
  EXPECT_EQ(whole.images.size(), 1u);
}

TEST(ImageProcessor, TellsPicturesApart) {
  const Folder folder(R"({"image_processor_type":"SiglipImageProcessor","size":8})");
  Picture other(8, 8);
  other.rgb[0] = 1;
  const auto digest = [&](const Picture& picture) {
    return folder.open()->process(picture).images[0].digest;
  };
  EXPECT_EQ(digest(Picture(8, 8)), digest(Picture(8, 8)));
  EXPECT_NE(digest(Picture(8, 8)), digest(other));
}

TEST(ImageProcessor, RefusesByName) {
  const std::string siglip = R"({"image_processor_type":"SiglipImageProcessor","size":8,)";
  EXPECT_THAT(refusal(siglip + R"("resample":0})"), HasSubstr("resample"));
  EXPECT_THAT(refusal(siglip + R"("do_resize":false})"), HasSubstr("do_resize"));
  EXPECT_THAT(refusal(siglip + R"("do_rescale":false})"), HasSubstr("do_rescale"));
  EXPECT_THAT(refusal(siglip + R"("image_std":0})"), HasSubstr("image_std"));
  EXPECT_THAT(refusal(siglip + R"("image_mean":[1,2]})"), HasSubstr("image_mean"));
  EXPECT_THAT(refusal(siglip + R"("sharpen":true})"), HasSubstr("sharpen"));
  EXPECT_THAT(refusal(R"({"image_processor_type":"SiglipImageProcessor","size":{"width":8}})"),
              HasSubstr("size"));
  EXPECT_THAT(refusal(R"({"image_processor_type":"SiglipImageProcessor","size":3})"),
              HasSubstr("less than a patch"));
  EXPECT_THAT(refusal(R"({"image_processor_type":"ViTImageProcessor"})"),
              HasSubstr("SiglipImageProcessor"));
  EXPECT_THAT(refusal("{}"), HasSubstr("feature_extractor_type"));
}

TEST(ImageProcessor, KnowsWhatNemotronsSaysOfTexts) {
  const std::string sizes = R"({"image_processor_type":"Qwen2VLImageProcessorFast","patch_size":4,
      "merge_size":2,"temporal_patch_size":2,"size":{"shortest_edge":64,"longest_edge":4096},
      "q_max_length":512,"p_max_length":4096,"passage_prefix":"passage:","query_prefix":)";
  EXPECT_EQ(refusal(sizes + R"("query:"})"), "");
  EXPECT_THAT(refusal(sizes + R"("ask:"})"), HasSubstr("query_prefix"));
}

TEST(ImageProcessor, IsReadOfProcessorConfigFirst) {
  const Folder folder(R"({"image_processor_type":"SiglipImageProcessor","size":8})");
  folder.write("processor_config.json",
               R"({"image_processor":{"image_processor_type":"SiglipImageProcessor","size":16}})");
  expect_grid(folder.open()->process(Picture(3, 3)), 4, 4, 48);
  const base::TemporaryFolder empty;
  EXPECT_THROW(open_image_processor(empty.path()), Error);
}

}  // namespace
}  // namespace vecton::media
