// Images in bodies: where they go, and what is said of those that can't be taken.
#include "server/images.h"

#include <gmock/gmock.h>

#include "server/messages.h"
#include "server/openai.h"
#include "server/tei.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUri[] = "data:image/png;base64,AAAA";
const std::string kPart =
    R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}})";

struct WithImages : TestContext {
  WithImages() { info.images = true; }
};

std::vector<std::string> sources(const std::vector<Image>& images) {
  std::vector<std::string> all;
  for (const Image& image : images) all.push_back(image.source);
  return all;
}

TEST(Images, OfMessagesReachTheEngineAsTheyAre) {
  WithImages test;
  const CallPlan plan =
      test.plan(openai::embeddings, R"({"messages":[{"role":"user","content":[)" + kPart + "]}]}");
  ASSERT_THAT(plan.requests, SizeIs(1));
  EXPECT_THAT(std::get<Chat>(plan.requests[0].prompt.input).input.messages, HasSubstr(kUri));
}

TEST(Images, OfBothSidesOfAScore) {
  WithImages test;
  test.serve({Task::kScore}, "cross-encoder");
  const CallPlan plan =
      test.plan(openai::score, R"({"text_1":{"content":[)" + kPart +
                                   R"(,{"type":"text","text":"q"}]},"text_2":["d",)"
                                   R"({"content":[)" +
                                   kPart + "," + kPart + "]}]}");
  ASSERT_THAT(plan.requests, SizeIs(2));
  const Request& second = plan.requests[1];
  EXPECT_EQ(std::get<std::string>(second.prompt.input), "q");
  EXPECT_THAT(sources(second.prompt.images), ElementsAre(kUri));
  EXPECT_EQ(std::get<Score>(second.task).document, "");
  EXPECT_THAT(sources(std::get<Score>(second.task).document_images), ElementsAre(kUri, kUri));
  EXPECT_THAT(std::get<Score>(plan.requests[0].task).document_images, IsEmpty());
}

TEST(Images, OfJinasInputsAndCoheres) {
  WithImages test;
  const std::string base64(40, 'A');
  const CallPlan jina = test.plan(openai::embeddings,
                                  R"({"input":[{"text":"a"},{"image":")" + base64 + R"("},"b"]})");
  ASSERT_THAT(jina.requests, SizeIs(3));
  EXPECT_THAT(sources(jina.requests[1].prompt.images), ElementsAre("data:;base64," + base64));
  EXPECT_EQ(std::get<std::string>(jina.requests[2].prompt.input), "b");
  const CallPlan images =
      test.plan(openai::cohere_embed, R"({"images":["data:image/png;base64,AAAA"]})");
  EXPECT_THAT(sources(images.requests[0].prompt.images), ElementsAre(kUri));
  const CallPlan inputs =
      test.plan(openai::cohere_embed,
                R"({"inputs":[{"content":[{"type":"text","text":"t"},)" + kPart + "]}]}");
  EXPECT_EQ(std::get<std::string>(inputs.requests[0].prompt.input), "t");
  EXPECT_THAT(sources(inputs.requests[0].prompt.images), ElementsAre(kUri));
}

TEST(Images, OfInfinitysModalityAndCoheresInputType) {
  WithImages test;
  const CallPlan list = test.plan(openai::embeddings,
                                  std::string(R"({"modality":"image","input":[")") + kUri + "\"]}");
  ASSERT_THAT(list.requests, SizeIs(1));
  EXPECT_FALSE(list.single);
  EXPECT_THAT(sources(list.requests[0].prompt.images), ElementsAre(kUri));
  EXPECT_EQ(std::get<std::string>(list.requests[0].prompt.input), "");
  const CallPlan one =
      test.plan(openai::pooling, std::string(R"({"modality":"image","input":")") + kUri + "\"}");
  EXPECT_TRUE(one.single);
  EXPECT_THAT(sources(one.requests[0].prompt.images), ElementsAre(kUri));
  EXPECT_THAT(
      failure_of(test, openai::embeddings, R"({"modality":"image","input":["a cat"]})").message,
      HasSubstr("input.0: expected a data: URI"));
  const std::string images = std::string(R"({"input_type":"image","images":[")") + kUri + "\"]}";
  EXPECT_THAT(sources(test.plan(openai::cohere_embed, images).requests[0].prompt.images),
              ElementsAre(kUri));
  EXPECT_THAT(
      failure_of(test, openai::cohere_embed, R"({"input_type":"image","texts":["a"]})").message,
      HasSubstr("input_type"));
  test.info.images = false;
  EXPECT_THAT(failure_of(test, openai::embeddings, R"({"modality":"image","input":["a"]})").message,
              HasSubstr("MultiModalParam is not supported"));
}

