#include "base/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace vecton::base {
namespace {

TEST(Base64, IsThatOfRfc4648) {
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("f"), "Zg==");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(encode_base64("foo"), "Zm9v");
  EXPECT_EQ(encode_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(encode_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64("\xFB\xEF\xBE\xFF\xFF\xFF"), "++++////");
}

TEST(Base64, AppendsAndComesBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    for (int j = 0; j < 256; ++j) {
      all += static_cast<char>(i);
      all += static_cast<char>(j);
    }
  }
  for (size_t cut = 0; cut < 3; ++cut) {
    const std::string bytes = all.substr(cut);
    std::string text = "data:";
    append_base64(text, bytes);
    EXPECT_EQ(text.size(), 5 + (bytes.size() + 2) / 3 * 4);
    EXPECT_EQ(decode_base64(std::string_view(text).substr(5)), bytes);
  }
}

TEST(Base64, RefusesOtherCharacters) {
  EXPECT_EQ(decode_base64("Zm9v*"), std::nullopt);
  EXPECT_EQ(decode_base64("Zm-_"), std::nullopt);
}

}  // namespace
}  // namespace vecton::base
