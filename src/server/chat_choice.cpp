#include "server/chat_choice.h"

#include <utility>

namespace vecton::server {

using parsers::Event;

namespace {

bool is_call(const Event& event) {
  return event.kind == Event::Kind::kCall || event.kind == Event::Kind::kArguments;
}

void append(ChatDelta& out, const Event& event) {
  switch (event.kind) {
    case Event::Kind::kReasoning:
      out.reasoning += event.text;
      break;
    case Event::Kind::kContent:
      out.content += event.text;
      break;
    case Event::Kind::kCall:
      out.calls.push_back({.index = event.call, .begins = true, .name = event.text});
      break;
    case Event::Kind::kArguments:
      if (out.calls.empty() || out.calls.back().index != event.call)
        out.calls.push_back({.index = event.call});
      out.calls.back().arguments += event.text;
      break;
  }
}

// Whether `said` has what comes after such an event where all is in one delta.
bool is_behind(const ChatDelta& said, const Event& event) {
  if (is_call(event)) return false;
  return !said.calls.empty() || (event.kind == Event::Kind::kReasoning && !said.content.empty());
}

}  // namespace

ChatDelta ChatChoice::delta(const std::vector<Event>& events) const {
  ChatDelta all;
  for (ChatDelta& more : deltas(events)) merge(all, std::move(more));
  return all;
}

std::vector<ChatDelta> ChatChoice::deltas(const std::vector<Event>& events) const {
  std::vector<ChatDelta> all;
  for (const Event& event : events) {
    if (is_call(event) && event.call > 0 && !parallel_) continue;
    if (all.empty() || is_behind(all.back(), event)) all.emplace_back();
    append(all.back(), event);
  }
  return all;
}

ChatDelta ChatChoice::whole(std::string_view text) {
  ChatDelta all = add(text);
  merge(all, finish());
  return all;
}

void merge(ChatDelta& all, ChatDelta more) {
  all.reasoning += more.reasoning;
  all.content += more.content;
  for (ChatDelta::Call& call : more.calls) {
    if (!all.calls.empty() && all.calls.back().index == call.index) {
      all.calls.back().arguments += call.arguments;
    } else {
      all.calls.push_back(std::move(call));
    }
  }
}

}  // namespace vecton::server
