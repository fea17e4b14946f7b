#include "tokenizer/pattern.h"

#include <cstring>

namespace vecton::tokenizer {

namespace {

class Literal : public Pattern {
 public:
  explicit Literal(std::string text) : text_(std::move(text)) {}

  void find_all(std::string_view text, std::vector<Span>& matches) const override {
    if (text_.empty()) return;
    for (size_t at = 0; (at = find(text, at)) != std::string_view::npos; at += text_.size()) {
      matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(at + text_.size())});
    }
  }

 private:
  size_t find(std::string_view text, size_t at) const {
    return text_.size() == 1 ? text.find(text_[0], at) : text.find(text_, at);
  }

  std::string text_;
};

}  // namespace

std::unique_ptr<const Pattern> make_literal(std::string text) {
  return std::make_unique<Literal>(std::move(text));
}

std::unique_ptr<const Pattern> make_pattern(const Field& field) {
  if (field.has("String")) return make_literal(std::string(field["String"].string()));
  const Field expression = field["Regex"];
  if (auto known = make_known_pattern(expression.string())) return known;
  return make_regex(expression.string(), expression.path());
}

}  // namespace vecton::tokenizer
