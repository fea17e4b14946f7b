// DualEncoder: a text tower and a vision tower whose vectors are compared: CLIP (arXiv:2103.00020),
// SigLIP (arXiv:2303.15343). One row of a sequence (ModelShape::pooled), which is a text, or an
// image (ImageInput::pooled). A family's file reads the towers from its checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"
#include "models/siglip_layers.h"
#include "nn/token_embedding.h"
#include "nn/vision_tower.h"

namespace vecton::models {

struct TextTower {
  // Of which of its tokens a text's row is.
  enum class Row {
    kLast,
    kFirstEnd,  // the first that is `end`; of a text without one the first of all
    kLargest,   // the first of those with the largest id
  };

  nn::TokenEmbedding embedding;
  std::vector<SiglipLayer> layers;
  ops::NormWeight last_norm;
  std::optional<ops::LinearWeight> projection;
  Row row = Row::kLast;
  int32_t end = 0;

  // A row of each sequence of `batch`; what is wanted of it is not looked at.
  Tensor forward(Ops& ops, tensor::Batch batch) const;
};

// `w`: what stands before "embeddings". The embedding, the layers and the last norm.
TextTower text_tower(const SiglipSizes& sizes, const ModelShape& shape,
                     const checkpoint::Weights& w);

// Whether a checkpoint holds a vision tower and nothing else ("siglip_vision_model").
bool is_vision_alone(const checkpoint::Config& config);

// What the engine must know of a vision tower alone: images of one row, and no vocabulary, which
// says that no text is read. `hidden`: of an image's vector.
ModelShape vision_shape(const SiglipSizes& sizes, int64_t hidden);

// A vision tower that gives a row of an image, and reads nothing else.
class VisionEncoder final : public Model {
 public:
  explicit VisionEncoder(nn::VisionTower tower) : tower_(std::move(tower)) {}

  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;
  Tensor encode_images(Ops& ops, std::span<const tensor::Image* const> images) const override;

 private:
  nn::VisionTower tower_;
};

class DualEncoder final : public Model {
 public:
  // `vision` nothing = it reads texts alone.
  DualEncoder(TextTower text, std::optional<nn::VisionTower> vision,
              std::optional<PairLogits> pair_logits)
      : text_(std::move(text)), vision_(std::move(vision)), pair_logits_(pair_logits) {}

  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override;
  Tensor encode_images(Ops& ops, std::span<const tensor::Image* const> images) const override;
  std::optional<PairLogits> pair_logits() const override { return pair_logits_; }

 private:
  TextTower text_;
  std::optional<nn::VisionTower> vision_;
  std::optional<PairLogits> pair_logits_;
};

}  // namespace vecton::models
