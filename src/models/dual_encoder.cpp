#include "models/dual_encoder.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace vecton::models {

namespace {

// The token, of those begin .. end, that the row of a text is of: its position.
int32_t position_of(const TextTower& tower, const std::vector<int32_t>& ids, int32_t begin,
                    int32_t end) {
  const auto first = ids.begin() + begin, last = ids.begin() + end;
  switch (tower.row) {
    case TextTower::Row::kLast:
      break;
    case TextTower::Row::kFirstEnd: {
      const auto found = std::find(first, last, tower.end);
      return found == last ? 0 : static_cast<int32_t>(found - first);
    }
    case TextTower::Row::kLargest:
      return static_cast<int32_t>(std::max_element(first, last) - first);
  }
  return end - begin - 1;
}

}  // namespace

Tensor TextTower::forward(Ops& ops, tensor::Batch batch) const {
  batch.wanted = {};
  for (size_t s = 0; s + 1 < batch.rows.offsets.size(); ++s) {
    batch.wanted.index.push_back(
        position_of(*this, batch.ids, batch.rows.offsets[s], batch.rows.offsets[s + 1]));
    batch.wanted.offsets.push_back(static_cast<int32_t>(s) + 1);
  }
  const nn::ForwardPass pass(ops, batch);
  Tensor x = embedding.forward(pass);
  const auto depth = static_cast<int64_t>(layers.size());
  for (int64_t i = 0; i < depth; ++i) {
    const SiglipLayer& layer = layers[static_cast<size_t>(i)];
    x = layer.mlp.forward(ops, layer.attention.forward(pass, x, pass.rows_of(i, depth)));
  }
  x = ops.norm(std::move(x), last_norm);
  return projection ? ops.linear(x, *projection) : x;
}

TextTower text_tower(const SiglipSizes& sizes, const ModelShape& shape,
                     const checkpoint::Weights& w) {
  const checkpoint::Weights embeddings = w / "embeddings";
  TextTower tower{
      .embedding = {.words = (embeddings / "token_embedding").table(shape.vocab, sizes.hidden),
                    .types = {},
                    .positions = (embeddings / "position_embedding")
                                     .table(shape.max_positions, sizes.hidden),
                    .padding_id = {}},
      .layers = siglip_layers(sizes, w / "encoder" / "layers"),
      .last_norm = (w / "final_layer_norm").layer_norm(sizes.hidden, sizes.eps),
      .projection = {}};
  return tower;
}

bool is_vision_alone(const checkpoint::Config& config) {
  return config.string_or("model_type", "").ends_with("_vision_model");
}

ModelShape vision_shape(const SiglipSizes& sizes, int64_t hidden) {
  return {.layers = sizes.layers,
          .hidden = hidden,
          .vocab = 0,
          .max_positions = 1,
          .heads = sizes.heads,
          .kv_heads = sizes.heads,
          .head_dim = sizes.hidden / sizes.heads,
          .pooled = true};
}

Tensor VisionEncoder::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache*) const {
  std::vector<int32_t> image_of(batch.ids.size());  // a sequence is one token, which an image has
  for (size_t i = 0; i < batch.images.to.size(); ++i)
    image_of[static_cast<size_t>(batch.images.to[i])] = batch.images.from[i];
  std::vector<int32_t> rows;
  for (size_t s = 0; s + 1 < batch.rows.offsets.size(); ++s) {
    if (batch.wanted.offsets[s] < batch.wanted.offsets[s + 1])
      rows.push_back(image_of[static_cast<size_t>(batch.rows.offsets[s])]);
  }
  return ops.gather_rows(batch.images.features, ops.upload_indices(std::move(rows)));
}

Tensor VisionEncoder::encode_images(Ops& ops, std::span<const tensor::Image* const> images) const {
  return tower_.forward(ops, images);
}

Tensor DualEncoder::forward(Ops& ops, const tensor::Batch& batch, tensor::Cache*) const {
  std::vector<int32_t> image_of(batch.ids.size(), -1);  // of each row of the batch
  for (size_t i = 0; i < batch.images.to.size(); ++i)
    image_of[static_cast<size_t>(batch.images.to[i])] = batch.images.from[i];
  tensor::Batch texts;
  std::vector<int32_t> from_images, images_to, texts_to;
  int32_t row = 0;
  for (size_t s = 0; s + 1 < batch.rows.offsets.size(); ++s) {
    if (batch.wanted.offsets[s] == batch.wanted.offsets[s + 1]) continue;
    const int32_t begin = batch.rows.offsets[s], end = batch.rows.offsets[s + 1];
    if (const int32_t image = image_of[static_cast<size_t>(begin)]; image >= 0) {
      from_images.push_back(image);
      images_to.push_back(row++);
      continue;
    }
    texts.ids.insert(texts.ids.end(), batch.ids.begin() + begin, batch.ids.begin() + end);
    texts.rows.index.insert(texts.rows.index.end(), batch.rows.index.begin() + begin,
                            batch.rows.index.begin() + end);
    texts.rows.offsets.push_back(static_cast<int32_t>(texts.ids.size()));
    texts_to.push_back(row++);
  }
  if (texts.ids.empty())
    return ops.gather_rows(batch.images.features, ops.upload_indices(std::move(from_images)));
  const Tensor of_texts = text_.forward(ops, std::move(texts));
  if (images_to.empty()) return of_texts;
  const Tensor rows = ops.allocate(row, of_texts.columns());
  ops.store_all(of_texts, rows, ops.upload_indices(std::move(texts_to)));
  ops.store_rows(batch.images.features, ops.upload_indices(std::move(from_images)), rows,
                 ops.upload_indices(std::move(images_to)));
  return rows;
}

Tensor DualEncoder::encode_images(Ops& ops, std::span<const tensor::Image* const> images) const {
  return vision_ ? vision_->forward(ops, images) : Model::encode_images(ops, images);
}

}  // namespace vecton::models
