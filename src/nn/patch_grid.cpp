#include "nn/patch_grid.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <span>
#include <string>

#include "vecton/error.h"

namespace vecton::nn {

std::vector<PatchPlace> patch_places(int64_t rows, int64_t columns, int64_t block) {
  std::vector<PatchPlace> places;
  places.reserve(static_cast<size_t>(rows * columns));
  for (int64_t top = 0; top < rows; top += block) {
    for (int64_t left = 0; left < columns; left += block) {
      for (int64_t i = 0; i < block * block; ++i) {
        places.push_back(
            {static_cast<int32_t>(top + i / block), static_cast<int32_t>(left + i % block)});
      }
    }
  }
  return places;
}

GridWindows grid_windows(int64_t rows, int64_t columns, int64_t side) {
  GridWindows windows;
  for (int64_t top = 0; top < rows; top += side) {
    for (int64_t left = 0; left < columns; left += side) {
      for (int64_t row = top; row < std::min(top + side, rows); ++row) {
        for (int64_t column = left; column < std::min(left + side, columns); ++column)
          windows.places.push_back(static_cast<int32_t>(row * columns + column));
      }
      windows.offsets.push_back(static_cast<int32_t>(windows.places.size()));
    }
  }
  return windows;
}

namespace {

// What of the places of a side one of another side is made of.
struct Taps {
  int64_t first = 0;
  std::vector<float> weights;
};

// Of the two places that lie around `at`.
Taps around(double at, int64_t side) {
  at = std::clamp(at, 0.0, static_cast<double>(side - 1));
  const auto low = static_cast<int64_t>(at);
  const auto part = static_cast<float>(at - static_cast<double>(low));
  if (low + 1 == side) return {.first = low, .weights = {1}};
  return {.first = low, .weights = {1 - part, part}};
}

// Of all places within `reach` of the middle, by their distance.
Taps within(double middle, double reach, int64_t side) {
  const int64_t first = std::max<int64_t>(static_cast<int64_t>(middle - reach + 0.5), 0),
                end = std::min(static_cast<int64_t>(middle + reach + 0.5), side);
  Taps taps{.first = first, .weights = {}};
  double sum = 0;
  std::vector<double> weights;
  for (int64_t i = first; i < end; ++i) {
    const double distance = std::abs(static_cast<double>(i) + 0.5 - middle) / reach;
    weights.push_back(std::max(1 - distance, 0.0));
    sum += weights.back();
  }
  for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
  return taps;
}

std::vector<Taps> taps_of(int64_t count, int64_t side, PatchPositions::Resize resize) {
  const double stretch = static_cast<double>(side) / static_cast<double>(count);
  const double steps = static_cast<double>(std::max<int64_t>(count - 1, 1));
  std::vector<Taps> result;
  for (int64_t i = 0; i < count; ++i) {
    const double middle = (static_cast<double>(i) + 0.5) * stretch;
    switch (resize) {
      case PatchPositions::Resize::kNever:
        result.push_back(around(static_cast<double>(i), side));
        break;
      case PatchPositions::Resize::kCorners:
        result.push_back(around(static_cast<double>(i * (side - 1)) / steps, side));
        break;
      case PatchPositions::Resize::kEdges:
        result.push_back(around(middle - 0.5, side));
        break;
      case PatchPositions::Resize::kAntialias:
        result.push_back(within(middle, std::max(stretch, 1.0), side));
        break;
    }
  }
  return result;
}

}  // namespace

void PatchPositions::append(int64_t rows, int64_t columns, const std::vector<PatchPlace>& places,
                            std::vector<float>& into) const {
  if (resize == Resize::kNever && (rows != side || columns != side)) {
    throw Error(ErrorCode::kCorrupt, "preprocessor_config.json: an image of " +
                                         std::to_string(rows) + " x " + std::to_string(columns) +
                                         " patches; the vision tower has positions of " +
                                         std::to_string(side) + " x " + std::to_string(side));
  }
  const std::vector<Taps> down = taps_of(rows, side, resize),
                          across = taps_of(columns, side, resize);
  for (const PatchPlace& place : places) {
    const Taps &r = down[static_cast<size_t>(place.row)],
               &c = across[static_cast<size_t>(place.column)];
    const size_t begin = into.size();
    into.resize(begin + static_cast<size_t>(width));
    for (size_t i = 0; i < r.weights.size(); ++i) {
      for (size_t j = 0; j < c.weights.size(); ++j) {
        const float weight = r.weights[i] * c.weights[j];
        const int64_t row =
            (r.first + static_cast<int64_t>(i)) * side + c.first + static_cast<int64_t>(j);
        const std::span from =
            std::span(table).subspan(static_cast<size_t>(row * width), static_cast<size_t>(width));
        for (size_t k = 0; k < from.size(); ++k) into[begin + k] += weight * from[k];
      }
    }
  }
}

Rotation PatchRope::rotation(Ops& ops, const std::vector<PatchPlace>& places) const {
  const int64_t each = head_dim / 4;
  const auto speeds_from = [&](int64_t first) {  // of a rope of the whole head, every second
    std::vector<float> speeds;
    for (int64_t i = 0; i < each; ++i) {
      const float exponent = static_cast<float>(4 * i + first) / static_cast<float>(head_dim);
      speeds.push_back(1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent))));
    }
    return speeds;
  };
  const std::vector<float> of_rows = speeds_from(0), of_columns = speeds_from(alternating ? 2 : 0);
  std::vector<float> cos, sin;
  const auto turn = [&](int32_t at, const std::vector<float>& speeds) {
    for (const float speed : speeds) {
      const auto angle = static_cast<double>(static_cast<float>(at) * speed);
      cos.push_back(static_cast<float>(std::cos(angle)));
      sin.push_back(static_cast<float>(std::sin(angle)));
    }
  };
  for (const PatchPlace& place : places) {
    turn(place.row, of_rows);
    turn(place.column, of_columns);
  }
  const auto rows = static_cast<int64_t>(places.size());
  std::vector<int32_t> own(places.size());
  std::iota(own.begin(), own.end(), 0);
  const tensor::Indices all = ops.upload_indices(std::move(own));
  return {.table = std::make_shared<const ops::RopeTable>(ops::RopeTable{
              .cos = ops.upload(cos, rows, 2 * each), .sin = ops.upload(sin, rows, 2 * each)}),
          .all = all,
          .wanted = all};
}

PatchRope patch_rope(const checkpoint::Config& vision, int64_t head_dim) {
  if (head_dim % 4 != 0) {
    throw Error(ErrorCode::kCorrupt,
                vision.file() + ": vision_config: heads of " + std::to_string(head_dim) +
                    " columns; expected a multiple of 4, which turn by row and column");
  }
  PatchRope rope{.head_dim = head_dim, .theta = vision.number_or("rope_theta", 10000)};
  const std::optional<checkpoint::Config> said = vision.child("rope_parameters");
  const std::string type = said ? said->string_or("rope_type", "axial") : "axial";
  if (type != "axial" && type != "default") {
    throw Error(ErrorCode::kUnsupported, vision.file() + ": vision_config: rope_type \"" + type +
                                             "\" is not supported; axial is");
  }
  if (said) rope.theta = said->number_or("rope_theta", rope.theta);
  if (!(rope.theta > 0)) {
    throw Error(ErrorCode::kCorrupt,
                vision.file() + ": vision_config: rope_theta: expected a number above 0");
  }
  return rope;
}

}  // namespace vecton::nn
