// Requests with images: what a preparer makes of them, with a reader that gives what a test says.
#include <gmock/gmock.h>

#include "checkpoint/test_files.h"
#include "engine/model_copy.h"
#include "engine/preparer.h"
#include "vecton/error.h"

namespace vecton::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kMarkup[] = "<|im_start|>";  // a token of the tokenizer, in an image's place

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.field() + ": " + e.what();
  }
  return "none";
}

class PreparerImages : public ::testing::Test {
 protected:
  explicit PreparerImages(const std::string& golden = "emb-qwen3") : copy_(golden) {
    plan = make_plans(copy_.options(), {}).front();
    tokenizer = Tokenizer::open(plan.tokenizer);
    plan.images = models::ImageInput{
        .token = tokenizer->token_to_id(kMarkup).value(), .markup = kMarkup, .merge = 2};
    plan.max_images = 2;
  }

  Sequence prepare(const Request& request) const {
    const PictureReader reader = [](const Image& picture, FetchedPictures*) {
      if (picture.bytes.empty()) throw Error(ErrorCode::kNotFound, "there is no file");
      const auto digest = static_cast<uint64_t>(picture.bytes.front());
      PreparedPicture prepared;
      prepared.images.push_back({.patches = {}, .rows = 4, .columns = 2, .digest = {digest, 0}});
      return prepared;
    };
    return Preparer(plan, tokenizer, reader).prepare(request, "");
  }
  std::vector<int32_t> ids(const std::string& text) const {
    return prepare({.prompt = {.input = text}}).ids;
  }

  testing::ModelCopy copy_;
  Plan plan{.config = checkpoint::Config({}, "")};
  std::shared_ptr<const Tokenizer> tokenizer;
};

const Image kA{.bytes = "a"}, kB{.bytes = "b"};

TEST_F(PreparerImages, ComeBeforeTheText) {
  const Sequence sequence = prepare({.prompt = {.input = "words", .images = {kA, kB}}});
  const int32_t t = plan.images->token;
  std::vector<int32_t> expected = {t, t, t, t};
  const std::vector<int32_t> words = ids("words");
  expected.insert(expected.end(), words.begin(), words.end());
  EXPECT_EQ(sequence.ids, expected);
  EXPECT_THAT(sequence.images,
              ElementsAre(heads::ImageTokens{0, 2, {'a', 0}}, heads::ImageTokens{2, 4, {'b', 0}}));
}

TEST_F(PreparerImages, StandWhereTheTextSays) {
  const Sequence sequence =
      prepare({.prompt = {.input = std::string("words") + kMarkup, .images = {kA}}});
  ASSERT_THAT(sequence.images, SizeIs(1));
  EXPECT_EQ(sequence.images[0].begin, std::ssize(ids("words")) - 1) << "before the end of text";
}

// Two rows of one token.
TEST_F(PreparerImages, MayHaveATokenBetweenTheirRows) {
  plan.images->row_break = "<|im_end|>";
  const int32_t t = plan.images->token, row_break = tokenizer->token_to_id("<|im_end|>").value();
  const Sequence sequence = prepare({.prompt = {.input = "words", .images = {kA}}});
  std::vector<int32_t> expected = {t, row_break, t};
  const std::vector<int32_t> words = ids("words");
  expected.insert(expected.end(), words.begin(), words.end());
  EXPECT_EQ(sequence.ids, expected);
  EXPECT_THAT(sequence.images, ElementsAre(heads::ImageTokens{0, 3, {'a', 0}, 1}));
  plan.images->row_break = "[NOT THERE]";
  EXPECT_THAT(error_of([&] { prepare({.prompt = {.input = "words"}}); }),
              HasSubstr("the tokenizer has no [NOT THERE], which stands between the rows"));
}

TEST_F(PreparerImages, TellEqualWorkApart) {
  const auto work = [&](const Image& image) {
    return static_cast<heads::Work>(prepare({.prompt = {.input = "w", .images = {image}}}));
  };
  EXPECT_EQ(work(kA), work(kA));
  EXPECT_NE(work(kA), work(kB));
}

