// A picture as SVG: text stays text, in the viewer's fonts.
#pragma once

#include "cli/picture.h"

namespace vecton::cli {

class Svg final : public Picture {
 public:
  Svg(int width, int height, Rgb paper);

  void fill(int x, int y, int width, int height, Rgb colour) override;
  void text(int x, int y, const std::string& text, int scale, Rgb colour, Align align) override;
  int text_width(const std::string& text, int scale) const override;
  void write(const std::filesystem::path& file) const override;

 private:
  std::string out_;
};

}  // namespace vecton::cli
