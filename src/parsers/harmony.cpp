#include "parsers/harmony.h"

#include <utility>

#include "parsers/characters.h"

namespace vecton::parsers {

namespace {

constexpr const char *kStart = "<|start|>", *kMessage = "<|message|>", *kChannel = "<|channel|>",
                     *kConstrain = "<|constrain|>", *kEnd = "<|end|>", *kCall = "<|call|>",
                     *kReturn = "<|return|>";
constexpr std::string_view kFunctions = "functions.";
constexpr size_t kMaxHeader = 512;  // bytes: a longer one is content

// The word that follows `sign`: of "to=f json" and "to=" it is "f".
std::string_view word_after(std::string_view text, std::string_view sign) {
  const size_t at = text.find(sign);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + sign.size());
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text.substr(0, text.find_first_of(" \t\r\n<"));
}

}  // namespace

HarmonyStage::HarmonyStage(Events& events, const Tools& tools, std::unique_ptr<Stage> forced)
    : events_(events),
      tools_(tools),
      forced_(std::move(forced)),
      header_markers_({kMessage, kStart, kChannel, kConstrain, kEnd, kCall, kReturn}),
      body_markers_({kEnd, kCall, kReturn, kStart, kChannel}) {}

void HarmonyStage::put(char c) { in_header_ ? header(c) : body(c); }

void HarmonyStage::header(char c) {
  const auto which = header_markers_.put(c, header_);
  if (!which) {
    if (header_.size() > kMaxHeader) begin_content();
    return;
  }
  const std::string& marker = header_markers_.text(*which);
  if (marker == kMessage) return begin_message();
  if (marker == kEnd || marker == kCall || marker == kReturn) {
    // A message without a header of its own.
    if (!any_ && !trimmed(header_).empty()) begin_content();
    return end_message();
  }
  any_ = true;
  header_ += marker;
}

// What was taken for a header is text.
void HarmonyStage::begin_content() {
  in_header_ = false;
  kind_ = Kind::kContent;
  content(std::exchange(header_, {}));
}

void HarmonyStage::begin_message() {
  const std::string header = std::exchange(header_, {});
  const std::string_view channel = word_after(header, kChannel);
  std::string_view recipient = word_after(header, "to=");
  in_header_ = false;
  const bool function = recipient.starts_with(kFunctions);
  if (function) recipient.remove_prefix(kFunctions.size());
  if (!recipient.empty() && (function || find_tool(tools_, recipient))) {
    kind_ = Kind::kCall;
    events_.begin_call(recipient);
  } else if (channel.starts_with("analysis")) {
    kind_ = Kind::kReasoning;
    events_.begin_reasoning();
  } else {
    kind_ = Kind::kContent;
    events_.new_message();
  }
}

void HarmonyStage::body(char c) {
  std::string passed;
  const auto which = body_markers_.put(c, passed);
  add(passed);
  if (!which) return;
  end_message();
  const std::string& marker = body_markers_.text(*which);
  if (marker == kStart || marker == kChannel) {  // its end is missing
    any_ = true;
    header_ = marker;
  }
}

void HarmonyStage::content(std::string_view text) {
  if (!forced_) return events_.content(text);
  for (const char c : text) forced_->put(c);
}

void HarmonyStage::add(std::string_view text) {
  switch (kind_) {
    case Kind::kContent:
      return content(text);
    case Kind::kReasoning:
      return events_.reasoning(text);
    case Kind::kCall:
      return events_.arguments(text);
  }
}

void HarmonyStage::end_message() {
  if (kind_ == Kind::kReasoning) events_.end_reasoning();
  kind_ = Kind::kContent;
  in_header_ = true;
  any_ = false;
  header_.clear();
}

void HarmonyStage::finish() {
  if (!in_header_) {
    add(body_markers_.flush());
  } else {
    header_ += header_markers_.flush();
    // A header that was cut off says nothing; text without one is the answer.
    if (!any_ && !trimmed(header_).empty()) begin_content();
  }
  if (forced_) forced_->finish();
}

}  // namespace vecton::parsers