TEST_F(PreparerImages, TokenIdsAreTakenAsTheyAre) {
  const std::vector<int32_t> given = {1, plan.images->token, 2};
  const Sequence sequence = prepare({.prompt = {.input = given}});
  EXPECT_EQ(sequence.ids, given);
  EXPECT_TRUE(sequence.images.empty());
}

TEST_F(PreparerImages, AreRefusedByName) {
  const auto refusal = [&](const Prompt& prompt) {
    return error_of([&] { prepare({.prompt = prompt}); });
  };
  EXPECT_THAT(refusal({.input = "w", .images = {kA, kA, kA}}),
              HasSubstr("images: at most 2 images are taken in one request"));
  EXPECT_THAT(refusal({.input = "w", .images = {kA, {}}}),
              HasSubstr("images: images[1]: there is no file"));
  EXPECT_THAT(refusal({.input = std::vector<int32_t>{1}, .images = {kA}}),
              HasSubstr("token ids say nothing of images"));
  EXPECT_THAT(refusal({.input = std::string(kMarkup) + kMarkup, .images = {kA}}),
              HasSubstr("2 placeholders of images, and the request has 1 image"));
  EXPECT_THAT(refusal({.input = kMarkup}),
              HasSubstr("1 placeholder of images, and the request has 0 images"));
  EXPECT_THAT(refusal({.input = "w", .images = {kA}, .max_tokens = 2}), HasSubstr("tokens"));
  plan.images.reset();
  EXPECT_THAT(refusal({.input = "w", .images = {kA}}),
              HasSubstr("takes text, and the request has 1 image"));
}

// The text is cut to what the images leave.
TEST_F(PreparerImages, AreNotCut) {
  const std::string text = "some words and then some more of them";
  const Sequence sequence =
      prepare({.prompt = {.input = text, .images = {kA}, .truncation = {.to = 6}}});
  EXPECT_EQ(sequence.tokens(), 6);
  EXPECT_THAT(sequence.images, SizeIs(1));
  EXPECT_TRUE(sequence.truncated);
}

TEST_F(PreparerImages, OfAModelThatReadsThemAlone) {
  plan.images->pooled = true;
  const Sequence sequence = prepare({.prompt = {.input = "", .images = {kA}}});
  EXPECT_EQ(sequence.tokens(), 1);
  EXPECT_THAT(sequence.images, ElementsAre(heads::ImageTokens{0, 1, {'a', 0}}));
  EXPECT_THAT(error_of([&] { prepare({.prompt = {.input = "w", .images = {kA}}}); }),
              HasSubstr("one image or a text, not both"));
  EXPECT_THAT(prepare({.prompt = {.input = "w"}}).images, IsEmpty());
}

// Of late interaction: queries and documents are written as their models were trained.
TEST_F(PreparerImages, HaveThePromptsOfRetrieval) {
  plan.late_interaction = checkpoint::LateInteraction::of_images();
  plan.tasks = {Task::kTokenEmbed};
  plan.images->retrieval = {
      .query = [](std::string_view text) { return "Query: " + std::string(text); },
      .document =
          [](std::string_view images, std::string_view text) {
            return "See " + std::string(images) + std::string(text);
          }};
  const auto with = [&](const Prompt& prompt) {
    return tokenizer->decode(prepare({.prompt = prompt, .task = TokenEmbed{}}).ids);
  };
  EXPECT_EQ(with({.input = "w", .role = Role::kQuery}), "Query: w");
  EXPECT_EQ(with({.input = "w", .role = Role::kDocument}), "See w");
  EXPECT_EQ(with({.input = "w"}), "w");
  EXPECT_EQ(with({.input = "", .images = {kA}}), std::string("See ") + kMarkup + kMarkup);
}

}  // namespace
}  // namespace vecton::engine
