#include "cli/chat_history.h"

#include <istream>

#include "cli/json_text.h"
#include "cli/output.h"

namespace vecton::cli {

void ChatHistory::add(std::string role, std::string content) {
  turns_.emplace_back(std::move(role), std::move(content));
}

std::string ChatHistory::messages() const {
  std::string out = "[";
  const auto append = [&](const std::string& role, const std::string& content) {
    out += out.size() > 1 ? ", {\"role\": " : "{\"role\": ";
    base::append_json_string(out, role);
    out += ", \"content\": ";
    base::append_json_string(out, content);
    out += '}';
  };
  if (!system_.empty()) append("system", system_);
  for (const auto& [role, content] : turns_) append(role, content);
  return out + "]";
}

bool read_turn(std::istream& in, const std::string& prompt, std::string& text) {
  text.clear();
  std::string line;
  for (bool first = true;; first = false) {
    if (!prompt.empty()) print(first ? prompt : std::string(prompt.size(), '.'));
    if (!std::getline(in, line)) return !first;
    if (line.ends_with("\r")) line.pop_back();
    const bool goes_on = line.ends_with("\\");
    if (goes_on) line.back() = '\n';
    text += line;
    if (!goes_on) return true;
  }
}

}  // namespace vecton::cli
