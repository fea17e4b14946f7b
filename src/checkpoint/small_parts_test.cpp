// Small parts that every reader of files uses: names in messages, numbers of other types, tensors
// with gaps between their numbers, labels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/half.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/labels.h"
#include "checkpoint/name_text.h"
#include "checkpoint/test_files.h"
#include "checkpoint/torch_file_strides.h"

namespace vecton::checkpoint {
namespace {

using tensor::DType;

// --- Names of files in messages.

TEST(NameText, PlainNamesStandAsTheyAre) {
  for (const char* plain : {"a", "encoder.layer.0.weight", "model/[0]", "~!@#$%^&*()_+'"})
    EXPECT_EQ(name_text(plain), plain);
  const std::pair<std::string, const char*> rows[] = {
      {"", R"("")"},         {"a b", R"("a b")"},           {"a\nb", R"("a\nb")"},
      {"a\"b", R"("a\"b")"}, {"\x1b[2J", R"("\u001b[2J")"}, {std::string("\0", 1), R"("\u0000")"},
      {"é", "\"é\""},
  };
  for (const auto& [name, text] : rows) EXPECT_EQ(name_text(name), text);
}

TEST(NameText, LongNamesAreCutBetweenCharacters) {
  EXPECT_EQ(name_text(std::string(200, 'a')), std::string(200, 'a'));
  EXPECT_EQ(name_text(std::string(201, 'a')), '"' + std::string(200, 'a') + "\"...");
  std::string accents;
  for (int i = 0; i < 150; ++i) accents += "é";
  EXPECT_EQ(quoted_text(accents), '"' + accents.substr(0, 200) + "\"...");
  EXPECT_EQ(quoted_text("x" + accents), "\"x" + accents.substr(0, 198) + "\"...");
  EXPECT_LT(name_text(std::string(1 << 20, '\n')).size(), 500u);
}

TEST(NameText, ListsAreCutAtTwenty) {
  std::vector<std::string> names;
  EXPECT_EQ(names_text(names), "");
  names = {"a"};
  EXPECT_EQ(names_text(names), "a");
  names.assign(20, "a");
  EXPECT_EQ(names_text(names).find("more"), std::string::npos);
  names.assign(23, "a");
  EXPECT_TRUE(names_text(names).ends_with("a and 3 more"));
}

TEST(NameText, ValuesAreJson) {
  EXPECT_EQ(value_text(base::parse_json(R"({"a": [1, null]})", "test")), R"({"a":[1,null]})");
  const std::string cut = value_text(json::value(std::string(1000, 'x')));
  EXPECT_EQ(cut.size(), 203u);
  EXPECT_TRUE(cut.ends_with("..."));
}

// --- Floats of other types.

std::string as(DType from, DType to, const std::string& bytes) {
  const std::span<const std::byte> given(reinterpret_cast<const std::byte*>(bytes.data()),
                                         bytes.size());
  const std::vector<std::byte> made = convert_floats(from, to, given, "file: tensor");
  return {reinterpret_cast<const char*>(made.data()), made.size()};
}

std::vector<float> floats(DType from, const std::string& bytes) {
  return read_floats(from, {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()});
}

const std::vector<float> kNumbers = {0, -0.0f, 1, -1.5f, 65504, -65504, 6.1e-5f, 5.9e-8f, 1e-30f};

TEST(FloatBytes, WidenExactly) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    const auto pattern = static_cast<uint16_t>(bits);
    const std::string bytes = testing::bytes_of(std::vector<uint16_t>{pattern});
    const float half = floats(DType::kF16, bytes).front();
    const float bfloat = floats(DType::kBF16, bytes).front();
    if (!std::isnan(half)) {
      ASSERT_EQ(base::float_to_f16(half), pattern);
    }
    if (!std::isnan(bfloat)) {
      ASSERT_EQ(base::float_to_bf16(bfloat), pattern);
    }
    float wide;
    std::memcpy(&wide, as(DType::kF16, DType::kF32, bytes).data(), 4);
    ASSERT_TRUE(wide == half || (std::isnan(wide) && std::isnan(half)));
  }
}

TEST(FloatBytes, NarrowToTheNearest) {
  const std::string wide = testing::bytes_of(kNumbers);
  EXPECT_EQ(as(DType::kF32, DType::kF32, wide), wide);
  const std::vector<float> halves = floats(DType::kF16, as(DType::kF32, DType::kF16, wide)),
                           bfloats = floats(DType::kBF16, as(DType::kF32, DType::kBF16, wide));
  for (size_t i = 0; i < kNumbers.size(); ++i) {
    const double x = kNumbers[i];
    EXPECT_NEAR(halves[i], x, std::max(std::abs(x) * 0x1p-11, 0x1p-25)) << x;
    EXPECT_NEAR(bfloats[i], x, std::abs(x) * 0x1p-8) << x;
    EXPECT_EQ(std::signbit(halves[i]), std::signbit(kNumbers[i]));
  }
  EXPECT_EQ(floats(DType::kF32, "").size(), 0u);
}

TEST(FloatBytes, WhatFloat16CanNotHoldIsNamed) {
  for (const float large : {65520.0f, -1e6f, 3e38f}) {
    EXPECT_REFUSED(as(DType::kF32, DType::kF16, testing::bytes_of(std::vector<float>{1, large})),
                   ErrorCode::kInvalidArgument,
                   "file: tensor: has numbers that float16 can't hold: use dtype bfloat16 or "
                   "float32");
  }
  // What is infinite already stays so, and 65519 is rounded to the largest.
  const float infinite = std::numeric_limits<float>::infinity();
  EXPECT_EQ(floats(DType::kF16, as(DType::kF32, DType::kF16,
                                   testing::bytes_of(std::vector<float>{infinite, 65519}))),
            (std::vector<float>{infinite, 65504}));
}

TEST(FloatBytes, BytesNeedNoAlignment) {
  const std::string bytes = "x" + testing::bytes_of(kNumbers);
  const std::span<const std::byte> odd(reinterpret_cast<const std::byte*>(bytes.data()) + 1,
                                       bytes.size() - 1);
  EXPECT_EQ(read_floats(DType::kF32, odd), kNumbers);
}

// --- Tensors with strides, against a walk through all of their indices.

using Numbers = std::vector<int64_t>;

std::vector<int64_t> walked(const Numbers& shape, const Numbers& strides) {
  std::vector<int64_t> places = {0};
  for (size_t d = 0; d < shape.size(); ++d) {
    std::vector<int64_t> longer;
    for (const int64_t place : places) {
      for (int64_t i = 0; i < shape[d]; ++i) longer.push_back(place + i * strides[d]);
    }
    places = std::move(longer);
  }
  return places;
}

TEST(Strides, GatherWhatAWalkFinds) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const size_t rank = random() % 5;
    Numbers shape, strides;
    for (size_t d = 0; d < rank; ++d) {
      shape.push_back(1 + static_cast<int64_t>(random() % 4));
      strides.push_back(static_cast<int64_t>(random() % 9));  // 0: the same numbers again
    }
    const std::vector<int64_t> places = walked(shape, strides);
    const int64_t last = *std::ranges::max_element(places);
    EXPECT_EQ(reach_of(shape, strides, last), last);
    if (last > 0) {
      EXPECT_EQ(reach_of(shape, strides, last - 1), std::nullopt);
    }
    for (const size_t width : {1, 2, 4, 8}) {
      std::vector<std::byte> storage(static_cast<size_t>(last + 1) * width);
      for (size_t i = 0; i < storage.size(); ++i) storage[i] = static_cast<std::byte>(i * 7);
      const std::vector<std::byte> found = gathered(shape, strides, width, storage);
      ASSERT_EQ(found.size(), places.size() * width);
      for (size_t n = 0; n < places.size(); ++n) {
        ASSERT_EQ(std::memcmp(found.data() + n * width,
                              storage.data() + static_cast<size_t>(places[n]) * width, width),
                  0);
      }
    }
  }
}

