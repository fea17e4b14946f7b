#include "engine/images.h"

#include <gmock/gmock.h>

#include "engine/chat_images.h"
#include "engine/sequence.h"
#include "vecton/error.h"

namespace vecton::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int32_t kToken = 9;
const models::ImageInput kInput{
    .token = kToken, .markup = "<s><i></s>", .merge = 2, .axis_positions = true};

tensor::Image image_of(int64_t rows, int64_t columns, uint64_t digest = 1) {
  return {.patches = {}, .rows = rows, .columns = columns, .digest = {digest, digest}};
}

PreparedPicture picture_of(int64_t rows, int64_t columns) {
  return {.images = {image_of(rows, columns)}};
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

TEST(PlaceImages, PutsThemBeforeATextWithoutPlaceholders) {
  EXPECT_EQ(place_images("words", kInput, "<i>", {picture_of(2, 2), picture_of(2, 2)}),
            "<s><i></s><s><i></s>words");
  EXPECT_EQ(place_images("a <i> b", kInput, "<i>", {picture_of(2, 2)}), "a <i> b");
}

TEST(PlaceImages, RefusesOtherNumbersOfPlaceholders) {
  EXPECT_EQ(error_of([] { place_images("<i> <i>", kInput, "<i>", {picture_of(2, 2)}); }),
            "images: the prompt has 2 placeholders of images, and the request has 1 image");
  EXPECT_EQ(error_of([] { place_images("<i>", kInput, "<i>", {}); }),
            "images: the prompt has 1 placeholder of images, and the request has 0 images");
}

TEST(PlaceImages, PutsTheTokenInPlaceOfAnotherPlaceholder) {
  models::ImageInput input = kInput;
  input.markup = input.placeholder = "<begin>";
  input.tiles = [](int64_t, int64_t) { return std::string("\n<begin><i><end>\n"); };
  EXPECT_EQ(
      place_images("a <begin> b <begin>", input, "<begin>", {picture_of(2, 2), picture_of(2, 2)}),
      "a \n<begin><i><end>\n b \n<begin><i><end>\n");
  EXPECT_EQ(place_images("a", input, "<begin>", {picture_of(2, 2)}), "\n<begin><i><end>\na");
}

TEST(PlaceImages, SpellsTilesOut) {
  models::ImageInput input = kInput;
  input.tiles = [](int64_t rows, int64_t columns) {
    return std::to_string(rows) + "x" + std::to_string(columns) + "<i><i>";
  };
  PreparedPicture cut = picture_of(2, 2);
  cut.tile_rows = 1;
  cut.tile_columns = 3;
  EXPECT_EQ(place_images("", input, "<i>", {cut, picture_of(2, 2)}),
            "<s>1x3<i><i></s><s>0x0<i><i></s>");
}

TEST(ExpandImages, PutsATokenForEachRow) {
  Sequence sequence;
  sequence.ids = {1, kToken, 2, kToken, 3};
  sequence.answered = {1, 0, 1, 1, 1};
  sequence.prompt_tokens = 2;
  expand_images(kInput, {image_of(4, 2, 7), image_of(2, 6, 8)}, sequence);
  EXPECT_THAT(sequence.ids, ElementsAre(1, kToken, kToken, 2, kToken, kToken, kToken, 3));
  EXPECT_THAT(sequence.answered, ElementsAre(1, 0, 0, 1, 1, 1, 1, 1));
  EXPECT_EQ(sequence.prompt_tokens, 3);
  ASSERT_THAT(sequence.images, SizeIs(2));
  EXPECT_EQ(sequence.images[0], (heads::ImageTokens{1, 3, {7, 7}}));
  EXPECT_EQ(sequence.images[1], (heads::ImageTokens{4, 7, {8, 8}}));
}

// Pixtral: 3 rows of 2 tokens, and one of 3 alone.
TEST(ExpandImages, PutsATokenBetweenRows) {
  models::ImageInput input = kInput;
  input.axis_positions = false;
  input.row_break = "<break>";
  const std::vector<tensor::Image> images = {image_of(6, 4, 7), image_of(2, 6, 8)};
  EXPECT_EQ(added_tokens(input, {{.images = images}}), 7 + 2);
  Sequence sequence;
  sequence.ids = {1, kToken, 2, kToken};
  sequence.tokens_info = {
      {.id = 1}, {.id = kToken, .begin = 1, .end = 4}, {.id = 2}, {.id = kToken}};
  expand_images(input, images, sequence, 5);
  EXPECT_THAT(sequence.ids, ElementsAre(1, 9, 9, 5, 9, 9, 5, 9, 9, 2, 9, 9, 9));
  ASSERT_THAT(sequence.tokens_info, SizeIs(13));
  EXPECT_EQ(sequence.tokens_info[3].id, 5);
  EXPECT_EQ(sequence.tokens_info[3].end, 4);
  EXPECT_EQ(sequence.tokens_info[4].id, kToken);
  EXPECT_THAT(sequence.images, ElementsAre(heads::ImageTokens{1, 9, {7, 7}, 2},
                                           heads::ImageTokens{10, 13, {8, 8}, 3}));
  EXPECT_EQ(sequence.images[0].own(), 6);
  EXPECT_EQ(sequence.images[1].own(), 3);
  std::vector<int64_t> places;
  for (int64_t token = 1; token < 9; ++token) places.push_back(sequence.images[0].place_of(token));
  EXPECT_THAT(places, ElementsAre(0, 1, -1, 2, 3, -1, 4, 5));
}

TEST(ImageGrids, AreOfARowWhereRowsHaveATokenBetween) {
  models::ImageInput input = kInput;
  input.axis_positions = false;
  input.row_break = "<break>";
  Sequence sequence;
  sequence.ids = {kToken, 1, kToken};
  expand_images(input, {image_of(4, 6), image_of(2, 2)}, sequence, 5);
  EXPECT_THAT(
      image_grids(input, {picture_of(4, 6), picture_of(2, 2)}, sequence),
      ElementsAre(
          ImageGrid{.image = 0, .begin = 0, .rows = 1, .columns = 3, .height = 0.5},
          ImageGrid{.image = 0, .begin = 4, .rows = 1, .columns = 3, .top = 0.5, .height = 0.5},
          ImageGrid{.image = 1, .begin = 8, .rows = 1, .columns = 1}));
}

TEST(ImageGrids, LieOverTheirPartsOfThePicture) {
  Sequence sequence;
  sequence.ids = {kToken, 1, kToken, kToken, kToken, 2};
  const std::vector<PreparedPicture> pictures = {
      picture_of(4, 6),
      {.images = {image_of(2, 4), image_of(2, 4), image_of(4, 4)},
       .tile_rows = 1,
       .tile_columns = 2}};
  expand_images(kInput, {image_of(4, 6), image_of(2, 4), image_of(2, 4), image_of(4, 4)}, sequence);
  EXPECT_THAT(
      image_grids(kInput, pictures, sequence),
      ElementsAre(
          ImageGrid{.image = 0, .begin = 0, .rows = 2, .columns = 3},
          ImageGrid{.image = 1, .begin = 7, .rows = 1, .columns = 2, .width = 0.5},
          ImageGrid{.image = 1, .begin = 9, .rows = 1, .columns = 2, .left = 0.5, .width = 0.5},
          ImageGrid{.image = 1, .begin = 11, .rows = 2, .columns = 2}));
}

// An image at position p lies at time p; what follows begins at p and its longer side.
TEST(ExpandImages, GivesPositionsOnThreeAxes) {
  Sequence sequence;
  sequence.ids = {1, kToken, 2, 3};
  expand_images(kInput, {image_of(4, 6)}, sequence);
  const SequenceImages& own = *sequence.pictures;
  std::vector<std::vector<int32_t>> axes(3);
  for (int64_t axis = 0; axis < 3; ++axis) {
    for (int64_t token = 0; token < 10; ++token)
      axes[static_cast<size_t>(axis)].push_back(own.position(token, axis));
  }
  EXPECT_THAT(axes[0], ElementsAre(0, 1, 1, 1, 1, 1, 1, 4, 5, 6));
  EXPECT_THAT(axes[1], ElementsAre(0, 1, 1, 1, 2, 2, 2, 4, 5, 6));
  EXPECT_THAT(axes[2], ElementsAre(0, 1, 2, 3, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(own.axis_delta, -3);
}

TEST(ExpandImages, RefusesWhatDoesNotMatch) {
  Sequence sequence;
  sequence.ids = {1, kToken};
  EXPECT_THAT(error_of([&] { expand_images(kInput, {}, sequence); }),
              HasSubstr("1 placeholder of images, and the request has 0 images"));
  sequence.ids = {1};
  EXPECT_THAT(error_of([&] { expand_images(kInput, {image_of(2, 2)}, sequence); }),
              HasSubstr("0 placeholders of images, and the request has 1 image"));
}

constexpr char kMessages[] = R"([{"role":"user","content":[
  {"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},
  {"type":"text","text":"one"},{"type":"image"},{"type":"text","text":" two"}]}])";

