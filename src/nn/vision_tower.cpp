#include "nn/vision_tower.h"

#include <optional>
#include <string>
#include <utility>

#include "vecton/error.h"

namespace vecton::nn {

namespace {

// The patches of all images, block by block: those of a window after each other, where there are
// windows.
struct Patches {
  tensor::Batch images, windows;  // a sequence each
  std::vector<float> values, positions;
  std::vector<PatchPlace> places;
  std::vector<int32_t> rows;  // of each block, image by image and row by row; without windows none
};

void check(const VisionTower& tower, const tensor::Image& image) {
  const int64_t rows = image.rows, columns = image.columns, merge = tower.merge,
                width = tower.embedding.w->k;
  if (rows < 1 || columns < 1 || rows % merge != 0 || columns % merge != 0) {
    throw Error(ErrorCode::kCorrupt,
                "an image of " + std::to_string(rows) + " x " + std::to_string(columns) +
                    " patches; the vision tower reads multiples of " + std::to_string(merge));
  }
  if (static_cast<int64_t>(image.patches.size()) != image.count() * width) {
    throw Error(ErrorCode::kCorrupt,
                "preprocessor_config.json: patches of " +
                    std::to_string(static_cast<int64_t>(image.patches.size()) / image.count()) +
                    " numbers; the vision tower reads " + std::to_string(width));
  }
}

void append_sequence(int64_t rows, tensor::Rows& all) {
  for (int64_t i = 0; i < rows; ++i) all.index.push_back(static_cast<int32_t>(i));
  all.offsets.push_back(static_cast<int32_t>(all.index.size()));
}

// Window by window, with the windows as sequences.
std::vector<PatchPlace> windowed(const VisionTower& tower, const tensor::Image& image,
                                 const std::vector<PatchPlace>& places, Patches& patches) {
  const GridWindows windows =
      grid_windows(image.rows / tower.merge, image.columns / tower.merge, tower.window);
  const int64_t block = tower.merge * tower.merge;
  for (size_t i = 0; i + 1 < windows.offsets.size(); ++i) {
    append_sequence((windows.offsets[i + 1] - windows.offsets[i]) * block, patches.windows.rows);
  }
  const size_t before = patches.rows.size();
  patches.rows.resize(before + windows.places.size());
  std::vector<PatchPlace> moved;
  for (size_t i = 0; i < windows.places.size(); ++i) {
    const auto from = static_cast<size_t>(windows.places[i]);
    patches.rows[before + from] = static_cast<int32_t>(before + i);
    const auto first = places.begin() + static_cast<std::ptrdiff_t>(from) * block;
    moved.insert(moved.end(), first, first + block);
  }
  return moved;
}

// Which of an image's patches lies at `place`.
int64_t number_of(const VisionTower& tower, const tensor::Image& image, const PatchPlace& place) {
  if (tower.row_by_row) return place.row * image.columns + place.column;
  const int64_t m = tower.merge, block = place.row / m * (image.columns / m) + place.column / m;
  return block * m * m + place.row % m * m + place.column % m;
}

Patches read(const VisionTower& tower, std::span<const tensor::Image* const> images) {
  Patches patches;
  const int64_t width = tower.embedding.w->k;
  const bool with_class = !tower.class_row.empty();
  for (const tensor::Image* image : images) {
    check(tower, *image);
    std::vector<PatchPlace> places = patch_places(image->rows, image->columns, tower.merge);
    if (tower.window > 0) places = windowed(tower, *image, places, patches);
    if (with_class) {  // of no patch: the embedding gives 0, its position all
      patches.values.resize(patches.values.size() + static_cast<size_t>(width));
      patches.positions.insert(patches.positions.end(), tower.class_row.begin(),
                               tower.class_row.end());
    }
    for (const PatchPlace& place : places) {
      const auto first = image->patches.begin() + number_of(tower, *image, place) * width;
      patches.values.insert(patches.values.end(), first, first + width);
    }
    if (tower.positions)
      tower.positions->append(image->rows, image->columns, places, patches.positions);
    patches.places.insert(patches.places.end(), places.begin(), places.end());
    append_sequence(image->count() + (with_class ? 1 : 0), patches.images.rows);
    append_sequence(1, patches.images.wanted);
  }
  if (!with_class) patches.images.wanted = patches.images.rows;
  patches.windows.wanted = patches.windows.rows;
  return patches;
}

// Of each `count` rows of x that follow one another the first, the second and so on.
std::vector<Tensor> parts_of(Ops& ops, const Tensor& x, int64_t count) {
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<int32_t> rows;
    for (int64_t row = i; row < x.rows(); row += count) rows.push_back(static_cast<int32_t>(row));
    parts.push_back(ops.gather_rows(x, ops.upload_indices(std::move(rows))));
  }
  return parts;
}

Tensor mean_of(Ops& ops, std::vector<Tensor> parts) {
  Tensor sum = std::move(parts.front());
  for (size_t i = 1; i < parts.size(); ++i) sum = ops.add(std::move(sum), parts[i]);
  return ops.scale(std::move(sum), 1 / static_cast<float>(parts.size()));
}

// Rows of `count` parts side by side, as the first column of each part, the second of each, ...
Tensor column_by_column(Ops& ops, const Tensor& x, int64_t count) {
  if (count == 1) return x;
  const int64_t width = x.columns() / count;
  std::vector<int32_t> columns;
  for (int64_t column = 0; column < width; ++column) {
    for (int64_t part = 0; part < count; ++part)
      columns.push_back(static_cast<int32_t>(part * width + column));
  }
  return ops.gather_columns(x, ops.upload_indices(std::move(columns)));
}

}  // namespace

