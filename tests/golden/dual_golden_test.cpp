// Models that compare texts and images, through the engine: vectors of images, and what pairs and
// candidates come to. Vectors of texts are cases of model_golden_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>

#include "backend/registry.h"
#include "base/json.h"
#include "fixture.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

Image image_of(const Fixture& fixture, const json::value& name) {
  return {.bytes = {},
          .source = (fixture.folder().parent_path() / std::string(name.as_string())).string()};
}

class DualGolden : public ::testing::TestWithParam<std::string> {
 protected:
  static std::unique_ptr<Engine> open(const Fixture& fixture, const std::string& backend = "cpu") {
    EngineOptions options{.model = fixture.model().string()};
    options.threads = 2;
    options.backend = backend;
    return Engine::open(options);
  }
  static Request image_request(const Fixture& fixture, const json::value& name) {
    return {.prompt = {.images = {image_of(fixture, name)}}, .task = Embed{}};
  }
  static void expect_close(std::span<const float> got, std::span<const float> want,
                           double tolerance) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance) << i;
  }
};

TEST_P(DualGolden, VectorsOfImagesAreTheReferences) {
  const Fixture fixture(GetParam());
  for (const std::string& backend : backend::backends()) {
    const auto engine = open(fixture, backend);
    for (const json::value& c : fixture.cases()) {
      if (c.at("task") != "image_embed") continue;
      SCOPED_TRACE(std::string(c.at("id").as_string()));
      const Result got =
          engine->submit({image_request(fixture, c.at("input").at("image"))}).get().front();
      expect_close(got.get<Vectors>().values, fixture.tensor(c.at("expect").at("embedding")).values,
                   c.at("tolerance").to_number<double>());
    }
  }
}

// Pairs in one submit, and each image with all texts as candidates.
TEST_P(DualGolden, ScoresOfImagesAndTextsAreTheReferences) {
  const Fixture fixture(GetParam());
  const auto engine = open(fixture);
  for (const json::value& c : fixture.cases()) {
    if (c.at("task") != "image_text_scores") continue;
    const json::array &texts = c.at("input").at("texts").as_array(),
                      &images = c.at("input").at("images").as_array();
    const Matrix scores = fixture.tensor(c.at("expect").at("scores")),
                 logits = fixture.tensor(c.at("expect").at("logits_per_image"));
    const double tolerance = c.at("tolerance").to_number<double>();
    std::vector<Request> pairs, choices;
    Classify among;
    for (const json::value& text : texts) among.candidates.emplace_back(text.as_string());
    for (const json::value& image : images) {
      Request one = image_request(fixture, image);
      one.prompt.truncation.to = -1;
      one.task = among;
      choices.push_back(one);
      for (const std::string& text : among.candidates) {
        one.task = Score{.document = text};
        pairs.push_back(one);
      }
    }
    const std::vector<Result> of_pairs = engine->submit(pairs).get(),
                              chosen = engine->submit(choices).get();
    std::vector<float> found_logits, found_scores;
    for (const Result& pair : of_pairs) found_logits.push_back(pair.get<Relevance>().logit);
    for (const Result& choice : chosen) {
      const std::vector<float>& row = choice.get<Labels>().values;
      found_scores.insert(found_scores.end(), row.begin(), row.end());
    }
    expect_close(found_logits, logits.values, 10 * tolerance);
    expect_close(found_scores, scores.values, tolerance);
    // The sigmoid is of a pair; a softmax is of several.
    const float score = of_pairs.front().get<Relevance>().score;
    if (engine->info().family == "clip") {
      EXPECT_LE(std::abs(score), 1);  // a cosine
      EXPECT_GT(logits.values.front() / score, 1);
    } else {
      EXPECT_NEAR(score, scores.values.front(), tolerance);
    }
  }
}

TEST_P(DualGolden, ImagesAndTextsTogetherHaveTheBitsOfEachAlone) {
  const Fixture fixture(GetParam());
  const auto engine = open(fixture);
  std::vector<Request> requests;
  for (const json::value& c : fixture.cases()) {
    if (c.at("task") == "image_embed")
      requests.push_back(image_request(fixture, c.at("input").at("image")));
    if (c.at("task") == "embed") {
      requests.push_back({.prompt = {.input = std::string(c.at("input").at("text").as_string()),
                                     .truncation = {.to = -1}},
                          .task = Embed{}});
    }
  }
  std::rotate(requests.begin(), requests.begin() + 2, requests.end());
  const std::vector<Result> together = engine->submit(requests).get();
  for (size_t i = 0; i < requests.size(); ++i) {
    const Result alone = engine->submit({requests[i]}).get().front();
    EXPECT_EQ(together[i].get<Vectors>().values, alone.get<Vectors>().values) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, DualGolden, ::testing::ValuesIn(fixtures_with({"image_embed"})),
                         test_name);

}  // namespace
}  // namespace vecton::golden
