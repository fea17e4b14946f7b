#include "media/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "media/resample_kernels.h"

namespace vecton::media {

namespace {

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double weight(Filter filter, double x) {
  const double away = std::fabs(x);
  switch (filter) {
    case Filter::kLanczos:
      return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    case Filter::kBilinear:
      return away < 1 ? 1 - away : 0;
    case Filter::kBicubic: {
      constexpr double a = -0.5;
      if (away < 1) return ((a + 2) * away - (a + 3)) * away * away + 1;
      if (away < 2) return (((away - 5) * away + 8) * away - 4) * a;
      return 0;
    }
    case Filter::kBox:
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    case Filter::kHamming: {
      if (away == 0) return 1;
      if (away >= 1) return 0;
      const double turn = away * std::numbers::pi;
      return std::sin(turn) / turn * (0.54 + 0.46 * std::cos(turn));
    }
  }
  return 0;
}

double support(Filter filter) {
  switch (filter) {
    case Filter::kLanczos:
      return 3;
    case Filter::kBicubic:
      return 2;
    case Filter::kBox:
      return 0.5;
    default:
      return 1;
  }
}

// What each place of one side of the output is made of: `count` input places from `begin` on.
struct Taps {
  struct Place {
    int64_t begin, count;
  };
  std::vector<Place> places;
  std::vector<int32_t> weights;  // [places, width]
  int64_t width = 0;

  const int32_t* of(int64_t place) const { return weights.data() + place * width; }
};

Taps taps(int64_t from, int64_t to, Filter filter) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double stretch = std::max(scale, 1.0), reach = support(filter) * stretch;
  Taps taps;
  taps.width = static_cast<int64_t>(std::ceil(reach)) * 2 + 1;
  taps.places.resize(static_cast<size_t>(to));
  taps.weights.resize(static_cast<size_t>(to * taps.width));
  std::vector<double> exact(static_cast<size_t>(taps.width));
  for (int64_t place = 0; place < to; ++place) {
    const double centre = (static_cast<double>(place) + 0.5) * scale;
    const int64_t begin = std::max<int64_t>(0, static_cast<int64_t>(centre - reach + 0.5));
    const int64_t end = std::min(from, static_cast<int64_t>(centre + reach + 0.5));
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      const double w = weight(filter, (static_cast<double>(i) - centre + 0.5) * (1.0 / stretch));
      exact[static_cast<size_t>(i - begin)] = w;
      sum += w;
    }
    int32_t* weights = taps.weights.data() + place * taps.width;
    for (int64_t i = 0; i < end - begin; ++i) {
      double w = exact[static_cast<size_t>(i)];
      if (sum != 0) w /= sum;
      w *= 1 << kPrecision;
      weights[i] = static_cast<int32_t>(w < 0 ? w - 0.5 : w + 0.5);
    }
    taps.places[static_cast<size_t>(place)] = {begin, end - begin};
  }
  return taps;
}

const ResampleKernels& kernels() {
  static const ResampleKernels& chosen = resample_kernels(cpu::supported_isas().back());
  return chosen;
}

// Row by row, of pictures that are lower than a strip, which may be very wide.
void across_rows(const Picture& picture, const Taps& columns, int64_t first, Picture& out) {
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      const auto [begin, count] = columns.places[static_cast<size_t>(x)];
      kernels().weigh(picture.row(first + y) + begin * 3, 3, columns.of(x), count, 3,
                      out.row(y) + x * 3);
    }
  }
}

// The rows `first` .. `last` of the picture, each `width` wide now. Those of a strip lie side by
// side, so that what is summed of one column is summed of all of them at once.
Picture across(const Picture& picture, int64_t width, Filter filter, int64_t first, int64_t last) {
  const Taps columns = taps(picture.width, width, filter);
  Picture out(width, last - first);
  if (out.height < kStrip) {
    across_rows(picture, columns, first, out);
    return out;
  }
  constexpr int64_t kPixel = 3 * kStrip;
  const int64_t from_row = picture.width * 3, to_row = width * 3;
  std::vector<uint8_t> from(static_cast<size_t>(from_row * kStrip)),
      to(static_cast<size_t>(to_row * kStrip));
  for (int64_t y = 0; y < out.height; y += kStrip) {
    const int64_t top = std::min(y, out.height - kStrip);  // the last strip may begin in another
    kernels().to_strip(picture.row(first + top), from_row, from_row, from.data());
    for (int64_t x = 0; x < width; ++x) {
      const auto [begin, count] = columns.places[static_cast<size_t>(x)];
      kernels().weigh(from.data() + begin * kPixel, kPixel, columns.of(x), count, kPixel,
                      to.data() + x * kPixel);
    }
    kernels().from_strip(to.data(), to_row, out.row(top), to_row);
  }
  return out;
}

Picture down(const Picture& picture, const Taps& rows, int64_t first) {
  const auto height = static_cast<int64_t>(rows.places.size());
  const int64_t values = picture.width * 3;
  Picture out(picture.width, height);
  for (int64_t y = 0; y < height; ++y) {
    const auto [begin, count] = rows.places[static_cast<size_t>(y)];
    kernels().weigh(picture.row(begin - first), values, rows.of(y), count, values, out.row(y));
  }
  return out;
}

}  // namespace

Picture resized(Picture picture, int64_t width, int64_t height, Filter filter) {
  const bool columns = width != picture.width, rows = height != picture.height;
  if (!columns && !rows) return picture;
  if (!rows) return across(picture, width, filter, 0, picture.height);
  const Taps taken = taps(picture.height, height, filter);
  if (!columns) return down(picture, taken, 0);
  // PIL's choice (version 12 and later): where the height shrinks by more than twice what the width
  // does.
  if (height < picture.height && 2 * (picture.width - width) < picture.height - height)
    return across(down(picture, taken, 0), width, filter, 0, height);
  const int64_t first = taken.places.front().begin;
  const int64_t last = taken.places.back().begin + taken.places.back().count;
  return down(across(picture, width, filter, first, last), taken, first);
}

}  // namespace vecton::media