TEST(ChatImages, AreTakenInTheirOrder) {
  const ChatImages taken = take_images(kMessages, {{.bytes = "xyz"}});
  ASSERT_THAT(taken.images, SizeIs(2));
  EXPECT_EQ(taken.images[0].source, "data:image/png;base64,AA==");
  EXPECT_EQ(taken.images[1].bytes, "xyz");
  EXPECT_EQ(taken.messages,
            R"([{"role":"user","content":[{"type":"image"},{"type":"text","text":"one"},)"
            R"({"type":"image"},{"type":"text","text":" two"}]}])");
  EXPECT_EQ(only_text(taken.messages), "one two");
}

TEST(ChatImages, MayBeAtUrls) {
  for (const char* url : {"http://a.example/b.png", "https://a.example/b.png", "file:///a/b.png"}) {
    const ChatImages taken =
        take_images(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":")" +
                        std::string(url) + "\"}}]}]",
                    {});
    ASSERT_THAT(taken.images, SizeIs(1));
    EXPECT_EQ(taken.images[0].source, url);
  }
}

TEST(ChatImages, MayBePartsWithoutAType) {
  const ChatImages taken = take_images(
      R"([{"role":"user","content":[{"image_url":{"url":"data:image/png;base64,AA=="}},)"
      R"({"text":"one"}]}])",
      {});
  ASSERT_THAT(taken.images, SizeIs(1));
  EXPECT_EQ(taken.messages, R"([{"role":"user","content":[{"type":"image"},{"text":"one"}]}])");
}

