// UTF-8, JSON text and numbers as the commands print them.
#include <gtest/gtest.h>

#include <clocale>

#include "base/json.h"
#include "cli/display_width.h"
#include "cli/json_text.h"
#include "cli/progress.h"

namespace vecton::cli {
namespace {

std::string json_of(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

TEST(JsonText, EscapesWhatMustBe) {
  EXPECT_EQ(json_of("a\"b\\c\n\t\r\x01\x7f"), R"("a\"b\\c\n\t\r\u0001\u007f")");
  EXPECT_EQ(json_of("é 日 😀"), "\"é 日 😀\"");
}

TEST(JsonText, BytesThatAreNotUtf8BecomeTheReplacement) {
  for (const std::string_view bytes :
       {"\xff", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    const std::string text = json_of(bytes);
    EXPECT_NE(text.find("\xef\xbf\xbd"), std::string::npos);
    EXPECT_NO_THROW(base::parse_json(text, "text"));
  }
}

TEST(JsonText, NumbersReadBackTheSame) {
  for (const float value : {0.1f, -1e-30f, 3.4028235e38f, 0.0f, 1.0f, 1e-45f}) {
    std::string text;
    append_number(text, value);
    EXPECT_EQ(std::strtof(text.c_str(), nullptr), value);
    EXPECT_NO_THROW(base::parse_json(text, "number"));
  }
}

TEST(Utf8, WidthsAndCutting) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(fit("hello", 5), "hello");
  EXPECT_EQ(fit("hello!", 5), "hell…");
  EXPECT_EQ(fit("日本語", 5), "日本…");
  EXPECT_EQ(fit("日本語", 4), "日…");
  EXPECT_EQ(fit("a\nb\x1b[0m", 20), "a b [0m");
  EXPECT_EQ(fit("abc", 0), "");
  EXPECT_EQ(fit("abc", -3), "");
}

TEST(Format, ProgressGivesWayToItsNumbers) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const std::string rest = "80 texts, 24/s";
  EXPECT_EQ(progress_line(0.25, rest, 80), "██████░░░░░░░░░░░░░░░░░░  25%  " + rest);
  EXPECT_EQ(progress_line(0.5, rest, 31), "█████░░░░░  50%  " + rest);
  EXPECT_EQ(progress_line(0.999, rest, 26), "  99%  " + rest);
  EXPECT_EQ(progress_line(0.5, rest, 16), "  50%  80 texts…");
  EXPECT_EQ(progress_line(-1, rest, 80), rest);
  EXPECT_EQ(progress_line(7, "a", 20), "████████████ 100%  a");
  for (int width = 0; width < 60; ++width)
    EXPECT_LE(display_width(progress_line(0.3, rest, width)), width);
}

TEST(Format, CountsAndTimes) {
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(123), "123");
  EXPECT_EQ(format_seconds(5), "5 s");
  EXPECT_EQ(format_seconds(83), "1:23");
  EXPECT_EQ(format_seconds(3723), "1:02:03");
  EXPECT_EQ(format_bytes(90868376), "90.9 MB");
  EXPECT_EQ(format_bytes(12), "12 B");
}

}  // namespace
}  // namespace vecton::cli
