#include "cli/chat_history.h"

#include <istream>
#include <utility>

#include "cli/json_text.h"
#include "cli/output.h"

namespace vecton::cli {

void ChatHistory::add(std::string role, std::string content, std::vector<Image> images) {
  turns_.push_back({std::move(role), std::move(content), std::move(images)});
}

std::string ChatHistory::messages() const {
  std::string out = "[";
  const auto append = [&](const std::string& role, const std::string& content, size_t images) {
    out += out.size() > 1 ? ", {\"role\": " : "{\"role\": ";
    base::append_json_string(out, role);
    out += images > 0 ? ", \"content\": [" : ", \"content\": ";
    for (size_t i = 0; i < images; ++i) out += "{\"type\": \"image\"}, ";
    if (images > 0) out += "{\"type\": \"text\", \"text\": ";
    base::append_json_string(out, content);
    out += images > 0 ? "}]}" : "}";
  };
  if (!system_.empty()) append("system", system_, 0);
  for (const Turn& turn : turns_) append(turn.role, turn.content, turn.images.size());
  return out + "]";
}

std::vector<Image> ChatHistory::images() const {
  std::vector<Image> all;
  for (const Turn& turn : turns_) all.insert(all.end(), turn.images.begin(), turn.images.end());
  return all;
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
