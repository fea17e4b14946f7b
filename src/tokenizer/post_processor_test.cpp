#include "tokenizer/post_processor.h"

#include <gtest/gtest.h>

#include "tokenizer/test_json.h"

namespace vecton::tokenizer {

namespace {

using Ids = std::vector<int32_t>;

PostProcessor processor(std::string_view text) {
  return PostProcessor(testing_json::Document(text).field(), [](std::string_view token) {
    return token == "[CLS]" ? 5 : token == "[SEP]" ? 6 : Vocabulary::kNone;
  });
}

Encoding assembled(const PostProcessor& post, bool special_tokens, bool pair) {
  Tokens first, second;
  first.ids = {10, 11};
  second.ids = {20};
  Encoding out;
  post.assemble(first, pair ? &second : nullptr, special_tokens, out);
  return out;
}

TEST(PostProcessor, NothingLeavesTheSequences) {
  const PostProcessor post = processor("null");
  EXPECT_EQ(assembled(post, true, true).ids, (Ids{10, 11, 20}));
  EXPECT_EQ(assembled(post, true, true).type_ids, (Ids{0, 0, 1}));
  EXPECT_EQ(post.added(true), 0);
}

TEST(PostProcessor, BertAndRoberta) {
  const PostProcessor bert =
      processor(R"({"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]})");
  EXPECT_EQ(assembled(bert, true, true).ids, (Ids{1, 10, 11, 2, 20, 2}));
  EXPECT_EQ(assembled(bert, true, true).type_ids, (Ids{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(assembled(bert, true, false).special_tokens_mask, (std::vector<uint8_t>{1, 0, 0, 1}));
  EXPECT_EQ(assembled(bert, false, true).type_ids, (Ids{0, 0, 1}));
  const PostProcessor roberta =
      processor(R"({"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",1]})");
  EXPECT_EQ(assembled(roberta, true, true).ids, (Ids{1, 10, 11, 2, 2, 20, 2}));
  EXPECT_EQ(assembled(roberta, false, true).type_ids, (Ids{0, 0, 0}));
  EXPECT_EQ(roberta.added(true), 4);
}

TEST(PostProcessor, TokensWithoutIdsAreLookedUp) {
  const PostProcessor bert =
      processor(R"({"type":"BertProcessing","sep":["[SEP]",null],"cls":["[CLS]",1]})");
  EXPECT_EQ(assembled(bert, true, false).ids, (Ids{1, 10, 11, 6}));
  const PostProcessor one = processor(R"({"type":"TemplateProcessing","pair":[],
      "single":[{"SpecialToken":{"id":"[CLS]","type_id":2}},{"Sequence":{"id":"A","type_id":0}}],
      "special_tokens":{"[CLS]":{"ids":null}}})");
  EXPECT_EQ(assembled(one, true, false).ids, (Ids{5, 10, 11}));
  EXPECT_EQ(assembled(one, true, false).type_ids, (Ids{2, 0, 0}));
  try {
    processor(R"({"type":"RobertaProcessing","sep":["</s>",null],"cls":["[CLS]",1]})");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_NE(std::string(error.what()).find("\"</s>\""), std::string::npos) << error.what();
  }
}

constexpr const char* kTemplate = R"({"type":"TemplateProcessing",
    "single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"E","type_id":0}}],
    "pair":[{"Sequence":{"id":"B","type_id":3}},{"Sequence":{"id":"A","type_id":0}}],
    "special_tokens":{"E":{"id":"E","ids":[7,8],"tokens":["E","F"]}}})";

TEST(PostProcessor, TemplatesAreTakenAsWritten) {
  const PostProcessor post = processor(
      std::string(R"({"type":"Sequence","processors":[{"type":"ByteLevel"},)") + kTemplate + "]}");
  EXPECT_EQ(assembled(post, true, false).ids, (Ids{10, 11, 7, 8}));
  EXPECT_EQ(post.added(false), 2);
  EXPECT_EQ(assembled(post, true, true).ids, (Ids{20, 10, 11}));
  EXPECT_EQ(assembled(post, true, true).type_ids, (Ids{3, 0, 0}));
}

std::string sequence_of(std::string_view first, std::string_view second) {
  return R"({"type":"Sequence","processors":[)" + std::string(first) + "," + std::string(second) +
         "]}";
}

TEST(PostProcessor, ASecondProcessorTakesWhatTheFirstGives) {
  constexpr const char* kBertJson = R"({"type":"BertProcessing","sep":["s",5],"cls":["c",6]})";
  const PostProcessor bert = processor(sequence_of(kBertJson, kBertJson));
  EXPECT_EQ(assembled(bert, true, true).ids, (Ids{6, 6, 10, 11, 5, 5, 20, 5, 5}));
  EXPECT_EQ(assembled(bert, true, true).type_ids, (Ids{0, 0, 0, 0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(bert.added(true), 6);
  // A template gives out each of its parts: the second template takes two of them as a pair.
  const PostProcessor twice = processor(sequence_of(kTemplate, kTemplate));
  EXPECT_EQ(assembled(twice, true, false).ids, (Ids{7, 8, 10, 11}));
  EXPECT_EQ(assembled(twice, false, false).ids, (Ids{10, 11}));
  const PostProcessor framed = processor(sequence_of(kTemplate, kBertJson));
  EXPECT_EQ(assembled(framed, true, false).ids, (Ids{6, 10, 11, 5, 7, 8, 5}));
  EXPECT_EQ(assembled(framed, true, false).sequences,
            (std::vector<int8_t>{-1, 0, 0, -1, -1, -1, -1}));
}

TEST(PostProcessor, RefusesWhatItCannotDo) {
  constexpr const char* kThree = R"({"type":"TemplateProcessing",
    "single":[{"SpecialToken":{"id":"E","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
              {"SpecialToken":{"id":"E","type_id":0}}],
    "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],
    "special_tokens":{"E":{"id":"E","ids":[7],"tokens":["E"]}}})";
  EXPECT_THROW(processor(sequence_of(kThree, kThree)), Error);
  EXPECT_THROW(processor(R"({"type":"Other"})"), Error);
  EXPECT_THROW(
      processor(
          R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"B","type_id":0}}],"pair":[],
                            "special_tokens":{}})"),
      Error);
  EXPECT_THROW(
      processor(
          R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"X","type_id":0}}],"pair":[],
                            "special_tokens":{}})"),
      Error);
}

TEST(PostProcessor, TrimsSpacesOffOffsets) {
  const PostProcessor post =
      processor(R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true})");
  Vocabulary vocabulary;
  vocabulary.add("ĠaĠ", 0);
  vocabulary.add("<x>", 1);
  Tokens tokens;
  tokens.with_spans = true;
  tokens.add(0, 0, 3);
  tokens.add(1, 3, 8);
  post.trim_offsets(tokens, " a \u00a0<x>", vocabulary, [](int32_t id) { return id == 1; });
  EXPECT_EQ(tokens.spans, (std::vector<Span>{{1, 2}, {5, 8}}));
}

}  // namespace

}  // namespace vecton::tokenizer
