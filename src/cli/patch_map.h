// Values of a picture's patches, drawn over the picture.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "media/picture.h"
#include "vecton/request.h"

namespace vecton::cli {

// The patches of one grid, [grid.rows, grid.columns].
struct PatchValues {
  ImageGrid grid{};
  std::vector<float> values{};

  size_t best() const;  // the index of the highest value
};

// One view of the picture; the grids lie beside each other.
struct PatchMap {
  std::string label{};
  std::vector<PatchValues> patches{};
};

// Writes a PNG: a panel for each map, with its label above it and a frame around its best patch,
// and the scale, which is that of all. Failure (kInput) when the file can't be written. False when
// it lacks letters, for want of the system's fonts.
bool write_patch_maps(const media::Picture& page, const std::vector<PatchMap>& maps,
                      const std::filesystem::path& file);

}  // namespace vecton::cli
