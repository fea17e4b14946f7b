// From a picture's file to patches, as transformers' image processors on PIL prepare them.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "fixture.h"
#include "media/decode.h"
#include "media/image_processor.h"

namespace vecton::golden {
namespace {

class ImagePreprocess : public testing::TestWithParam<std::string> {};

// [images, channels, rows, columns] of the reference, or the last three: patches by row, their
// values by channel, row and column.
std::vector<float> patches_of(const Matrix& pixels, const std::vector<tensor::Image>& images) {
  const int64_t width = pixels.shape.back(), height = pixels.shape[pixels.shape.size() - 2];
  const int64_t channels = pixels.shape[pixels.shape.size() - 3];
  std::vector<float> patches;
  for (int64_t i = 0; i < std::ssize(images); ++i) {
    const int64_t patch = height / images[static_cast<size_t>(i)].rows;
    for (int64_t top = 0; top + patch <= height; top += patch)
      for (int64_t left = 0; left + patch <= width; left += patch)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t y = 0; y < patch; ++y)
            for (int64_t x = 0; x < patch; ++x)
              patches.push_back(pixels.values[static_cast<size_t>(
                  ((i * channels + c) * height + top + y) * width + left + x)]);
  }
  return patches;
}

void expect_grid(const json::value& reference, const Fixture& fixture, const tensor::Image& image) {
  const Matrix grid = fixture.tensor(reference);
  const size_t last = grid.values.size();
  EXPECT_EQ(static_cast<float>(image.rows), grid.values[last - 2]);
  EXPECT_EQ(static_cast<float>(image.columns), grid.values[last - 1]);
}

TEST_P(ImagePreprocess, MatchesTheReference) {
  const Fixture fixture(GetParam());
  const auto processor = media::open_image_processor(fixture.model());
  for (const json::value& item : fixture.cases()) {
    if (item.at("task") != "image_preprocess") continue;
    SCOPED_TRACE(std::string(item.at("id").as_string()));
    std::ifstream file(
        fixture.folder().parent_path() / std::string(item.at("input").at("image").as_string()),
        std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const media::ProcessedPicture got =
        processor->process(media::decode(bytes, media::PictureLimits(), "the picture"));

    const json::object& expect = item.at("expect").as_object();
    for (const char* name : {"image_grid_thw", "spatial_shapes"})
      if (const json::value* grid = expect.if_contains(name))
        expect_grid(*grid, fixture, got.images.at(0));
    if (expect.contains("rows")) {
      EXPECT_EQ(got.tile_rows, expect.at("rows").as_int64());
      EXPECT_EQ(got.tile_columns, expect.at("cols").as_int64());
    }
    const Matrix pixels = fixture.tensor(expect.at("pixel_values"));
    std::vector<float> want = pixels.values, have;
    if (!expect.contains("image_grid_thw") && !expect.contains("spatial_shapes"))
      want = patches_of(pixels, got.images);
    for (const tensor::Image& image : got.images)
      have.insert(have.end(), image.patches.begin(), image.patches.end());
    if (expect.contains("spatial_shapes")) {  // rows of padding follow
      ASSERT_LE(have.size(), want.size());
      want.resize(have.size());
    }
    ASSERT_EQ(have.size(), want.size());
    double most = 0;
    for (size_t i = 0; i < have.size(); ++i)
      most = std::max(most, std::abs(double{have[i]} - double{want[i]}));
    EXPECT_LE(most, item.at("tolerance").to_number<double>());
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, ImagePreprocess,
                         testing::ValuesIn(fixtures_with({"image_preprocess"})), test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ImagePreprocess);

}  // namespace
}  // namespace vecton::golden
