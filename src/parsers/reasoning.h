// ReasoningStage: tells the thinking of an answer from what follows it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parsers/markers.h"
#include "parsers/stage.h"

namespace vecton::parsers {

struct ReasoningFormat {
  std::vector<std::string> opens{}, closes{};
  // Thinking may begin anywhere, not only where a part begins: the markers are tokens of their own.
  bool anywhere = false;
  // What stands around the content and is no part of it.
  std::vector<std::pair<std::string, std::string>> wrappers{};
};

class ReasoningStage : public Stage {
 public:
  // `interrupts`: the beginnings of tool calls, which end thinking that was not closed.
  // `inside`: the prompt has begun the thinking.
  ReasoningStage(const ReasoningFormat& format, const std::vector<std::string>& interrupts,
                 bool inside, Events& events, std::unique_ptr<Stage> next);

  void put(char c) override;
  void finish() override;

 private:
  void inside(char c);
  void outside(char c);
  void pass(std::string_view text);

  Events& events_;
  const std::unique_ptr<Stage> next_;
  const bool anywhere_;
  const size_t opens_, closes_, wrappers_;
  Markers inside_markers_, outside_markers_;
  bool edge_ = true;  // nothing but white space was read of this part
  std::vector<bool> wrapped_;
};

}  // namespace vecton::parsers
