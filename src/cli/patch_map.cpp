#include "cli/patch_map.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/canvas.h"
#include "cli/display_width.h"
#include "cli/heat_map.h"
#include "cli/text_painter.h"
#include "media/resample.h"

namespace vecton::cli {

namespace {

constexpr Rgb kFrame{255, 40, 40};
constexpr int kMargin = 24, kGap = 12, kCaption = 26, kBar = 14, kScaleHeight = 44;
constexpr int kMostAcross = 4;
constexpr int kOneSide = 1000, kManySide = 340;  // of a panel: its longer side
using Align = Picture::Align;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  double share(double value) const { return high > low ? (value - low) / (high - low) : 1; }
};

Range range_of(const std::vector<PatchMap>& maps) {
  Range range;
  for (const PatchMap& map : maps) {
    for (const PatchValues& patches : map.patches) {
      for (const float value : patches.values) {
        range.low = std::min(range.low, static_cast<double>(value));
        range.high = std::max(range.high, static_cast<double>(value));
      }
    }
  }
  return range;
}

media::Picture fitted(const media::Picture& page, int most) {
  const double share =
      static_cast<double>(most) / static_cast<double>(std::max(page.width, page.height));
  const auto side = [&](int64_t length) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(length) * share));
  };
  return media::resized(page, side(page.width), side(page.height), media::Filter::kBilinear);
}

// The colour of a value over the picture's own light.
Rgb blended(const uint8_t* pixel, Rgb colour) {
  constexpr double kColour = 0.55;
  const double light = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
  const auto mix = [&](unsigned char channel) {
    return static_cast<unsigned char>(std::lround(light * (1 - kColour) + channel * kColour));
  };
  return {mix(colour.r), mix(colour.g), mix(colour.b)};
}

// The pixels of a panel that a patch lies over.
struct Box {
  int left, top, right, bottom;
};

Box box_of(const ImageGrid& grid, int64_t row, int64_t column, const media::Picture& page) {
  const auto at = [](double begin, double length, int64_t index, int64_t count, int64_t side) {
    const double share = begin + length * static_cast<double>(index) / static_cast<double>(count);
    return static_cast<int>(std::llround(share * static_cast<double>(side)));
  };
  return {at(grid.left, grid.width, column, grid.columns, page.width),
          at(grid.top, grid.height, row, grid.rows, page.height),
          at(grid.left, grid.width, column + 1, grid.columns, page.width),
          at(grid.top, grid.height, row + 1, grid.rows, page.height)};
}

void draw_frame(Canvas& canvas, int x, int y, const Box& box) {
  constexpr int kLine = 2;
  const int width = box.right - box.left, height = box.bottom - box.top;
  canvas.fill(x + box.left, y + box.top, width, kLine, kFrame);
  canvas.fill(x + box.left, y + box.bottom - kLine, width, kLine, kFrame);
  canvas.fill(x + box.left, y + box.top, kLine, height, kFrame);
  canvas.fill(x + box.right - kLine, y + box.top, kLine, height, kFrame);
}

void draw_panel(Canvas& canvas, int x, int y, const media::Picture& page, const PatchMap& map,
                const Range& range) {
  const PatchValues* best = nullptr;
  for (const PatchValues& patches : map.patches) {
    if (!best || patches.values[patches.best()] > best->values[best->best()]) best = &patches;
    for (int64_t row = 0; row < patches.grid.rows; ++row) {
      for (int64_t column = 0; column < patches.grid.columns; ++column) {
        const double value =
            patches.values[static_cast<size_t>(row * patches.grid.columns + column)];
        const Rgb colour = scale_colour(range.share(value));
        const Box box = box_of(patches.grid, row, column, page);
        for (int v = box.top; v < box.bottom; ++v) {
          for (int u = box.left; u < box.right; ++u)
            canvas.fill(x + u, y + v, 1, 1, blended(page.row(v) + int64_t{u} * 3, colour));
        }
      }
    }
  }
  if (!best) return;
  const auto index = static_cast<int64_t>(best->best());
  draw_frame(canvas, x, y,
             box_of(best->grid, index / best->grid.columns, index % best->grid.columns, page));
}

void draw_scale(Canvas& canvas, int y, int width, const Range& range) {
  for (int x = 0; x < width; ++x) {
    const double share = static_cast<double>(x) / std::max(1, width - 1);
    canvas.fill(kMargin + x, y, 1, kBar, scale_colour(share));
  }
  const int below = y + kBar + 14;
  canvas.text(kMargin, below, formatted("%.3f", range.low), 1, kInk, Align::kLeft);
  canvas.text(kMargin + width, below, formatted("%.3f", range.high), 1, kInk, Align::kRight);
}

}  // namespace

size_t PatchValues::best() const {
  return static_cast<size_t>(std::ranges::max_element(values) - values.begin());
}

bool write_patch_maps(const media::Picture& page, const std::vector<PatchMap>& maps,
                      const std::filesystem::path& file) {
  const TextPainter* painter = TextPainter::get();
  const auto count = static_cast<int>(maps.size());
  const media::Picture panel = fitted(page, count == 1 ? kOneSide : kManySide);
  const auto width = static_cast<int>(panel.width), height = static_cast<int>(panel.height);
  const int across = std::min(count, kMostAcross), down = (count + across - 1) / across;
  const int inner = across * (width + kGap) - kGap;
  const int bottom = kMargin + down * (kCaption + height + kGap);
  Canvas canvas(inner + 2 * kMargin, bottom + kScaleHeight + kMargin, kPaper, painter);
  const Range range = range_of(maps);
  bool has_letters = true;
  for (int i = 0; i < count; ++i) {
    const PatchMap& map = maps[static_cast<size_t>(i)];
    const int x = kMargin + i % across * (width + kGap),
              y = kMargin + i / across * (kCaption + height + kGap);
    const int columns = std::max(1, width / canvas.text_width("m", 1));
    const std::string label = fit(map.label, columns);
    canvas.text(x, y + kCaption / 2 - 2, label, 1, kInk, Align::kLeft);
    draw_panel(canvas, x, y + kCaption, panel, map, range);
    has_letters = has_letters && has_letters_of(painter, label);
  }
  draw_scale(canvas, bottom, inner, range);
  canvas.write(file);
  return has_letters;
}

}  // namespace vecton::cli