TEST(ChatImages, TextsStayAsTheyAre) {
  const std::string messages = R"([{"role": "user", "content": "an image of 1.0"}])";
  EXPECT_EQ(take_images(messages, {}).messages, messages);
  EXPECT_EQ(only_text(messages), "an image of 1.0");
}

TEST(ChatImages, RefuseOtherSourcesAndKinds) {
  const auto refusal = [](const std::string& part, const std::vector<Image>& images = {}) {
    return error_of([&] { take_images(R"([{"role":"user","content":[)" + part + "]}]", images); });
  };
  EXPECT_THAT(refusal(R"({"type":"image_url","image_url":{"url":"/etc/passwd"}})"),
              HasSubstr("messages[0].content: an image_url: expected a data: URI"));
  EXPECT_THAT(refusal(R"({"type":"image"})"), HasSubstr("has no image"));
  EXPECT_THAT(refusal(R"({"type":"video_url","video_url":{"url":"data:"}})"),
              HasSubstr("video_url"));
  EXPECT_THAT(refusal(R"({"type":"image_embeds","image_embeds":"AAAA"})"),
              HasSubstr("\"image_embeds\" are not supported"));
  EXPECT_THAT(refusal(R"({"type":"text","text":"a","image_url":"data:image/png;base64,AA=="})"),
              HasSubstr("one has both"));
  EXPECT_THAT(refusal(R"({"text":"a","image":"data:image/png;base64,AA=="})"),
              HasSubstr("one has both"));
  EXPECT_THAT(refusal(R"({"type":"text","text":"a"})", {{.bytes = "x"}}),
              HasSubstr("0 parts of the type image without a source, and the request has 1 image"));
}

TEST(ChatImages, OneMessageAloneIsAText) {
  EXPECT_THAT(error_of([] { only_text(R"([{"role":"system","content":"a"}])"); }),
              HasSubstr("one message, of the role user"));
  EXPECT_THAT(error_of([] { only_text(R"([{"role":"user","content":"a"},{"role":"user"}])"); }),
              HasSubstr("one message, of the role user"));
}

TEST(DividedImage, IsTheOneThatAChunkWouldStopIn) {
  models::ImageInput input = kInput;
  Sequence sequence;
  sequence.ids = {1, kToken, 2};
  std::vector<tensor::Image> images;
  images.push_back(image_of(4, 4));
  expand_images(input, images, sequence);
  EXPECT_FALSE(divided_image(sequence, 3)) << "where tokens see those before them alone";

  input.both_ways = true;
  sequence = {};
  sequence.ids = {1, kToken, 2};
  expand_images(input, images, sequence);
  for (const int64_t end : {1, 5, 6}) EXPECT_FALSE(divided_image(sequence, end)) << end;
  for (const int64_t end : {2, 4}) {
    const heads::ImageTokens* image = divided_image(sequence, end);
    ASSERT_TRUE(image) << end;
    EXPECT_EQ(image->begin, 1);
    EXPECT_EQ(image->end, 5);
  }
}

}  // namespace
}  // namespace vecton::engine
