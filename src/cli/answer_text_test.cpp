#include "cli/answer_text.h"

#include <gtest/gtest.h>

namespace vecton::cli {
namespace {

struct Shown {
  std::string printed, content;
};

Shown show(const AnswerText::Thinking& thinking, const std::vector<std::string>& pieces,
           const std::string& reasoning = "qwen3") {
  Shown shown;
  AnswerText text({.formats = {.reasoning = reasoning}, .special_tokens = {"<eos>"}}, thinking,
                  [&](std::string_view more) { shown.printed += more; });
  for (const std::string& piece : pieces) text.add(piece);
  text.finish();
  shown.content = text.content();
  return shown;
}

TEST(AnswerText, ThinkingIsShownApart) {
  const std::vector<std::string> pieces = {"<thi", "nk>\nso", " so</think>\n\nan", "swer<eos>"};
  const Shown shown = show({.shown = true, .begin = "[", .end = "]"}, pieces);
  EXPECT_EQ(shown.printed, "[so so]\n\nanswer");
  EXPECT_EQ(shown.content, "answer");
  EXPECT_EQ(show({}, pieces).printed, "answer");
}

TEST(AnswerText, ThinkingThatIsCutOffEnds) {
  const Shown shown = show({.shown = true, .begin = "[", .end = "]"}, {"<think>so"});
  EXPECT_EQ(shown.printed, "[so]\n\n");
  EXPECT_EQ(shown.content, "");
}

TEST(AnswerText, WhatHasNoThinkingStaysAsItIs) {
  EXPECT_EQ(show({}, {" <think>a", "</think> b "}, "").printed, " <think>a</think> b ");
}

}  // namespace
}  // namespace vecton::cli
