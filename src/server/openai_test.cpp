#include "server/openai.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/json_text.h"
#include "server/tei.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

class OpenAi : public testing::Test {
 protected:
  json::value refusal(Planner planner, std::string_view body, const std::string& path = "/") {
    const HttpResponse response = openai::refuse(failure_of(test, planner, body, path), 48);
    status = response.status;
    return json::parse(response.body).at("error");
  }

  TestContext test;
  int status = 0;
};

TEST_F(OpenAi, EmbeddingsReadsEveryField) {
  CallPlan plan = test.plan(openai::embeddings,
                            R"({"input":["a","b"],"model":"small","truncate_prompt_tokens":-1,
      "truncation_side":"left","add_special_tokens":false,"use_activation":false,"dimensions":2,"user":"me","priority":0,
      "prompt_name":"query","cache_salt":"s","padding":"do_not_pad","odd":1})");
  ASSERT_EQ(plan.requests.size(), 2u);
  const Request& r = plan.requests[1];
  EXPECT_EQ(task_of(r.task), Task::kEmbed);
  EXPECT_EQ(std::get<0>(r.prompt.input), "b");
  EXPECT_EQ(r.prompt.truncation.to, -1);
  EXPECT_EQ(r.prompt.truncation.side, EncodeOptions::Side::kLeft);
  EXPECT_EQ(r.prompt.add_special_tokens, false);
  EXPECT_EQ(parameters<Embed>(r).normalize, false);
  EXPECT_EQ(parameters<Embed>(r).dimensions, 2);
  EXPECT_EQ(r.prompt.prompt_name, "query");
  EXPECT_EQ(r.cache_salt, "s");
  EXPECT_FALSE(plan.single);
  EXPECT_THAT(plan.ignored, testing::ElementsAre("odd"));
}

TEST_F(OpenAi, PrioritiesCountWhereTheServerHeedsThem) {
  test.options.priority_scheduling = true;
  EXPECT_EQ(test.plan(openai::embeddings, R"({"input":"a","priority":-3})").requests[0].priority,
            -3);
  EXPECT_EQ(test.plan(openai::cohere_embed, R"({"texts":["a"],"priority":2})").requests[0].priority,
            2);
  EXPECT_EQ(test.plan(openai::embeddings, R"({"input":"a"})").requests[0].priority, 0);
}

TEST_F(OpenAi, DefaultsLeaveEverythingToTheModel) {
  CallPlan plan = test.plan(openai::embeddings, R"({"input":[1,2,3]})");
  EXPECT_TRUE(plan.single);
  const Request& r = plan.requests.at(0);
  EXPECT_EQ(std::get<1>(r.prompt.input).size(), 3u);
  EXPECT_EQ(parameters<Embed>(r), Embed{});
  EXPECT_FALSE(r.prompt.truncation.to || r.prompt.prompt_name || r.prompt.prompt_text);
  EXPECT_FALSE(r.prompt.add_special_tokens);
}

TEST_F(OpenAi, AnswersInFloatBase64AndBytes) {
  const auto answer = [&](const std::string& more) {
    return test.plan(openai::embeddings, R"({"input":["a","b"])" + more + "}")
        .render({vector_result({1, -0.5f}), vector_result({2, 0})});
  };
  const json::value floats = json::parse(answer("").body);
  EXPECT_EQ(floats.at("object"), "list");
  EXPECT_EQ(floats.at("model"), "tiny");
  EXPECT_EQ(floats.at("id"), "embd-abc");
  EXPECT_EQ(floats.at("data").at(1).at("index"), 1);
  EXPECT_EQ(base::json_text(floats.at("data").at(0).at("embedding")), "[1.0,-0.5]");
  EXPECT_EQ(floats.at("usage").at("prompt_tokens"), 6);
  EXPECT_EQ(floats.at("usage").at("total_tokens"), 6);
  const json::value base64 = json::parse(answer(R"(,"encoding_format":"base64")").body);
  EXPECT_EQ(base64.at("data").at(0).at("embedding"), "AACAPwAAAL8=");
  const HttpResponse bytes = answer(R"(,"encoding_format":"bytes","endianness":"big")");
  EXPECT_EQ(bytes.body.size(), 16u);
  EXPECT_EQ(bytes.body.substr(0, 4), std::string("\x3f\x80\x00\x00", 4));
  ASSERT_EQ(bytes.headers.at(0).first, "metadata");
  const json::value metadata = json::parse(bytes.headers[0].second);
  EXPECT_EQ(metadata.at("data").at(1).at("start"), 8);
  EXPECT_EQ(metadata.at("data").at(1).at("end"), 16);
  EXPECT_TRUE(answer(R"(,"encoding_format":"bytes_only")").headers.empty());
}

