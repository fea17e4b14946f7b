#include "server/chat_choice.h"

#include <utility>

namespace vecton::server {

using parsers::Event;

ChatDelta ChatChoice::delta(const std::vector<Event>& events) const {
  ChatDelta out;
  for (const Event& event : events) {
    const bool call = event.kind == Event::Kind::kCall || event.kind == Event::Kind::kArguments;
    if (call && event.call > 0 && !parallel_) continue;
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
  return out;
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
