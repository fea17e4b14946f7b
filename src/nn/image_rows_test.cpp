// Rows of images in a forward pass: in place of their ids' and, of later layers, on top.
#include "nn/image_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"

namespace vecton::nn {
namespace {

using ::testing::ElementsAre;

// Two sequences of three and two tokens; rows 1, 2 and 4 are of images.
class ImageRowsTest : public ::testing::Test {
 protected:
  ImageRowsTest() {
    batch_.ids = {0, 9, 9, 0, 9};
    batch_.rows = {.offsets = {0, 3, 5}, .index = {0, 1, 2, 0, 1}};
    batch_.wanted = batch_.rows;
    batch_.images = {.features = ops_->upload(std::vector<float>{1, 10, 2, 20, 3, 30}, 3, 2),
                     .from = {2, 0, 1},
                     .to = {1, 2, 4}};
  }
  Tensor column(const std::vector<float>& values) {
    return ops_->upload(values, static_cast<int64_t>(values.size()), 1);
  }
  std::vector<float> values(const Tensor& x) { return testing::values_of(*ops_, x); }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  tensor::Batch batch_;
};

TEST_F(ImageRowsTest, AreTheFeaturesFirstColumns) {
  const ForwardPass pass(*ops_, batch_);
  const Tensor x = column({-1, -2, -3, -4, -5});
  ImageRows(pass, 1).replace(x);
  EXPECT_THAT(values(x), ElementsAre(-1, 3, 1, -4, 2));
}

TEST_F(ImageRowsTest, GetTheNextColumnsAfterTheFirstLayersAlone) {
  const ForwardPass pass(*ops_, batch_);
  const ImageRows images(pass, 1);
  const Tensor x = column({100, 200, 300, 400, 500});
  images.add(0, LayerRows(pass.rows), x);
  EXPECT_THAT(values(x), ElementsAre(100, 230, 310, 400, 520));
  images.add(1, LayerRows(pass.rows), x);
  EXPECT_THAT(values(x), ElementsAre(100, 230, 310, 400, 520));
}

TEST_F(ImageRowsTest, OfALastLayerThatGivesTheWantedRowsAreThoseWanted) {
  batch_.wanted = {.offsets = {0, 2, 3}, .index = {0, 2, 1}};  // rows 0, 2 and 4
  const ForwardPass pass(*ops_, batch_);
  const Tensor x = column({100, 300, 500});
  ImageRows(pass, 1).add(0, pass.rows_of(0, 1), x);
  EXPECT_THAT(values(x), ElementsAre(100, 310, 520));
}

TEST_F(ImageRowsTest, WithoutDeeperColumnsNothingIsAdded) {
  const ForwardPass pass(*ops_, batch_);
  const Tensor x = ops_->upload(std::vector<float>(10), 5, 2);
  const ImageRows images(pass, 2);
  images.add(0, LayerRows(pass.rows), x);
  EXPECT_THAT(values(x), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  images.replace(x);
  EXPECT_THAT(values(x), ElementsAre(0, 0, 3, 30, 1, 10, 0, 0, 2, 20));
}

TEST_F(ImageRowsTest, OfABatchWithoutImagesAreNone) {
  batch_.images = {};
  const ForwardPass pass(*ops_, batch_);
  const ImageRows images(pass, 1);
  const Tensor x = column({1, 2, 3, 4, 5});
  images.replace(x);
  images.add(0, LayerRows(pass.rows), x);
  EXPECT_THAT(values(x), ElementsAre(1, 2, 3, 4, 5));
}

}  // namespace
}  // namespace vecton::nn