TEST_F(OpenAi, RequestIdComesFromTheBodyUnlessAHeaderGaveIt) {
  const std::string body = R"({"input":"a","request_id":"mine"})";
  EXPECT_EQ(
      json::parse(test.plan(openai::embeddings, body).render({vector_result({1})}).body).at("id"),
      "embd-mine");
}

TEST_F(OpenAi, WrongFieldsAreAValidationError) {
  const json::value error =
      refusal(openai::embeddings, R"({"input":["a",1],"encoding_format":"int8"})");
  EXPECT_EQ(status, 400);
  EXPECT_EQ(error.at("type"), "Bad Request");
  EXPECT_EQ(error.at("param"), "body.input.1");
  EXPECT_EQ(error.at("code"), 400);
  const std::string message(error.at("message").as_string());
  EXPECT_THAT(message, testing::StartsWith("2 validation error(s):"));
  EXPECT_THAT(message, HasSubstr("literal_error"));
  EXPECT_THAT(message, HasSubstr("int8"));
}

TEST_F(OpenAi, RefusesByTheTable) {
  struct {
    const char* body;
    int status;
    const char* type;
    const char* param;
    const char* message;
  } cases[] = {
      {R"({})", 400, "Bad Request", "body.input", "field required"},
      {R"({"input":[]})", 400, "Bad Request", "body.input", "must not be empty"},
      {R"({"input":"a","model":"gpt"})", 404, "NotFoundError", "model",
       "The model `gpt` does not exist."},
      {R"({"input":"a","normalize":true})", 400, "Bad Request", "body.normalize", "use_activation"},
      {R"({"input":"a","priority":5})", 400, "BadRequestError", "priority", "priority scheduling"},
      {R"({"messages":[]})", 400, "BadRequestError", "messages", "no chat template"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})", 400, "BadRequestError",
       "messages", "MultiModalParam is not supported for BertModel"},
      {R"({"prompt_embeds":"AAAA"})", 400, "BadRequestError", "prompt_embeds", "send `input`"},
      {R"({"input":"a","prompt_name":"x"})", 400, "BadRequestError", "prompt_name",
       "it has \"query\", \"document\""},
      {R"({"input":"a","input_type":"clustering"})", 400, "BadRequestError", "input_type",
       "\"clustering\" is not one of the model's prompts"},
      {R"({"input":[[1,2]],"late_chunking":true})", 400, "BadRequestError", "late_chunking",
       "texts, not token ids"},
      {R"({"input":["a","b","c","d"]})", 400, "BadRequestError", "input",
       "batch size 4 > maximum allowed batch size 3"},
      {R"({"input":"a","truncate_prompt_tokens":-2})", 400, "Bad Request",
       "body.truncate_prompt_tokens", "at least -1"},
      {R"({"input":"a","truncation_side":"up"})", 400, "Bad Request", "body.truncation_side",
       "literal_error"},
      {R"({"input":"a","embed_dtype":"fp4"})", 400, "Bad Request", "body.embed_dtype",
       "literal_error"},
      {R"({"input":"a","cache_salt":""})", 400, "Bad Request", "body.cache_salt", "1 to 1024"},
      {R"({"input":"a","padding":"max_length"})", 400, "Bad Request", "body.padding", "do_not_pad"},
      {R"({"input":"a","padding":"longest"})", 400, "Bad Request", "body.padding", "literal_error"},
      {R"({"input":[-1]})", 400, "Bad Request", "body.input.0", "token id -1 is out of vocabulary"},
      {R"({"input":[[1,4294967296]]})", 400, "Bad Request", "body.input.0.1", "out of vocabulary"},
      {R"({"input":"a","late_chunking_params":{"chunk_size":2}})", 400, "Bad Request",
       "body.late_chunking_params", "send the parts"},
      {R"({"input":"a","messages":[{"role":"user","content":"b"}]})", 400, "Bad Request",
       "body.input", "not both"},
      {R"({"input":"a","dimensions":2,"output_dimension":3})", 400, "Bad Request",
       "body.output_dimension", "send one of them"},
      {R"({"input":"a","tools":["f"]})", 400, "Bad Request", "body.tools", "list of objects"},
      {R"({"input":"a","continue_final_message":true,"add_generation_prompt":true})", 400,
       "BadRequestError", "continue_final_message", "Cannot set both"},
  };
  for (const auto& c : cases) {
    const json::value error = refusal(openai::embeddings, c.body);
    EXPECT_EQ(status, c.status) << c.body;
    EXPECT_EQ(error.at("type"), c.type) << c.body;
    EXPECT_EQ(error.at("param"), c.param) << c.body;
    EXPECT_THAT(std::string(error.at("message").as_string()), HasSubstr(c.message));
  }
}

