// Pictures of every kind against PIL's levels (tests/golden/make/pictures.py), and damaged ones.
#include "media/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "base/json.h"
#include "vecton/error.h"

namespace vecton::media {
namespace {

namespace fs = std::filesystem;

const fs::path kPictures = "tests/golden/pictures";

std::string read(const std::string& name) {
  std::ifstream file(kPictures / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string fnv1a(std::span<const uint8_t> bytes) {
  uint64_t value = 0xcbf29ce484222325;
  for (const uint8_t byte : bytes) value = (value ^ byte) * 0x100000001b3;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

std::string refusal(std::string_view bytes, const PictureLimits& limits = {}) {
  try {
    decode(bytes, limits, "images[0]");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(Decode, GivesPilsLevels) {
  const json::object levels = base::read_json(kPictures / "levels.json").as_object();
  ASSERT_GT(levels.size(), 40u);
  for (const auto& member : levels) {
    SCOPED_TRACE(std::string(member.key()));
    const Picture picture = decode(read(member.key()), {}, "the picture");
    EXPECT_EQ(picture.width, member.value().at("width").as_int64());
    EXPECT_EQ(picture.height, member.value().at("height").as_int64());
    EXPECT_EQ(fnv1a(picture.rgb), member.value().at("fnv1a").as_string());
  }
}

TEST(Decode, RefusesWhatIsCutOff) {
  for (const auto& entry : fs::directory_iterator(kPictures)) {
    const std::string name = entry.path().filename().string();
    if (name == "levels.json") continue;
    SCOPED_TRACE(name);
    const std::string bytes = read(name);
    for (size_t size = 0; size < bytes.size() / 2; size += 1 + size / 16)
      EXPECT_NE(refusal(std::string_view(bytes).substr(0, size)), "") << size;
  }
}

TEST(Decode, RefusesOtherKindsByNamingItsOwn) {
  EXPECT_THAT(refusal("%PDF-1.7 and so on"),
              testing::HasSubstr("JPEG, PNG, WebP, GIF and BMP can"));
  EXPECT_THAT(refusal(""), testing::StartsWith("images[0]: an empty file"));
}

TEST(Decode, ChecksLimitsBeforePixels) {
  for (const char* name : {"rgb.png", "420.jpg", "lossy.webp", "palette.gif", "rgb.bmp"}) {
    SCOPED_TRACE(name);
    const std::string bytes = read(name);
    EXPECT_THAT(refusal(bytes, {.pixels = 29 * 21 - 1}), testing::HasSubstr("29 x 21"));
    EXPECT_THAT(refusal(bytes, {.bytes = std::ssize(bytes) - 1}), testing::HasSubstr("bytes"));
    EXPECT_EQ(refusal(bytes, {.bytes = std::ssize(bytes), .pixels = 29 * 21}), "");
  }
}

// A header that promises many pixels, with the few bytes of a small picture behind it.
TEST(Decode, IsNotTakenInByLargeHeaders) {
  std::string bmp = read("rgb.bmp");
  bmp[20] = bmp[24] = 0x7f;  // 8 million to a side
  EXPECT_THAT(refusal(bmp), testing::HasSubstr("more than"));
  std::string gif = read("palette.gif");
  gif[7] = gif[9] = '\xff';
  EXPECT_THAT(refusal(gif, {.pixels = 1 << 20}), testing::HasSubstr("more than"));
}

TEST(Decode, SurvivesDamage) {
  uint64_t state = 1;
  const auto next = [&] { return state = state * 6364136223846793005u + 1442695040888963407u; };
  for (const auto& entry : fs::directory_iterator(kPictures)) {
    const std::string name = entry.path().filename().string();
    if (name == "levels.json") continue;
    for (int i = 0; i < 20; ++i) {
      std::string bytes = read(name);
      for (int j = 0; j < 3; ++j)
        bytes[(next() >> 33) % bytes.size()] = static_cast<char>(next() >> 40);
      try {
        const Picture picture = decode(bytes, {.pixels = 1 << 20}, "the picture");
        EXPECT_EQ(std::ssize(picture.rgb), picture.width * picture.height * 3);
      } catch (const Error&) {
      }
    }
  }
}

}  // namespace
}  // namespace vecton::media