Tensor PatchMerger::forward(Ops& ops, const Tensor& x, int64_t count) const {
  std::vector<Tensor> parts = parts_of(ops, x, count);
  Tensor rows = averaged ? mean_of(ops, std::move(parts)) : ops.concat_columns(parts);
  if (norm) rows = ops.norm(std::move(rows), *norm);
  if (reduction) rows = ops.linear(column_by_column(ops, rows, count), *reduction);
  return mlp ? mlp->forward(ops, rows) : rows;
}

Tensor VisionTower::forward(Ops& ops, std::span<const tensor::Image* const> images) const {
  const Patches patches = read(*this, images);
  const ForwardPass whole(ops, patches.images);
  std::optional<ForwardPass> windows;
  if (window > 0) windows.emplace(ops, patches.windows);
  const int64_t count = patches.images.rows.count(), width = embedding.w->n;
  Tensor positioned;
  if (!patches.positions.empty()) positioned = ops.upload(patches.positions, count, width);
  Rotation rotation;
  if (rope) rotation = rope->rotation(ops, patches.places);
  Tensor x = ops.linear(ops.upload(patches.values, count, embedding.w->k), embedding,
                        ops::Activation::kIdentity, positioned.empty() ? nullptr : &positioned);
  if (first_norm) x = ops.norm(std::move(x), *first_norm);
  std::vector<Tensor> branches;
  const auto depth = static_cast<int64_t>(layers.size());
  for (int64_t i = 0; i < depth; ++i) {
    const Layer& layer = layers[static_cast<size_t>(i)];
    const ForwardPass& pass = layer.windowed ? *windows : whole;
    x = layer.attention.forward(pass, x, pass.rows_of(i, depth), rope ? &rotation : nullptr);
    x = layer.mlp.forward(ops, x);
    if (layer.branch) branches.push_back(layer.branch->forward(ops, x, merge * merge));
  }
  if (last_norm) x = ops.norm(std::move(x), *last_norm);
  if (merger) x = merger->forward(ops, x, merge * merge);
  if (probe) x = probe->forward(ops, x, whole.rows);
  if (projection) x = ops.linear(x, *projection);
  if (!branches.empty()) {
    branches.insert(branches.begin(), std::move(x));
    x = ops.concat_columns(branches);
  }
  return window > 0 ? ops.gather_rows(x, ops.upload_indices(patches.rows)) : x;
}

}  // namespace vecton::nn