TEST_F(OpenAi, TheRoleOfATextIsAPromptWhereThereIsOne) {
  const auto first = [&](const std::string& field) {
    return test.plan(openai::embeddings, R"({"input":"a",)" + field + "}").requests.at(0);
  };
  EXPECT_EQ(first(R"("input_type":"query")").prompt.prompt_name, "query");
  EXPECT_EQ(first(R"("prompt_name":"document")").prompt.prompt_name, "document");
  EXPECT_EQ(first(R"("input_type":"search_document")").prompt.prompt_name, "document");
  EXPECT_EQ(first(R"("task":"retrieval.query")").prompt.prompt_name, "query");
  test.info.prompts = {{"passage", "p: "}};
  EXPECT_EQ(first(R"("input_type":"document")").prompt.prompt_name, "passage");
  test.serve({Task::kEmbed, Task::kTokenEmbed}, "late-interaction");
  const Request query = first(R"("input_type":"query")");
  EXPECT_FALSE(query.prompt.prompt_name);
  EXPECT_EQ(query.prompt.role, Role::kQuery);
  EXPECT_EQ(first(R"("prompt_name":"document")").prompt.role, Role::kDocument);
  test.serve({Task::kEmbed});
  const json::value error = refusal(openai::embeddings, R"({"input":"a","input_type":"odd"})");
  EXPECT_THAT(std::string(error.at("message").as_string()), HasSubstr("Unsupported input_type"));
  EXPECT_THAT(std::string(error.at("message").as_string()), HasSubstr("it has none"));
}

TEST_F(OpenAi, WordsOfApisChangeNothingWhereThereAreNoPrompts) {
  test.serve({Task::kEmbed});
  for (const char* field : {R"("input_type":"search_document")", R"("input_type":"Query")",
                            R"("task":"text-matching")"}) {
    const CallPlan plan =
        test.plan(openai::embeddings, std::string(R"({"input":"a",)") + field + "}");
    EXPECT_FALSE(plan.requests.at(0).prompt.prompt_name);
    EXPECT_THAT(plan.warnings, testing::ElementsAre(HasSubstr("changes nothing"))) << field;
  }
}

