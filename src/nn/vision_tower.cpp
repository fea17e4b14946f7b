#include "nn/vision_tower.h"

#include <string>
#include <utility>

#include "vecton/error.h"

namespace vecton::nn {

namespace {

// The patches of all images, a sequence each.
struct Patches {
  tensor::Batch batch;
  std::vector<float> values, positions;
  std::vector<PatchPlace> places;
};

Patches read(const VisionTower& tower, std::span<const tensor::Image* const> images) {
  Patches patches;
  const int64_t width = tower.embedding.w->k, merge = tower.merge;
  for (const tensor::Image* image : images) {
    const int64_t rows = image->rows, columns = image->columns;
    if (rows < 1 || columns < 1 || rows % merge != 0 || columns % merge != 0) {
      throw Error(ErrorCode::kCorrupt,
                  "an image of " + std::to_string(rows) + " x " + std::to_string(columns) +
                      " patches; the vision tower reads multiples of " + std::to_string(merge));
    }
    if (static_cast<int64_t>(image->patches.size()) != image->count() * width) {
      throw Error(ErrorCode::kCorrupt,
                  "preprocessor_config.json: patches of " +
                      std::to_string(static_cast<int64_t>(image->patches.size()) / image->count()) +
                      " numbers; the vision tower reads " + std::to_string(width));
    }
    patches.values.insert(patches.values.end(), image->patches.begin(), image->patches.end());
    const std::vector<PatchPlace> places = patch_places(rows, columns, merge);
    if (tower.positions) tower.positions->append(rows, columns, places, patches.positions);
    patches.places.insert(patches.places.end(), places.begin(), places.end());
    tensor::Rows& all = patches.batch.rows;
    for (int64_t i = 0; i < image->count(); ++i) all.index.push_back(static_cast<int32_t>(i));
    all.offsets.push_back(static_cast<int32_t>(all.index.size()));
  }
  patches.batch.wanted = patches.batch.rows;
  return patches;
}

// Each `count` rows of x that follow one another, side by side.
Tensor side_by_side(Ops& ops, const Tensor& x, int64_t count) {
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<int32_t> rows;
    for (int64_t row = i; row < x.rows(); row += count) rows.push_back(static_cast<int32_t>(row));
    parts.push_back(ops.gather_rows(x, ops.upload_indices(std::move(rows))));
  }
  return ops.concat_columns(parts);
}

}  // namespace

Tensor PatchMerger::forward(Ops& ops, const Tensor& blocks) const {
  return mlp.forward(ops, ops.norm(blocks, norm));
}

Tensor VisionTower::forward(Ops& ops, std::span<const tensor::Image* const> images) const {
  const Patches patches = read(*this, images);
  const ForwardPass pass(ops, patches.batch);
  const auto count = static_cast<int64_t>(patches.places.size());
  Tensor positioned;
  if (positions) positioned = ops.upload(patches.positions, count, positions->width);
  Rotation rotation;
  if (rope) rotation = rope->rotation(ops, patches.places);
  Tensor x = ops.linear(ops.upload(patches.values, count, embedding.w->k), embedding,
                        ops::Activation::kIdentity, positions ? &positioned : nullptr);
  std::vector<Tensor> branches;
  const LayerRows rows(pass.rows);
  for (const Layer& layer : layers) {
    x = layer.attention.forward(pass, x, rows, rope ? &rotation : nullptr);
    x = layer.mlp.forward(ops, x);
    if (layer.branch)
      branches.push_back(layer.branch->forward(ops, side_by_side(ops, x, merge * merge)));
  }
  std::vector<Tensor> columns = {merger.forward(ops, side_by_side(ops, x, merge * merge))};
  columns.insert(columns.end(), branches.begin(), branches.end());
  return columns.size() == 1 ? columns.front() : ops.concat_columns(columns);
}

}  // namespace vecton::nn
