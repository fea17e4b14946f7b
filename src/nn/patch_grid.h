// The patches of an image as a tower orders them, and what it knows of where they lie: a learned
// table of positions, drawn to the image's size, and rotations by row and column.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/config.h"
#include "nn/rope.h"
#include "ops/ops.h"

namespace vecton::nn {

struct PatchPlace {
  int32_t row = 0, column = 0;
  bool operator==(const PatchPlace&) const = default;
};

// Of the patches of a grid, block by block of `block` x `block`, row by row in each; 1 = row by
// row. The grid has whole blocks.
std::vector<PatchPlace> patch_places(int64_t rows, int64_t columns, int64_t block);

// Windows of `side` x `side` places of a grid, row by row; those at its right and lower edge have
// what there is.
struct GridWindows {
  std::vector<int32_t> places;      // numbers of places, row by row, window by window
  std::vector<int32_t> offsets{0};  // windows + 1
};
GridWindows grid_windows(int64_t rows, int64_t columns, int64_t side);

// A vector for each place of a square, [side * side, width].
struct PatchPositions {
  // How they are drawn to a grid of another size, by bilinear interpolation.
  enum class Resize {
    kNever,    // such a grid is an error
    kCorners,  // the corners lie upon the corners
    kEdges,    // the edges of the outer patches lie upon the square's
    // As kEdges; where the grid is the smaller one, of all vectors that a place covers, as PIL and
    // torch's antialias do.
    kAntialias,
  };
  std::vector<float> table;
  int64_t side = 0, width = 0;
  Resize resize = Resize::kCorners;

  // Adds the vectors of `places`, of a grid of so many rows and columns, to the end of `into`.
  void append(int64_t rows, int64_t columns, const std::vector<PatchPlace>& places,
              std::vector<float>& into) const;
};

// A row turns by its place in the image: the first half of the pairs by the row, the other by the
// column, each at the speeds of a rope of half the head.
struct PatchRope {
  int64_t head_dim = 0;  // a multiple of 4
  double theta = 10000;
  // Rows and columns have the speeds of a rope of the whole head by turns (Pixtral).
  bool alternating = false;

  Rotation rotation(Ops& ops, const std::vector<PatchPlace>& places) const;
};

// Of the heads of a tower whose settings `vision` are; errors name the key.
PatchRope patch_rope(const checkpoint::Config& vision, int64_t head_dim);

}  // namespace vecton::nn