TEST_F(OpenAi, FieldsOfOtherApisAreReadOrRefused) {
  test.info.embedding_size = 8;
  const auto first = [&](const std::string& field) {
    return test.plan(openai::embeddings, R"({"input":"a",)" + field + "}").requests.at(0);
  };
  EXPECT_EQ(first(R"("truncation":true)").prompt.truncation.to, -1);
  EXPECT_EQ(parameters<Embed>(first(R"("output_dimension":4)")).dimensions, 4);
  EXPECT_EQ(parameters<Embed>(first(R"("raw_scores":true)")).normalize, false);
  EXPECT_FALSE(
      first(R"("truncation":false,"modality":"text","multi_label":false)").prompt.truncation.to);
  for (const char* same :
       {R"("embedding_type":null,"output_dtype":"int8","encoding_format":"base64")",
        R"("embedding_type":"int8","output_dtype":"int8","embed_dtype":"float32")",
        R"("embedding_type":"base64","encoding_format":"float")"})
    EXPECT_TRUE(test.plan(openai::embeddings, std::string(R"({"input":"a",)") + same + "}").render)
        << same;
  for (const char* field :
       {R"("top_k":3)", R"("modality":"audio")", R"("output_dtype":"int4")",
        R"("embedding_type":"int8","output_dtype":"uint8")",
        R"("embedding_type":"base64","encoding_format":"bytes")",
        R"("embed_dtype":"float16","output_dtype":"int8")", R"("candidate_labels":["x"])",
        R"("return_multivector":true)", R"("truncation_direction":"Left")"}) {
    const json::value error =
        refusal(openai::embeddings, std::string(R"({"input":"a",)") + field + "}");
    EXPECT_EQ(status, 400) << field;
    EXPECT_THAT(std::string(error.at("param").as_string()), HasSubstr("body.")) << field;
  }
}

TEST_F(OpenAi, NumbersComeInTheTypeThatWasAskedFor) {
  test.info.embedding_size = 8;
  const auto embedding = [&](const std::string& field) {
    CallPlan plan = test.plan(openai::embeddings, R"({"input":"a",)" + field + "}");
    const json::value answer =
        json::parse(plan.render({vector_result({1, -1, 0.5f, 0, 0, 0, 0, -0.25f})}).body);
    return base::json_text(answer.at("data").at(0).at("embedding"));
  };
  EXPECT_EQ(embedding(R"("output_dtype":"int8")"), "[127,-127,64,0,0,0,0,-32]");
  EXPECT_EQ(embedding(R"("embedding_type":"ubinary")"), "[190]");
  EXPECT_EQ(embedding(R"("output_dtype":"int8","encoding_format":"base64")"), "\"f4FAAAAAAOA=\"");
  EXPECT_EQ(embedding(R"("embed_dtype":"fp8_e4m3","encoding_format":"base64")"),
            "\"OLgwAAAAAKg=\"");
  EXPECT_EQ(embedding(R"("embed_dtype":"bfloat16","encoding_format":"base64","endianness":"big")"),
            "\"P4C/gD8AAAAAAAAAAAC+gA==\"");
  EXPECT_EQ(embedding(R"("embed_dtype":"float16")"), "[1.0,-1.0,0.5,0.0,0.0,0.0,0.0,-0.25]");
}

TEST_F(OpenAi, LateChunkingGivesARowPerPart) {
  CallPlan plan = test.plan(openai::embeddings, R"({"input":["a","b"],"late_chunking":true})");
  ASSERT_EQ(plan.requests.size(), 1u);
  EXPECT_THAT(parameters<Embed>(plan.requests[0]).late_chunks, testing::ElementsAre("a", "b"));
  const json::value answer = json::parse(plan.render({vector_result({1, 2, 3, 4}, 2)}).body);
  ASSERT_EQ(answer.at("data").as_array().size(), 2u);
  EXPECT_EQ(base::json_text(answer.at("data").at(1).at("embedding")), "[3.0,4.0]");
  EXPECT_EQ(answer.at("usage").at("prompt_tokens"), 3);
}

