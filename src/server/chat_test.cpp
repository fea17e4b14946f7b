#include "server/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "server/openai.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

class ChatFields : public testing::Test {
 protected:
  json::value tokenize(const std::string& fields) {
    return json::parse(test.plan(openai::tokenize, R"({"messages":[{"role":"user","content":"the"},
        {"role":"assistant","content":"capital"}],"return_token_strs":true)" +
                                                       fields + "}")
                           .render({})
                           .body);
  }
  std::string tokens(const std::string& fields) {
    return json::serialize(tokenize(fields).at("token_strs"));
  }

  TestContext test;
};

constexpr const char* kTemplate =
    R"(,"chat_template":"{% for m in messages %}{{ m.content }} {% endfor %}{{ x }}{{ 'the' if add_generation_prompt }}")";

TEST_F(ChatFields, IsTokenizedAsTheTemplateSays) {
  EXPECT_EQ(tokens(kTemplate), R"(["the","capital","the"])");
  EXPECT_EQ(tokens(std::string(kTemplate) + R"(,"add_generation_prompt":false)"),
            R"(["the","capital"])");
  EXPECT_EQ(tokens(std::string(kTemplate) + R"(,"continue_final_message":true)"),
            R"(["the","capital"])");
  EXPECT_EQ(tokens(std::string(kTemplate) + R"(,"chat_template_kwargs":{"x":"the "})"),
            R"(["the","capital","the","the"])");
  EXPECT_EQ(tokens(std::string(kTemplate) + R"(,"add_special_tokens":true)"),
            R"(["[CLS]","the","capital","the","[SEP]"])");
}

TEST_F(ChatFields, TheServersTemplateCountsWhereTheRequestHasNone) {
  test.options.chat_template = "the {{ messages[1].content }}";
  EXPECT_EQ(tokens(""), R"(["the","capital"])");
  EXPECT_EQ(tokens(R"(,"chat_template":"{{ messages[1].content }}")"), R"(["capital"])");
}

TEST_F(ChatFields, WrongFieldsAreRefused) {
  for (const std::string fields :
       {R"("messages":[])", R"("messages":"a")", R"("messages":[1],"chat_template":"a")",
        R"("messages":[{}])", R"("messages":[{}],"chat_template":"{{")",
        R"("messages":[{}],"chat_template":"a","tools":{})",
        R"("messages":[{}],"chat_template":"a","chat_template_kwargs":[])",
        R"("messages":[{"content":"a"}],"chat_template":"a","continue_final_message":true,
           "add_generation_prompt":true)",
        R"("messages":[{"role":"user"}],"chat_template":"a","prompt":"a")",
        R"("messages":[{"role":"user"}],"chat_template":"a","tools":[{"function":{}}])",
        R"("prompt":"a","input":"b")", R"("prompt":"a","enable_thinking":1)",
        R"("prompt":"a","reasoning_effort":"odd")", R"("prompt":"a","documents":["b"])"}) {
    const Failure failure = failure_of(test, openai::tokenize, "{" + fields + "}");
    EXPECT_EQ(openai::refuse(failure, 48).status, 400) << fields << failure.message;
  }
  EXPECT_THAT(failure_of(test, openai::tokenize,
                         R"({"messages":[{"role":"user"}],)"
                         R"("chat_template":"{{ raise_exception('no users') }}"})")
                  .message,
              HasSubstr("no users"));
}

}  // namespace
}  // namespace vecton::server
