#include "media/orientation.h"

#include <gtest/gtest.h>

#include <string>

namespace vecton::media {
namespace {

// A directory of one entry, after eight bytes of header.
std::string exif(bool big_endian, int type, int value) {
  const auto number = [&](uint32_t n, size_t size) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i)
      bytes[big_endian ? size - 1 - i : i] = static_cast<char>(n >> (8 * i));
    return bytes;
  };
  const size_t size = type == 3 ? 2 : type == 1 ? 1 : 4;
  return (big_endian ? "MM" : "II") + number(42, 2) + number(8, 4) + number(1, 2) +
         number(0x0112, 2) + number(static_cast<uint32_t>(type), 2) + number(1, 4) +
         number(static_cast<uint32_t>(value), size) + std::string(4 - size, '\0');
}

TEST(Orientation, IsReadInBothByteOrders) {
  for (const bool big_endian : {false, true})
    for (const int type : {1, 3, 4}) EXPECT_EQ(find_orientation(exif(big_endian, type, 6), ""), 6);
  EXPECT_EQ(find_orientation(std::string("Exif\0\0", 6) + exif(true, 3, 8), ""), 8);
}

TEST(Orientation, OfNonsenseIsNone) {
  EXPECT_EQ(find_orientation("", ""), 1);
  EXPECT_EQ(find_orientation(exif(false, 3, 9), ""), 1);
  EXPECT_EQ(find_orientation(exif(false, 2, 6), ""), 1);
  EXPECT_EQ(find_orientation("II*", ""), 1);
  const std::string whole = exif(true, 3, 6);
  for (size_t size = 0; size < 18; ++size)
    EXPECT_EQ(find_orientation(std::string_view(whole).substr(0, size), ""), 1) << size;
}

TEST(Orientation, IsXmpsWhereExifHasNone) {
  EXPECT_EQ(find_orientation("", "<a tiff:Orientation=\"3\"/>"), 3);
  EXPECT_EQ(find_orientation("", "<tiff:Orientation>8</tiff:Orientation>"), 8);
  EXPECT_EQ(find_orientation("", "tiff:Orientation"), 1);
  EXPECT_EQ(find_orientation("", "tiff:Orientation=\""), 1);
  EXPECT_EQ(find_orientation(exif(false, 3, 6), "<a tiff:Orientation=\"3\"/>"), 6);
}

// A B C
// D E F
TEST(Orientation, TurnsAsExifNumbersThem) {
  Picture picture(3, 2);
  for (size_t i = 0; i < 6; ++i) picture.rgb[i * 3] = static_cast<uint8_t>('A' + i);
  const char* const want[] = {"ABCDEF", "CBAFED", "FEDCBA", "DEFABC",
                              "ADBECF", "DAEBFC", "FCEBDA", "CFBEAD"};
  for (int way = 1; way <= 8; ++way) {
    const Picture out = turned(picture, way);
    std::string got;
    for (size_t i = 0; i < 6; ++i) got += static_cast<char>(out.rgb[i * 3]);
    EXPECT_EQ(got, want[way - 1]) << way;
    EXPECT_EQ(out.width, way >= 5 ? 2 : 3);
  }
}

}  // namespace
}  // namespace vecton::media
