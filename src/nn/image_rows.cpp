#include "nn/image_rows.h"

#include <numeric>
#include <utility>
#include <vector>

namespace vecton::nn {

ImageRows::ImageRows(const ForwardPass& pass, int64_t width) : pass_(pass), width_(width) {
  const tensor::ImageRows& images = pass.batch.images;
  layers_ = images.features.empty() ? 0 : images.features.columns() / width - 1;
  if (images.to.empty()) return;
  all_ = places(images.from, images.to);
  if (layers_ == 0 || pass.batch.all_wanted()) return;
  std::vector<int32_t> among_wanted(pass.batch.ids.size(), -1), from, to;
  int32_t count = 0;
  for (const int32_t row : tensor::wanted_positions(pass.batch))
    among_wanted[static_cast<size_t>(row)] = count++;
  for (size_t i = 0; i < images.to.size(); ++i) {
    const int32_t row = among_wanted[static_cast<size_t>(images.to[i])];
    if (row < 0) continue;
    from.push_back(images.from[i]);
    to.push_back(row);
  }
  wanted_ = places(std::move(from), std::move(to));
}

ImageRows::Places ImageRows::places(std::vector<int32_t> from, std::vector<int32_t> to) const {
  std::vector<int32_t> own(from.size());
  std::iota(own.begin(), own.end(), 0);
  return {.from = pass_.ops.upload_indices(std::move(from)),
          .to = pass_.ops.upload_indices(std::move(to)),
          .own = pass_.ops.upload_indices(std::move(own))};
}

void ImageRows::replace(const Tensor& x) const {
  if (all_.to.empty()) return;
  pass_.ops.store_rows(pass_.batch.images.features.slice_columns(0, width_), all_.from, x, all_.to);
}

void ImageRows::add(int64_t layer, const LayerRows& rows, const Tensor& x) const {
  const Places& places = rows.all() ? all_ : wanted_;
  if (layer >= layers_ || places.to.empty()) return;
  Ops& ops = pass_.ops;
  const Tensor features = pass_.batch.images.features.slice_columns((layer + 1) * width_, width_);
  const Tensor sum = ops.add(ops.gather_rows(x, places.to), ops.gather_rows(features, places.from));
  ops.store_rows(sum, places.own, x, places.to);
}

}  // namespace vecton::nn
