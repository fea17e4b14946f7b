// Rows of images, and of texts with images among them, of every fixture that has them: from the
// patches that the reference's processor made, whatever the engine does with pictures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include "backend/registry.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "checkpoint/weights.h"
#include "fixture.h"
#include "models/registry.h"

namespace vecton::golden {
namespace {

using Values = std::vector<float>;

double worst_of(const Values& got, const Values& want) {
  double worst = got.size() == want.size() ? 0 : 1e30;
  for (size_t i = 0; i < std::min(got.size(), want.size()); ++i)
    worst = std::max(worst, std::abs(double{got[i]} - want[i]));
  return worst;
}

class Vision {
 public:
  Vision(const Fixture& fixture, const std::string& backend)
      : pool_(2), ops_(backend::make_ops(backend, pool_)) {
    const auto config = checkpoint::Config::read(fixture.model() / "config.json");
    const models::Family& family = models::find_family(config);
    checkpoint::Weights weights = checkpoint::Weights::open(fixture.model(), *ops_);
    images_ = *family.images(config);
    model_ = family.load(config, weights);
    projection_ = weights / "linear";
    hidden_ = family.shape(config).hidden;
    const Fixture patches(fixture.patches_of());
    for (const json::value& c : patches.cases()) {
      if (c.at("task") != "image_preprocess") continue;
      const Matrix grid = patches.tensor(c.at("expect").at("image_grid_thw"));
      tensor::Image& image = pictures_[std::string(c.at("input").at("image").as_string())];
      image.rows = static_cast<int64_t>(grid.values.at(1));
      image.columns = static_cast<int64_t>(grid.values.at(2));
      const std::vector<float> values = patches.tensor(c.at("expect").at("pixel_values")).values;
      image.patches.assign(values.begin(), values.end());
    }
  }

  const models::ImageInput& input() const { return images_; }
  const std::map<std::string, tensor::Image>& pictures() const { return pictures_; }

  Values downloaded(const Tensor& x) {
    Values values(static_cast<size_t>(x.rows() * x.columns()));
    ops_->download(x, values);
    return values;
  }

  Tensor features(const std::vector<const tensor::Image*>& images) {
    return model_->encode_images(*ops_, images);
  }

  // The last row of a sequence, or every one through the projection, of length one; `images` in
  // the places of their tokens.
  Values embedding(const std::vector<int32_t>& ids, const std::vector<const tensor::Image*>& images,
                   const Values& axes, bool every_token = false) {
    tensor::Batch batch;
    batch.ids = ids;
    const auto count = static_cast<int32_t>(ids.size());
    for (int32_t i = 0; i < count; ++i) {
      batch.rows.index.push_back(i);
      if (ids[static_cast<size_t>(i)] != images_.token) continue;
      batch.images.from.push_back(static_cast<int32_t>(batch.images.to.size()));
      batch.images.to.push_back(i);
    }
    batch.rows.offsets.push_back(count);
    batch.wanted = batch.rows;
    if (!every_token) batch.wanted = {.offsets = {0, 1}, .index = {count - 1}};
    for (const float position : axes)
      batch.axis_positions.push_back(static_cast<int32_t>(position));
    if (!images.empty()) batch.images.features = features(images);
    Tensor x = model_->forward(*ops_, batch, nullptr);
    if (every_token && projection_->has("weight")) {
      x = ops_->linear(x, projection_->linear(projection_->rows_of("weight"), hidden_,
                                              checkpoint::Weights::Bias::kIfPresent));
    }
    return downloaded(ops_->l2_normalize(std::move(x)));
  }