TEST_F(OpenAi, ErrorsOfTheEngineNameTheFieldOfTheBody) {
  const auto said = [](const CallPlan& plan, const std::string& message) {
    return std::string(in_words_of(plan, Error(ErrorCode::kTooLong, message, "input")).what());
  };
  const CallPlan embeds = test.plan(openai::embeddings, R"({"input":["a","b"]})");
  EXPECT_EQ(said(embeds, "input[1]: too long"), "input[1]: too long");
  EXPECT_EQ(said(test.plan(tei::embed, R"({"inputs":["a","b"]})"), "input[1]: too long"),
            "inputs[1]: too long");
  const CallPlan alike =
      test.plan(tei::similarity, R"({"inputs":{"source_sentence":"a","sentences":["b","c"]}})");
  EXPECT_EQ(said(alike, "input[0]: too long"), "inputs.source_sentence: too long");
  EXPECT_EQ(said(alike, "input[2]: too long"), "inputs.sentences[1]: too long");
  EXPECT_EQ(said(alike, "input[x"), "input[x");
  test.serve({Task::kGenerate});
  const CallPlan writes = test.plan(openai::completions, R"({"prompt":["a","b"]})");
  EXPECT_EQ(said(writes, "input[1]: too long"), "prompt[1]: too long");
  EXPECT_EQ(in_words_of(writes, Error(ErrorCode::kTooLong, "too long", "input")).field(), "prompt");
}

TEST_F(OpenAi, ErrorsNameTheBodysWordForAField) {
  const auto named = [](const CallPlan& plan, const char* field) {
    const Error error(ErrorCode::kInvalidArgument, std::string(field) + ": wrong", field);
    const Error words = in_words_of(plan, error);
    EXPECT_EQ(words.what(), words.field() + ": wrong");
    return words.field();
  };
  EXPECT_EQ(
      named(test.plan(openai::embeddings, R"({"input":"a","output_dimension":2})"), "dimensions"),
      "output_dimension");
  EXPECT_EQ(named(test.plan(openai::embeddings, R"({"input":"a","dimensions":2})"), "dimensions"),
            "dimensions");
  EXPECT_EQ(named(test.plan(openai::embeddings, R"({"input":["a"],"late_chunking":true})"),
                  "late_chunks"),
            "late_chunking");
  test.serve({Task::kGenerate});
  const CallPlan writes =
      test.plan(openai::completions, R"({"prompt":"a","response_format":{"type":"json_object"}})");
  EXPECT_STREQ(
      in_words_of(writes, Error(ErrorCode::kInvalidArgument, "regex: wrong", "structured_outputs"))
          .what(),
      "response_format: regex: wrong");
  EXPECT_EQ(named(writes, "stop"), "stop");
}

TEST_F(OpenAi, MessagesMakeOneText) {
  const Request r = test.plan(openai::embeddings, R"({"messages":[{"role":"user","content":"a"}],
      "chat_template":"<{{ messages[0].content }}>"})")
                        .requests.at(0);
  const Chat& chat = std::get<Chat>(r.prompt.input);
  EXPECT_EQ(test.templates.render(chat.input, chat.chat_template), "<a>");
  EXPECT_FALSE(r.prompt.add_special_tokens || r.prompt.prompt_text);
}

TEST_F(OpenAi, JinasWords) {
  const Request r =
      test.plan(openai::embeddings, R"({"input":"a","truncate":true,"normalized":false})")
          .requests.at(0);
  EXPECT_EQ(r.prompt.truncation.to, -1);
  EXPECT_EQ(parameters<Embed>(r).normalize, false);
}

TEST_F(OpenAi, ModelsWithoutVectorsRefuse) {
  test.serve({Task::kScore, Task::kClassify}, "cross-encoder");
  const json::value error = refusal(openai::embeddings, R"({"input":"a"})");
  EXPECT_EQ(status, 404);
  EXPECT_EQ(error.at("type"), "NotFoundError");
  EXPECT_EQ(error.at("message"),
            "Unsupported task: 'embed'. The loaded model supports: classify, score. Served with "
            "--convert embed it gives the embeddings of its backbone.");
}