TEST(Strides, RowByRowIsContiguous) {
  EXPECT_TRUE(is_contiguous(Numbers{}, Numbers{}));
  EXPECT_TRUE(is_contiguous(Numbers{2, 3}, Numbers{3, 1}));
  EXPECT_TRUE(is_contiguous(Numbers{2, 1, 3}, Numbers{3, 77, 1}));  // a dimension of 1 says nothing
  EXPECT_TRUE(is_contiguous(Numbers{2, 0}, Numbers{5, 5}));         // nor do no numbers
  EXPECT_FALSE(is_contiguous(Numbers{2, 3}, Numbers{1, 2}));
  EXPECT_FALSE(is_contiguous(Numbers{2, 3}, Numbers{4, 1}));
  EXPECT_FALSE(is_contiguous(Numbers{2}, Numbers{0}));
  EXPECT_FALSE(is_contiguous(Numbers{2, 3}, Numbers{1}));
}

TEST(Strides, HostileOnesAreNone) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(reach_of(Numbers{2}, Numbers{-1}, 100), std::nullopt);
  EXPECT_EQ(reach_of(Numbers{2, 2}, Numbers{kMost, kMost}, kMost), std::nullopt);
  EXPECT_EQ(reach_of(Numbers{kMost}, Numbers{2}, kMost), std::nullopt);
  EXPECT_EQ(reach_of(Numbers{3}, Numbers{kMost / 2}, kMost), kMost / 2 * 2);
  EXPECT_EQ(reach_of(Numbers{2}, Numbers{1, 1}, 100), std::nullopt);
}

