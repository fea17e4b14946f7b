#include "nn/patch_grid.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
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

// Between which two of `side` places one of `count` lies, and how far from the first.
struct Between {
  int64_t low = 0, high = 0;
  float part = 0;
};

std::vector<Between> between(int64_t count, int64_t side, bool align_corners) {
  std::vector<Between> result;
  for (int64_t i = 0; i < count; ++i) {
    double at = 0;
    if (!align_corners) {
      at = (static_cast<double>(i) + 0.5) * static_cast<double>(side) / static_cast<double>(count) -
           0.5;
    } else if (count > 1) {
      at = static_cast<double>(i) * static_cast<double>(side - 1) / static_cast<double>(count - 1);
    }
    at = std::clamp(at, 0.0, static_cast<double>(side - 1));
    const auto low = static_cast<int64_t>(at);
    result.push_back({.low = low,
                      .high = std::min(low + 1, side - 1),
                      .part = static_cast<float>(at - static_cast<double>(low))});
  }
  return result;
}

}  // namespace

void PatchPositions::append(int64_t rows, int64_t columns, const std::vector<PatchPlace>& places,
                            std::vector<float>& into) const {
  const std::vector<Between> down = between(rows, side, align_corners),
                             across = between(columns, side, align_corners);
  for (const PatchPlace& place : places) {
    const Between &r = down[static_cast<size_t>(place.row)],
                  &c = across[static_cast<size_t>(place.column)];
    const auto vector = [&](int64_t row, int64_t column) {
      return table.data() + (row * side + column) * width;
    };
    const float *top_left = vector(r.low, c.low), *top_right = vector(r.low, c.high),
                *bottom_left = vector(r.high, c.low), *bottom_right = vector(r.high, c.high);
    const float a = (1 - r.part) * (1 - c.part), b = (1 - r.part) * c.part,
                d = r.part * (1 - c.part), e = r.part * c.part;
    for (int64_t i = 0; i < width; ++i)
      into.push_back(a * top_left[i] + b * top_right[i] + d * bottom_left[i] + e * bottom_right[i]);
  }
}

Rotation PatchRope::rotation(Ops& ops, const std::vector<PatchPlace>& places) const {
  const int64_t each = head_dim / 4;
  std::vector<float> speeds;
  for (int64_t i = 0; i < each; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim / 2);
    speeds.push_back(1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent))));
  }
  std::vector<float> cos, sin;
  for (const PatchPlace& place : places) {
    for (const int32_t at : {place.row, place.column}) {
      for (const float speed : speeds) {
        const auto angle = static_cast<double>(static_cast<float>(at) * speed);
        cos.push_back(static_cast<float>(std::cos(angle)));
        sin.push_back(static_cast<float>(std::sin(angle)));
      }
    }
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
  PatchRope rope{.head_dim = head_dim};
  const std::optional<checkpoint::Config> said = vision.child("rope_parameters");
  if (!said) return rope;
  const std::string type = said->string_or("rope_type", "axial");
  if (type != "axial" && type != "default") {
    throw Error(ErrorCode::kUnsupported, vision.file() + ": vision_config: rope_type \"" + type +
                                             "\" is not supported; axial is");
  }
  rope.theta = said->number_or("rope_theta", rope.theta);
  if (!(rope.theta > 0)) {
    throw Error(ErrorCode::kCorrupt,
                vision.file() + ": vision_config: rope_theta: expected a number above 0");
  }
  return rope;
}

}  // namespace vecton::nn
