#include "models/image_text_model.h"

#include <utility>

namespace vecton::models {

namespace {

class ImageTextModel final : public Model {
 public:
  ImageTextModel(std::unique_ptr<Model> text, nn::VisionTower tower)
      : text_(std::move(text)), tower_(std::move(tower)) {}

  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override {
    return text_->forward(ops, batch, cache);
  }
  Tensor encode_images(Ops& ops, std::span<const tensor::Image* const> images) const override {
    return tower_.forward(ops, images);
  }

 private:
  std::unique_ptr<Model> text_;
  nn::VisionTower tower_;
};

}  // namespace

std::unique_ptr<Model> with_tower(std::unique_ptr<Model> text, nn::VisionTower tower) {
  return std::make_unique<ImageTextModel>(std::move(text), std::move(tower));
}

}  // namespace vecton::models