// --- Labels.

std::vector<std::string> labels(const std::string& settings, int64_t fallback = 2) {
  const Config config(base::parse_json("{" + settings + "}", "config.json").as_object(),
                      "config.json");
  std::vector<std::string> names;
  for (const Label& label : read_labels(config, fallback))
    names.push_back(label.text + (label.is_name ? "" : " (no name)"));
  return names;
}

using Names = std::vector<std::string>;

TEST(LabelNames, AreThoseOfConfigJsonInTheOrderOfTheirIds) {
  EXPECT_EQ(labels(""), (Names{"LABEL_0", "LABEL_1"}));
  EXPECT_EQ(labels("", 1), (Names{"LABEL_0"}));
  EXPECT_EQ(labels(R"("num_labels": 3)"), (Names{"LABEL_0", "LABEL_1", "LABEL_2"}));
  EXPECT_EQ(labels(R"("id2label": {"1": "b", "0": "a"})"), (Names{"a", "b"}));
  EXPECT_EQ(labels(R"("id2label": {"0": true, "1": null, "2": 0.5, "3": "x"})"),
            (Names{"true (no name)", "null (no name)", "0.5 (no name)", "x"}));
  Names eleven(11);
  std::string many = R"("id2label": {)";
  for (size_t i = 11; i-- > 0;) {  // "10" stands before "9"
    eleven[i] = "l" + std::to_string(i);
    many += (i == 10 ? "\"" : ", \"") + std::to_string(i) + "\": \"" + eleven[i] + "\"";
  }
  EXPECT_EQ(labels(many + "}"), eleven);
}

TEST(LabelNames, IdsAreWithoutGaps) {
  for (const char* wrong : {R"("id2label": {"1": "a"})", R"("id2label": {"0": "a", "2": "b"})",
                            R"("id2label": {"x": "a"})", R"("id2label": {"-1": "a"})",
                            R"("id2label": {"0": ["a"]})", R"("id2label": {"0": {}})",
                            R"("id2label": ["a"])", R"("num_labels": 0)", R"("num_labels": "2")"}) {
    const Error error = testing::error_of([&] { labels(wrong); });
    EXPECT_THAT(error.what(), ::testing::AnyOf(::testing::HasSubstr("id2label"),
                                               ::testing::HasSubstr("num_labels")))
        << wrong;
  }
}

}  // namespace
}  // namespace vecton::checkpoint
