#include "chat/markup.h"

#include "chat/pieces.h"
#include "chat/unicode.h"

namespace vecton::chat {

std::string unescape(std::string_view text) {
  constexpr std::pair<std::string_view, char> kNames[] = {{"&amp;", '&'},  {"&lt;", '<'},
                                                          {"&gt;", '>'},   {"&#34;", '"'},
                                                          {"&quot;", '"'}, {"&#39;", '\''}};
  std::string out;
  for (size_t at = 0; at < text.size();) {
    bool found = false;
    for (const auto& [name, character] : kNames) {
      if (text[at] != '&' || !text.substr(at).starts_with(name)) continue;
      out += character;
      at += name.size();
      found = true;
      break;
    }
    if (!found) out += text[at++];
  }
  return out;
}

std::string strip_tags(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size();) {
    const bool comment = text.substr(at).starts_with("<!--");
    const size_t end = text[at] != '<' ? std::string_view::npos
                       : comment       ? text.find("-->", at)
                                       : text.find('>', at);
    if (end != std::string_view::npos) {
      at = end + (comment ? 3 : 1);
    } else if (text[at] == '<') {  // nothing closes it, nor what follows
      plain += text.substr(at);
      break;
    } else {
      plain += text[at++];
    }
  }
  std::string out;
  for (const std::string_view word : split_space(plain, SIZE_MAX, false)) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return unescape(out);
}

}  // namespace vecton::chat