TEST(Images, AreNeverLeftOut) {
  WithImages test;
  const auto message = [&](auto route, const std::string& body) {
    return failure_of(test, route, body).message;
  };
  const std::string uri = std::string("\"") + kUri + "\"";
  for (const char* field : {"image", "image_url", "image_urls", "images"}) {
    const std::string more = std::string(",\"") + field + "\":[" + uri + "]}";
    EXPECT_THAT(message(openai::embeddings, R"({"input":"a")" + more), HasSubstr(field));
    EXPECT_THAT(message(openai::pooling, R"({"input":"a")" + more), HasSubstr(field));
    EXPECT_THAT(message(tei::embed, R"({"inputs":"a")" + more), HasSubstr(field));
  }
  EXPECT_THAT(test.plan(openai::embeddings, R"({"input":"a","images":[]})").requests, SizeIs(1));
  for (const char* key : {"images", "image_urls", "video", "audio", "pdf"}) {
    EXPECT_THAT(message(openai::embeddings,
                        std::string(R"({"input":[{"text":"a",")") + key + "\":[" + uri + "]}]}"),
                HasSubstr(std::string("input.0.") + key + ": is not read"));
  }
  EXPECT_THAT(message(openai::embeddings,
                      R"({"input":[{"text":"a","content":[)" + std::string(kPart) + "]}]}"),
              HasSubstr("not both"));
  const CallPlan plan =
      test.plan(openai::embeddings, R"({"input":[{"text":"a","image_url":)" + uri +
                                        R"(},{"image":{"url":)" + uri + "}}]}");
  EXPECT_THAT(sources(plan.requests[0].prompt.images), ElementsAre(kUri));
  EXPECT_THAT(sources(plan.requests[1].prompt.images), ElementsAre(kUri));
  EXPECT_THAT(message(openai::embeddings, R"({"input":[{"image":3}]})"),
              HasSubstr("input.0: expected"));
}

TEST(Images, AtUrlsAreForTheEngineToAllow) {
  WithImages test;
  EXPECT_EQ(test.options.engine.allowed_local_media_path, "");
  for (const char* url : {"file:///etc/passwd", "http://localhost/a.png", "https://a.example/b"}) {
    const CallPlan plan =
        test.plan(openai::cohere_embed, std::string(R"({"images":[")") + url + "\"]}");
    EXPECT_THAT(sources(plan.requests[0].prompt.images), ElementsAre(url));
  }
}

TEST(Images, NobodyReadsPathsOfTheServer) {
  WithImages test;
  for (const char* path : {"/etc/passwd", "ftp://localhost/a.png", "a.png", "/9j",
                           "abcdefghijklmnopqrstuvwxyz0123456789.png"}) {
    EXPECT_THAT(
        failure_of(test, openai::cohere_embed, std::string(R"({"images":[")") + path + "\"]}")
            .message,
        HasSubstr("images: expected a data: URI"))
        << path;
  }
}

TEST(Images, AreRefusedByTheirPlace) {
  WithImages test;
  test.serve({Task::kScore}, "cross-encoder");
  const auto message = [&](const std::string& content) {
    return failure_of(test, openai::score,
                      R"({"text_1":"q","text_2":{"content":[)" + content + "]}}")
        .message;
  };
  EXPECT_THAT(message(R"({"type":"image_url"})"), HasSubstr("text_2.content.0: expected"));
  test.info.images = false;
  EXPECT_THAT(message(kPart), HasSubstr("MultiModalParam is not supported for BertModel"));
}

TEST(Images, OfAConversationBecomeParts) {
  const json::array messages{
      json::object{{"role", "user"}, {"content", json::array{json::parse(kPart), "words"}}}};
  std::vector<Image> images;
  EXPECT_EQ(json::serialize(normalised_messages(messages, true, &images)),
            R"([{"role":"user","content":[{"type":"image"},{"type":"text","text":"words"}]}])");
  EXPECT_THAT(sources(images), ElementsAre(kUri));
  EXPECT_THROW(normalised_messages(messages, true), Failure) << "the model reads none";
  EXPECT_THROW(normalised_messages(messages, false, &images), Failure) << "nor does the template";
}

}  // namespace
}  // namespace vecton::server
