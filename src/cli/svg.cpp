#include "cli/svg.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/markup.h"
#include "base/utf8.h"
#include "cli/display_width.h"
#include "cli/failure.h"

namespace vecton::cli {

namespace {

std::string number(int value) { return std::to_string(value); }

std::string hex(Rgb colour) {
  char text[8];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", colour.r, colour.g, colour.b);
  return text;
}

// For XML, which has no control characters.
std::string escaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const utf8::Character c = utf8::decode(text, i);
    const bool allowed = c.valid && (c.code >= 0x20 && c.code != 0xfffe && c.code != 0xffff);
    out += allowed ? base::escape_markup(text.substr(i, c.bytes)) : "\xef\xbf\xbd";
    i += c.bytes;
  }
  return out;
}

}  // namespace

Svg::Svg(int width, int height, Rgb paper) {
  const std::string w = number(width), h = number(height);
  out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + w + "\" height=\"" + h +
         "\" viewBox=\"0 0 " + w + " " + h + "\" font-family=\"sans-serif\">\n";
  fill(0, 0, width, height, paper);
}

void Svg::fill(int x, int y, int width, int height, Rgb colour) {
  out_ += "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) +
          "\" height=\"" + number(height) + "\" fill=\"" + hex(colour) + "\"/>\n";
}

void Svg::text(int x, int y, const std::string& text, int scale, Rgb colour, Align align) {
  const char* anchor = align == Align::kLeft ? "start" : align == Align::kCentre ? "middle" : "end";
  out_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" font-size=\"" +
          number(font_size(scale)) + "\" fill=\"" + hex(colour) + "\" text-anchor=\"" + anchor +
          "\" dominant-baseline=\"central\" unicode-bidi=\"plaintext\">" + escaped(text) +
          "</text>\n";
}

// Sans-serif letters are a bit more than half as wide as high, on average.
int Svg::text_width(const std::string& text, int scale) const {
  return display_width(text) * font_size(scale) * 6 / 10;
}

void Svg::write(const std::filesystem::path& file) const {
  errno = 0;
  std::ofstream out(file, std::ios::binary);
  out << out_ << "</svg>\n";
  out.close();
  if (!out) {
    throw Failure(ExitStatus::kInput, file.string() + ": can't be written: " +
                                          (errno != 0 ? std::strerror(errno) : "unknown reason"));
  }
}

}  // namespace vecton::cli