 private:
  base::ThreadPool pool_;
  std::unique_ptr<Ops> ops_;
  models::ImageInput images_;
  std::optional<checkpoint::Weights> projection_;
  int64_t hidden_ = 0;
  std::unique_ptr<models::Model> model_;
  std::map<std::string, tensor::Image> pictures_;
};

// A text's tokens count on all axes; an image's lie at its beginning, by row and column.
Values positions_of(const Vision& model, const std::vector<int32_t>& ids,
                    const std::vector<const tensor::Image*>& images) {
  const models::ImageInput& input = model.input();
  const size_t count = ids.size();
  Values axes(3 * count);
  size_t next = 0;
  int64_t at = 0;
  for (size_t i = 0; i < count;) {
    if (ids[i] != input.token) {
      for (size_t axis = 0; axis < 3; ++axis) axes[axis * count + i] = static_cast<float>(at);
      ++i;
      ++at;
      continue;
    }
    const int64_t rows = images.at(next)->rows / input.merge,
                  columns = images.at(next)->columns / input.merge;
    ++next;
    for (int64_t place = 0; place < rows * columns; ++place, ++i) {
      axes[i] = static_cast<float>(at);
      axes[count + i] = static_cast<float>(at + place / columns);
      axes[2 * count + i] = static_cast<float>(at + place % columns);
    }
    at += std::max(rows, columns);
  }
  return axes;
}

void check_features(Vision& model, const Fixture& fixture, const json::object& c) {
  const json::object& expect = c.at("expect").as_object();
  const tensor::Image& image =
      model.pictures().at(std::string(c.at("input").at("image").as_string()));
  Values want = fixture.tensor(expect.at("merged")).values;
  const Tensor got = model.features({&image});
  const size_t width = want.size() / static_cast<size_t>(got.rows());
  std::vector<Values> parts = {std::move(want)};
  for (int i = 0; expect.contains("deepstack_" + std::to_string(i)); ++i)
    parts.push_back(fixture.tensor(expect.at("deepstack_" + std::to_string(i))).values);
  ASSERT_EQ(got.columns(), static_cast<int64_t>(width * parts.size()));
  for (size_t i = 0; i < parts.size(); ++i) {
    const Tensor part =
        got.slice_columns(static_cast<int64_t>(i * width), static_cast<int64_t>(width));
    EXPECT_LE(worst_of(model.downloaded(part), parts[i]), c.at("tolerance").to_number<double>())
        << "part " << i;
  }
}

// Of those pictures that have patches in the fixture.
bool check_embedding(Vision& model, const Fixture& fixture, const json::object& c) {
  const bool every_token = c.at("task") == "multimodal_token_embed";
  const json::object& input = c.at("input").as_object();
  json::array names;
  if (const json::value* all = input.if_contains("images")) names = all->as_array();
  if (const json::value* one = input.if_contains("image")) names.push_back(*one);
  std::vector<const tensor::Image*> images;
  for (const json::value& name : names) {
    const auto found = model.pictures().find(std::string(name.as_string()));
    if (found == model.pictures().end()) return false;
    images.push_back(&found->second);
  }
  std::vector<int32_t> ids;
  for (const json::value& id : c.at("input").at("input_ids").as_array())
    ids.push_back(static_cast<int32_t>(id.as_int64()));
  const json::object& expect = c.at("expect").as_object();
  const Values axes = positions_of(model, ids, images);
  if (expect.contains("position_ids")) {
    EXPECT_EQ(axes, fixture.tensor(expect.at("position_ids")).values);
  }
  EXPECT_LE(worst_of(model.embedding(ids, images, axes, every_token),
                     fixture.tensor(expect.at(every_token ? "token_embed" : "embedding")).values),
            c.at("tolerance").to_number<double>());
  return true;
}

class VisionGolden : public ::testing::TestWithParam<std::string> {
 protected:
  static void check(const std::string& backend) {
    const Fixture fixture(GetParam());
    Vision model(fixture, backend);
    int checked = 0;
    for (const json::value& value : fixture.cases()) {
      const json::object& c = value.as_object();
      SCOPED_TRACE(std::string(c.at("id").as_string()));
      if (c.at("task") == "image_features") {
        check_features(model, fixture, c);
        ++checked;
      }
      if (c.at("task").as_string().starts_with("multimodal_") && check_embedding(model, fixture, c))
        ++checked;
    }
    EXPECT_GT(checked, 0);
  }
};

TEST_P(VisionGolden, MatchesTheReference) { check("cpu"); }

TEST_P(VisionGolden, MatchesTheReferenceOnOtherBackends) {
  for (const std::string& backend : other_backends()) {
    SCOPED_TRACE(backend);
    check(backend);
  }
}

TEST_P(VisionGolden, ImagesTogetherHaveTheBitsOfEachAlone) {
  const Fixture fixture(GetParam());
  Vision model(fixture, "cpu");
  std::vector<const tensor::Image*> all;
  Values apart;
  for (const auto& [name, image] : model.pictures()) {
    all.push_back(&image);
    const Values one = model.downloaded(model.features({&image}));
    apart.insert(apart.end(), one.begin(), one.end());
  }
  const Values together = model.downloaded(model.features(all));
  ASSERT_EQ(together.size(), apart.size());
  EXPECT_EQ(std::memcmp(together.data(), apart.data(), apart.size() * sizeof(float)), 0);
}

// A text turns by its places on all axes as it does without any.
TEST_P(VisionGolden, TextsOnThreeAxesHaveTheBitsOfPlainOnes) {
  const Fixture fixture(GetParam());
  Vision model(fixture, "cpu");
  const std::vector<int32_t> ids = {5, 60, 17, 301, 4};
  const Values axes = {0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4};
  const Values plain = model.embedding(ids, {}, {}), turned = model.embedding(ids, {}, axes);
  EXPECT_EQ(std::memcmp(plain.data(), turned.data(), plain.size() * sizeof(float)), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, VisionGolden,
    ::testing::ValuesIn(fixtures_with({"multimodal_embed", "multimodal_token_embed"})), test_name);

}  // namespace
}  // namespace vecton::golden