TEST_F(OpenAi, ARouteOfAnotherModelIsNotFound) {
  test.serve({Task::kClassify});
  const HttpResponse response =
      openai::refuse(failure_of(test, openai::rerank, R"({"query":"a","documents":["b"]})"), 48);
  EXPECT_EQ(response.status, 404);
  const json::value body = json::parse(response.body);
  EXPECT_EQ(body.at("detail"), "Not Found");
  EXPECT_EQ(body.at("error").at("message"),
            "Unsupported task: 'score'. The loaded model supports: classify.");
  EXPECT_EQ(json::parse(openai::refuse(Failure(Cause::kMethod, "words"), 48).body).at("detail"),
            "Method Not Allowed");
  EXPECT_FALSE(json::parse(openai::refuse(Failure(Cause::kInvalid, "words"), 48).body)
                   .as_object()
                   .contains("detail"));
}

TEST_F(OpenAi, EmbeddingsOfALateInteractionModelAreRows) {
  test.serve({Task::kTokenEmbed}, "late-interaction");
  const auto answer = [&](const std::string& more) {
    CallPlan plan = test.plan(openai::embeddings, R"({"input":"a")" + more + "}");
    EXPECT_EQ(task_of(plan.requests.at(0).task), Task::kTokenEmbed);
    return json::parse(plan.render({vector_result({1, 2, 3, 4}, 2)}).body);
  };
  EXPECT_EQ(base::json_text(answer("").at("data").at(0).at("embedding")), "[[1.0,2.0],[3.0,4.0]]");
  EXPECT_EQ(answer(R"(,"encoding_format":"base64")").at("data").at(0).at("embedding"),
            "AACAPwAAAEAAAEBAAACAQA==");
  for (const char* body :
       {R"({"input":"a","output_dtype":"int8"})", R"({"input":["a","b"],"late_chunking":true})",
        R"({"input":"a","late_chunking_params":{"chunk_size":2}})"}) {
    EXPECT_EQ(refusal(openai::embeddings, body).at("type"), "Bad Request") << body;
  }
  EXPECT_EQ(refusal(openai::embeddings, R"({"input":"a","dimensions":2})").at("param"),
            "dimensions");
}

TEST_F(OpenAi, ChatsStandUnderEitherNameOneOrSeveral) {
  const std::string chat = R"([{"role":"user","content":"the"}])";
  const std::string more = R"(,"chat_template":"{{ messages[0].content }}")";
  const auto plan = [&](const std::string& inputs) {
    return test.plan(openai::embeddings, "{" + inputs + more + "}");
  };
  for (const char* field : {"\"messages\":", "\"input\":"}) {
    const CallPlan one = plan(field + chat);
    ASSERT_EQ(one.requests.size(), 1u) << field;
    EXPECT_TRUE(one.single);
    EXPECT_EQ(std::get<Chat>(one.requests[0].prompt.input).input.messages, chat);
    const CallPlan two = plan(std::string(field) + "[" + chat + "," + chat + "]");
    ASSERT_EQ(two.requests.size(), 2u) << field;
    EXPECT_FALSE(two.single);
    EXPECT_EQ(std::get<Chat>(two.requests[1].prompt.input).input.messages, chat);
  }
  for (const std::string& inputs :
       {"\"input\":[" + chat + ",[]]", "\"messages\":[" + chat + ",\"a\"]",
        std::string(R"("input":[{"content":"no role"}])")}) {
    EXPECT_EQ(refusal(openai::embeddings, "{" + inputs + more + "}").at("type"), "Bad Request")
        << inputs;
  }
  EXPECT_EQ(refusal(openai::embeddings,
                    R"({"input":[[{"role":"user","content":[{"type":"image_url"}]}]]})")
                .at("param"),
            "input");
}

