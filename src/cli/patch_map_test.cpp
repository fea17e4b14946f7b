#include "cli/patch_map.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/temporary_folder.h"
#include "media/decode.h"
#include "vecton/vecton.h"

namespace vecton::cli {
namespace {

constexpr int kMargin = 24, kCaption = 26, kSide = 1000;  // of the picture that is drawn

media::Picture drawn(const media::Picture& page, const std::vector<PatchMap>& maps) {
  const base::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "map.png";
  write_patch_maps(page, maps, file);
  std::ifstream stream(file, std::ios::binary);
  return media::decode(std::string(std::istreambuf_iterator<char>(stream), {}), {}, "map");
}

struct Middle {
  double x = 0, y = 0;  // in shares of the panel
  int pixels = 0;
};

// Where the frame around the best patch is, in the panel whose corner is x, y.
Middle frame_in(const media::Picture& picture, int x, int y, int width, int height) {
  Middle middle;
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      const uint8_t* pixel = picture.row(y + v) + int64_t{x + u} * 3;
      if (pixel[0] != 255 || pixel[1] != 40 || pixel[2] != 40) continue;
      ++middle.pixels;
      middle.x += u + 0.5;
      middle.y += v + 0.5;
    }
  }
  middle.x /= middle.pixels * static_cast<double>(width);
  middle.y /= middle.pixels * static_cast<double>(height);
  return middle;
}

// A vector of its own for each patch, and a query's token that is one of them.
TEST(PatchMap, TheBestPatchIsFramedWhereItLies) {
  constexpr int64_t kRows = 3, kColumns = 5, kPatches = kRows * kColumns, kBefore = 2;
  Vectors document{.rows = kBefore + kPatches, .columns = kPatches};
  document.values.resize(static_cast<size_t>(document.rows * document.columns));
  for (int64_t i = 0; i < kPatches; ++i)
    document.values[static_cast<size_t>((kBefore + i) * kPatches + i)] = 1;
  const ImageGrid grid{.begin = kBefore, .rows = kRows, .columns = kColumns};
  media::Picture page(100, 60);
  for (const int64_t best : {0, 4, 7, 13}) {
    Vectors query{.rows = 1, .columns = kPatches};
    query.values.resize(kPatches);
    query.values[static_cast<size_t>(best)] = 1;
    const PatchValues patches{.grid = grid, .values = similarity_maps(query, document, grid)};
    EXPECT_EQ(patches.best(), static_cast<size_t>(best));
    const media::Picture picture = drawn(page, {{.label = "word", .patches = {patches}}});
    const Middle middle = frame_in(picture, kMargin, kMargin + kCaption, kSide, kSide * 60 / 100);
    ASSERT_GT(middle.pixels, 0);
    EXPECT_NEAR(middle.x, (static_cast<double>(best % kColumns) + 0.5) / kColumns, 0.01) << best;
    EXPECT_NEAR(middle.y, (static_cast<double>(best / kColumns) + 0.5) / kRows, 0.01) << best;
  }
}

TEST(PatchMap, TilesLieBesideEachOther) {
  std::vector<PatchValues> tiles;
  for (int i = 0; i < 4; ++i) {
    tiles.push_back({.grid = {.rows = 2,
                              .columns = 2,
                              .left = i % 2 * 0.5,
                              .top = i / 2 * 0.5,
                              .width = 0.5,
                              .height = 0.5},
                     .values = {0, 0, 0, 0}});
  }
  tiles[2].values[1] = 1;  // below on the left; there above on the right
  const media::Picture picture =
      drawn(media::Picture(80, 80), {{.label = "", .patches = std::move(tiles)}});
  const Middle middle = frame_in(picture, kMargin, kMargin + kCaption, kSide, kSide);
  EXPECT_NEAR(middle.x, 0.375, 0.01);
  EXPECT_NEAR(middle.y, 0.625, 0.01);
}

TEST(PatchMap, ColoursAreThoseOfOneScale) {
  const ImageGrid grid{.rows = 1, .columns = 2};
  media::Picture page(40, 20);
  std::fill(page.rgb.begin(), page.rgb.end(), uint8_t{255});
  const media::Picture picture = drawn(page, {{.label = "a", .patches = {{grid, {0, 1}}}},
                                              {.label = "b", .patches = {{grid, {0, 0.5F}}}}});
  constexpr int kSmall = 340, kGap = 12;
  const auto pixel = [&](int x) {
    const uint8_t* at = picture.row(kMargin + kCaption + kSmall / 4) + int64_t{x} * 3;
    return std::vector<int>{at[0], at[1], at[2]};
  };
  const int second = kMargin + kSmall + kGap;
  EXPECT_EQ(pixel(kMargin + kSmall / 4), pixel(second + kSmall / 4)) << "0 in both";
  EXPECT_NE(pixel(kMargin + kSmall * 3 / 4), pixel(second + kSmall * 3 / 4)) << "1 and 0.5";
}

}  // namespace
}  // namespace vecton::cli
