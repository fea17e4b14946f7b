#include "parsers/gemma_calls.h"

#include "base/json.h"
#include "base/json_text.h"
#include "parsers/spaced_text.h"

namespace vecton::parsers {

namespace {

constexpr std::string_view kCallSign = "call:";
constexpr int kMaxNested = 64;

class ObjectReader : public SpacedText {
 public:
  ObjectReader(std::string_view text, std::string_view quote) : SpacedText(text), quote_(quote) {}

  bool object(std::string& out, int depth = 0) {
    if (!take('{') || depth > kMaxNested) return false;
    out += '{';
    for (bool first = true; !take('}'); first = false) {
      if (!first && !take(',')) return false;
      if (!first) out += ", ";
      std::string key;
      if (!text(key)) key = bare(":,{}[]");
      if (key.empty() || !take(':')) return false;
      base::append_json_string(out, key);
      out += ": ";
      if (!value(out, depth + 1)) return false;
    }
    out += '}';
    return true;
  }

 private:
  bool value(std::string& out, int depth) {
    if (at_end() || depth > kMaxNested) return false;
    if (text_[at_] == '{') return object(out, depth);
    if (text_[at_] == '[') return list(out, depth);
    std::string string;
    if (text(string)) {
      base::append_json_string(out, string);
      return true;
    }
    const std::string word = bare(",]}");
    boost::system::error_code error;
    json::parse(word, error);
    if (error) {
      base::append_json_string(out, word);
    } else {
      out += word;
    }
    return true;
  }

  bool list(std::string& out, int depth) {
    ++at_;
    out += '[';
    for (bool first = true; !take(']'); first = false) {
      if (!first && !take(',')) return false;
      if (!first) out += ", ";
      if (!value(out, depth + 1)) return false;
    }
    out += ']';
    return true;
  }

  bool text(std::string& out) {
    skip_space();
    if (!text_.substr(at_).starts_with(quote_)) return false;
    const size_t start = at_ + quote_.size();
    const size_t end = text_.find(quote_, start);
    if (end == std::string_view::npos) return false;
    out = text_.substr(start, end - start);
    at_ = end + quote_.size();
    return true;
  }

  std::string bare(std::string_view ends) {
    const size_t start = at_;
    at_ = std::min(text_.find_first_of(ends, at_), text_.size());
    return std::string(trimmed(text_.substr(start, at_ - start)));
  }

  const std::string_view quote_;
};

}  // namespace

GemmaCalls::GemmaCalls(const CallMarkers& markers, std::string quote, Events& events)
    : MarkedCalls(markers, events), quote_(std::move(quote)) {}

void GemmaCalls::open(std::string_view) {
  call_.clear();
  body_ = depth_ = string_ = 0;
}

void GemmaCalls::inside(char c) {
  if (call_.empty() && is_space(c)) return;
  call_ += c;
  if (depth_ == 0) {
    const std::string_view call = call_;
    if (c == '{' && call.starts_with(kCallSign)) {
      body_ = call_.size() - 1;
      depth_ = 1;
      if (trimmed(call.substr(kCallSign.size(), body_ - kCallSign.size())).empty()) fail();
      return;
    }
    const bool begins =
        call.size() < kCallSign.size() ? kCallSign.starts_with(call) : call.starts_with(kCallSign);
    if (!begins || is_newline(c) || call.size() > kMaxName) fail();
    return;
  }
  if (string_ != 0) {
    if (call_.ends_with(quote_) && call_.size() >= string_ + quote_.size()) string_ = 0;
    return;
  }
  if (call_.ends_with(quote_)) {
    string_ = call_.size();
    return;
  }
  if (c == '{' || c == '[') ++depth_;
  if ((c == '}' || c == ']') && --depth_ == 0) end_call();
}

void GemmaCalls::end_call() {
  std::string arguments;
  const std::string_view call = call_;
  if (!ObjectReader(call.substr(body_), quote_).object(arguments)) return fail();
  events_.begin_call(trimmed(call.substr(kCallSign.size(), body_ - kCallSign.size())));
  events_.arguments(arguments);
  commit();
  leave();
}

}  // namespace vecton::parsers
