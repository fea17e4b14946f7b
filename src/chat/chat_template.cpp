#include <algorithm>

#include "chat/conversation.h"
#include "chat/interpreter.h"
#include "chat/json_values.h"
#include "chat/parser.h"
#include "chat/pieces.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton {

using chat::Heap;

struct ChatTemplate::Impl {
  std::string text;
  std::unique_ptr<const chat::Program> program;
};

ChatTemplate::ChatTemplate(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

ChatTemplate ChatTemplate::parse(std::string_view text) {
  auto impl = std::make_unique<Impl>();
  impl->text = text;
  impl->program = chat::parse_program(text);
  return ChatTemplate(std::move(impl));
}

std::string ChatTemplate::render(
    const ChatInput& input,
    const std::vector<std::pair<std::string, std::string>>& special_tokens) const {
  Heap heap{chat::Limits{}};
  return chat::render_conversation(heap, *impl_->program, impl_->text, input, special_tokens);
}

}  // namespace vecton
