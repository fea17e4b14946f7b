#include "cli/heat_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>
#include <fstream>
#include <iterator>

#include "base/temporary_folder.h"
#include "cli/failure.h"
#include "cli/text_painter.h"

namespace vecton::cli {
namespace {

const HeatMap kMap(2, {1.0, -0.5, -0.5, 1.0});

bool same(Rgb a, Rgb b) { return a.r == b.r && a.g == b.g && a.b == b.b; }

TEST(HeatMap, ScaleGoesFromTheLowestValueToOne) {
  EXPECT_TRUE(same(kMap.colour(-0.5), kMap.colour(-1)));
  EXPECT_TRUE(same(kMap.colour(1), kMap.colour(2)));
  EXPECT_FALSE(same(kMap.colour(0), kMap.colour(-0.5)));
  const HeatMap positive(1, {1.0});
  EXPECT_TRUE(same(positive.colour(0), kMap.colour(-0.5)));
}

TEST(HeatMap, DrawsNumbersOrColours) {
  EXPECT_EQ(kMap.draw(Colour::kNone, 80),
            "       1      2 \n"
            "1  1.000 -0.500 \n"
            "2 -0.500  1.000 \n");
  EXPECT_EQ(HeatMap(1, {-0.0004}).draw(Colour::kNone, 80),
            "       1 \n"
            "1  0.000 \n");
  EXPECT_NE(kMap.draw(Colour::k24Bit, 80).find("-0.500"), std::string::npos);
  const std::string narrow = kMap.draw(Colour::k256, 10);
  EXPECT_EQ(narrow.find("-0.500"), std::string::npos);
  EXPECT_NE(narrow.find("\x1b[48;5;"), std::string::npos);
  EXPECT_FALSE(fits_terminal(2, Colour::k256, 5));
  EXPECT_TRUE(fits_terminal(2, Colour::k256, 6));
  EXPECT_TRUE(fits_terminal(2, Colour::kNone, 5));
}

TEST(HeatMap, LabelsAreWrappedAtBlanks) {
  using Lines = std::vector<std::string>;
  std::setlocale(LC_CTYPE, "C.UTF-8");  // as the program does
  EXPECT_EQ(wrapped("a short one", 20, 3), (Lines{"a short one"}));
  EXPECT_EQ(wrapped("one two three", 8, 3), (Lines{"one two", "three"}));
  EXPECT_EQ(wrapped("abcdefghij", 4, 3), (Lines{"abcd", "efgh", "ij"}));
  EXPECT_EQ(wrapped("one two three four", 8, 2), (Lines{"one two", "three f…"}));
  EXPECT_EQ(wrapped("日本語のテキスト", 8, 2), (Lines{"日本語の", "テキスト"}));
  EXPECT_EQ(wrapped("a\nb", 8, 1), (Lines{"a b"}));
  EXPECT_EQ(wrapped("", 8, 1), Lines{});
}

TEST(HeatMap, SvgKeepsTextOfAnyScript) {
  const base::TemporaryFolder folder;
  const auto file = folder.path() / "m.svg";
  write_svg(kMap, file, {"кошка <&> 猫", "a\x01\xff"});
  std::ifstream in(file);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  EXPECT_NE(text.find("кошка &lt;&amp;&gt; 猫</text>"), std::string::npos);
  EXPECT_NE(text.find("-0.50</text>"), std::string::npos);
  EXPECT_EQ(text.find('\x01'), std::string::npos);
  EXPECT_TRUE(text.ends_with("</svg>\n"));
  EXPECT_THROW(write_svg(kMap, folder.path() / "no" / "m.svg", {"a", "b"}), Failure);
}

TEST(HeatMap, PngHasDarkPixelsWhereTextIs) {
  const TextPainter* painter = TextPainter::get();
  if (!painter) GTEST_SKIP() << "Pango is not here";
  const PaintedText painted = painter->paint("Ж", 20);
  EXPECT_GT(painted.width, 5);
  EXPECT_EQ(painted.coverage.size(), static_cast<size_t>(painted.width * painted.height));
  EXPECT_GT(std::ranges::max(painted.coverage), 128);
  EXPECT_EQ(painter->paint("", 20).width, 0);
}

}  // namespace
}  // namespace vecton::cli