TEST_F(OpenAi, InvocationsFollowTheBody) {
  test.info.tasks = {Task::kEmbed, Task::kTokenEmbed, Task::kScore};
  test.info.scorer = "bi-encoder";
  const auto task = [&](std::string_view body) {
    return task_of(test.plan(openai::invocations, body).requests.at(0).task);
  };
  EXPECT_EQ(task(R"({"input":"a"})"), Task::kEmbed);
  EXPECT_EQ(task(R"({"input":"a","task":"token_embed"})"), Task::kTokenEmbed);
  EXPECT_EQ(task(R"({"query":"a","documents":["b"]})"), Task::kScore);
  EXPECT_EQ(task(R"({"text_1":"a","text_2":"b"})"), Task::kScore);
  test.serve({Task::kClassify});
  EXPECT_EQ(task(R"({"input":"a"})"), Task::kClassify);
  test.serve({Task::kGenerate, Task::kEmbed});
  test.options.chat_template = "{{ messages[0].content }}";
  EXPECT_EQ(task(R"({"prompt":"a"})"), Task::kGenerate);
  EXPECT_EQ(task(R"({"messages":[{"role":"user","content":"a"}]})"), Task::kGenerate);
  EXPECT_EQ(task(R"({"input":"a"})"), Task::kEmbed);
}

TEST_F(OpenAi, TheWholeVectorIsNoMatryoshkaRequest) {
  const auto dimensions = [&] {
    const CallPlan plan = test.plan(openai::embeddings, R"({"input":"a","dimensions":4})");
    return parameters<Embed>(plan.requests[0]).dimensions;
  };
  EXPECT_FALSE(dimensions());
  test.info.matryoshka = true;
  EXPECT_EQ(dimensions(), 4);
}

TEST_F(OpenAi, TokenIdsCanBeRefused) {
  test.options.reject_token_ids = true;
  refusal(openai::embeddings, R"({"input":[[1,2]]})");
  EXPECT_EQ(status, 400);
  EXPECT_EQ(test.plan(openai::embeddings, R"({"input":"a"})").requests.size(), 1u);
}

TEST_F(OpenAi, TokenizeAndBack) {
  const json::value tokens = json::parse(
      test.plan(openai::tokenize, R"({"prompt":"the capital","return_token_strs":true})")
          .render({})
          .body);
  EXPECT_EQ(tokens.at("count"), 4);
  EXPECT_EQ(tokens.at("max_model_len"), 48);
  EXPECT_EQ(json::serialize(tokens.at("token_strs")), R"(["[CLS]","the","capital","[SEP]"])");
  const json::value bare =
      json::parse(test.plan(openai::tokenize, R"({"prompt":"the","add_special_tokens":false})")
                      .render({})
                      .body);
  EXPECT_EQ(bare.at("count"), 1);
  EXPECT_TRUE(bare.at("token_strs").is_null());
  const std::string ids = json::serialize(tokens.at("tokens"));
  EXPECT_THAT(test.plan(openai::detokenize, "{\"tokens\":" + ids + "}").render({}).body,
              HasSubstr("the capital"));
  EXPECT_EQ(test.plan(openai::detokenize, R"({"tokens":[]})").render({}).body, R"({"prompt":""})");
  for (const char* body :
       {R"({"tokens":"a"})", R"({"tokens":[[1]]})", R"({"tokens":[99999]})", R"({})"}) {
    refusal(openai::detokenize, body);
    EXPECT_EQ(status, 400) << body;
  }
  EXPECT_EQ(refusal(openai::detokenize, R"({"tokens":[99999]})").at("param"), "tokens");
  refusal(openai::tokenize, R"({"prompt":["a"]})");
  EXPECT_EQ(status, 400);
}

