// HarmonyStage: the answers of GPT-OSS, messages with a header each:
//   <|channel|>analysis<|message|>...<|end|><|start|>assistant<|channel|>final<|message|>...
// The first header begins behind the prompt's "<|start|>assistant". Whatever is not understood is
// content.
#pragma once

#include <string>

#include "parsers/markers.h"
#include "parsers/stage.h"
#include "parsers/tools.h"

namespace vecton::parsers {

class HarmonyStage : public Stage {
 public:
  // `forced`: reads the content, which is calls that a tool_choice asked for; may be null.
  HarmonyStage(Events& events, const Tools& tools, std::unique_ptr<Stage> forced = nullptr);

  void put(char c) override;
  void finish() override;

 private:
  enum class Kind { kContent, kReasoning, kCall };

  void header(char c);
  void begin_message();
  void begin_content();
  void body(char c);
  void content(std::string_view text);
  void add(std::string_view text);
  void end_message();

  Events& events_;
  const Tools& tools_;
  const std::unique_ptr<Stage> forced_;
  bool in_header_ = true;
  bool any_ = false;    // a marker was read since the last message
  std::string header_;  // since the last message, markers and all
  Kind kind_ = Kind::kContent;
  Markers header_markers_, body_markers_;
};

}  // namespace vecton::parsers