TEST_F(OpenAi, EngineErrorsKeepTheirMeaning) {
  const auto status_of = [](ErrorCode code) {
    return openai::refuse(Failure(Error(code, "words", "input")), 48).status;
  };
  EXPECT_EQ(status_of(ErrorCode::kInvalidArgument), 400);
  EXPECT_EQ(status_of(ErrorCode::kTooLong), 400);
  EXPECT_EQ(status_of(ErrorCode::kUnsupported), 400);
  EXPECT_EQ(status_of(ErrorCode::kQueueFull), 429);
  EXPECT_EQ(status_of(ErrorCode::kCancelled), 503);
  EXPECT_EQ(status_of(ErrorCode::kInternal), 500);
}

TEST_F(OpenAi, GenerationIsAbsent) {
  const json::value chat = refusal(openai::chat_completions, "{}", "/v1/chat/completions");
  EXPECT_EQ(status, 404);
  EXPECT_THAT(std::string(chat.at("message").as_string()), HasSubstr("Chat Completions"));
  EXPECT_THAT(std::string(chat.at("message").as_string()), HasSubstr("embed, token_embed"));
}

TEST_F(OpenAi, Models) {
  const std::string root = "org/tiny";
  const auto info = std::make_shared<const ModelInfo>(test.info);
  const std::vector<std::string> other_names = {"other"}, unloaded_names = {"gone"};
  const std::vector<ListedModel> listed = {
      {test.options, test.names, root, info},
      {test.options, other_names, root, nullptr, ModelState::kSleeping},
      {test.options, unloaded_names, root, info, ModelState::kUnloaded}};
  const json::value list = json::parse(openai::models(listed, 1700000000).body);
  EXPECT_EQ(list.at("data").as_array().size(), 3u);
  EXPECT_EQ(list.at("data").at(1).at("id"), "small");
  EXPECT_EQ(list.at("data").at(2).at("id"), "other");
  EXPECT_TRUE(list.at("data").at(2).at("max_model_len").is_null());
  EXPECT_EQ(list.at("data").at(0).at("root"), "org/tiny");
  EXPECT_EQ(list.at("data").at(0).at("max_model_len"), 48);
  EXPECT_EQ(openai::model(listed, 0, "small").status, 200);
  EXPECT_EQ(openai::model(listed, 0, "other").status, 200);
  EXPECT_EQ(openai::model(listed, 0, "gone").status, 404);
  EXPECT_EQ(openai::model(listed, 0, "big").status, 404);
  EXPECT_EQ(list.at("data").at(0).at("tasks"), (json::array{"embed", "token_embed"}));
  EXPECT_EQ(list.at("data").at(0).at("scorer"), nullptr);
  EXPECT_EQ(list.at("data").at(0).at("input_modalities"), json::array{"text"});
  // Nothing is known of it while it sleeps.
  EXPECT_FALSE(list.at("data").at(2).as_object().contains("tasks"));
  ModelInfo sees = test.info;
  sees.images = true;
  sees.scorer = "late-interaction";
  const std::vector<ListedModel> seeing = {
      {test.options, test.names, root, std::make_shared<const ModelInfo>(sees)}};
  const json::value seen = json::parse(openai::model(seeing, 0, "small").body);
  EXPECT_EQ(seen.at("scorer"), "late-interaction");
  EXPECT_EQ(seen.at("input_modalities"), (json::array{"text", "image"}));
}

TEST(ShownName, ModelThatIsAFolderIsCalledByItsOwnName) {
  TestContext test;
  test.options.engine.model = "/data/private/tiny";
  test.names = {"/data/private/tiny"};
  Context context{test.options, test.names, test.info, *test.tokenizer, test.templates};
  context.public_name = "tiny";
  EXPECT_EQ(shown_name(context), "tiny");
  test.names = {"served"};
  Context served{test.options, test.names, test.info, *test.tokenizer, test.templates};
  served.public_name = "served";
  EXPECT_EQ(shown_name(served), "served");
}

}  // namespace
}  // namespace vecton::server
